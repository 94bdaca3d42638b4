"""Versions of objects and delete markers: list them, and delete them for good."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from trimtab.aws.clients import client
from trimtab.aws.faults import translated
from trimtab.aws.objects import Bucket
from trimtab.errors import Denied

_AT_ONCE = 1000  # as many as DeleteObjects takes


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """One version of an object, or a delete marker, which has neither size nor ETag."""

    key: str
    version_id: str
    size: int
    etag: str
    is_latest: bool
    is_marker: bool


def list_versions(bucket: Bucket, prefix: str) -> Iterator[ObjectVersion]:
    """List all versions and delete markers of the keys that start with `prefix`."""
    pages = client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket.name, Prefix=prefix)
    with translated(f"list the versions of {bucket.uri(prefix)}"):
        for page in pages:
            for entry in page.get("Versions", []):
                etag = entry["ETag"].strip('"')
                yield ObjectVersion(
                    entry["Key"], entry["VersionId"], entry["Size"], etag, entry["IsLatest"], is_marker=False
                )
            for marker in page.get("DeleteMarkers", []):
                yield ObjectVersion(
                    marker["Key"], marker["VersionId"], 0, "", marker["IsLatest"], is_marker=True
                )


def versions_of(bucket: Bucket, key: str) -> list[ObjectVersion]:
    """List all versions and delete markers of one key."""
    return [version for version in list_versions(bucket, key) if version.key == key]


def hide(bucket: Bucket, keys: Iterable[str]) -> list[ObjectVersion]:
    """Put a delete marker on each key, so that it can be written anew; return the markers."""
    markers = []
    for key in sorted(keys):
        with translated(f"hide {bucket.uri(key)}"):
            answer = client("s3").delete_object(Bucket=bucket.name, Key=key)
        markers.append(ObjectVersion(key, answer["VersionId"], 0, "", is_latest=True, is_marker=True))
    return markers


def delete_versions(bucket: Bucket, versions: Sequence[ObjectVersion]) -> None:
    """Delete versions and markers for good; raise Denied naming the first that S3 would not delete."""
    for start in range(0, len(versions), _AT_ONCE):
        part = versions[start : start + _AT_ONCE]
        with translated(f"delete versions from s3://{bucket.name}"):
            answer = client("s3").delete_objects(
                Bucket=bucket.name,
                Delete={
                    "Objects": [{"Key": one.key, "VersionId": one.version_id} for one in part],
                    "Quiet": True,
                },
            )
        if errors := answer.get("Errors"):
            first = errors[0]
            raise Denied(
                f"S3 did not delete {len(errors)} versions, the first being {first.get('Key')}@"
                f"{first.get('VersionId')} ({first.get('Code')}: {first.get('Message')}); you need "
                "s3:DeleteObjectVersion, and no retention may hold it; then run the command again"
            )
