"""Bring a training job's input channels from S3 into its scratch folder, as SageMaker's File mode does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from botocore.exceptions import ClientError

from localcloud.context import Context


class InputProblem(Exception):
    """An input channel cannot be brought: what SageMaker calls a ClientError."""


def split_uri(uri: str) -> tuple[str, str]:
    """Split an S3 URI into bucket and key.

    >>> split_uri("s3://bucket/a/b")
    ('bucket', 'a/b')
    """
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise InputProblem(f"{uri!r} is not an S3 URI such as s3://bucket/prefix")
    return bucket, key


def refuse_empty(context: Context, channels: list[Mapping[str, Any]], role: str) -> None:
    """Raise InputProblem for a channel without objects; SageMaker refuses the job when it is created."""
    for channel in channels:
        source = _source(channel)
        bucket, key = split_uri(source["S3Uri"])
        if next(_keys(context, bucket, key), None) is None:
            raise InputProblem(
                f'No S3 objects found under S3 URL "{source["S3Uri"]}" given in input data source. '
                f"Please ensure that the bucket exists in the selected region ({context.region}), that "
                f'objects exist under that S3 prefix, and that the role "{role}" has "s3:ListBucket" '
                f'permissions on bucket "{bucket}".'
            )


def download(context: Context, channel: Mapping[str, Any], folder: Path) -> None:
    """Write a channel's objects under its folder; raise InputProblem when one is missing or named badly."""
    source = _source(channel)
    bucket, key = split_uri(source["S3Uri"])
    folder.mkdir(parents=True)
    if source["S3DataType"] == "ManifestFile":
        listed = _manifest(context, bucket, key)
    else:
        listed = ((bucket, found, _relative(found, key)) for found in _keys(context, bucket, key))
    for from_bucket, from_key, relative in listed:
        name = PurePosixPath(relative)
        if name.is_absolute() or ".." in name.parts or not relative:
            raise InputProblem(f"s3://{from_bucket}/{from_key} has no place inside the channel's folder")
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(_read(context, from_bucket, from_key))


def _source(channel: Mapping[str, Any]) -> Mapping[str, Any]:
    source: Mapping[str, Any] | None = channel.get("DataSource", {}).get("S3DataSource")
    if source is None or source["S3DataType"] not in ("S3Prefix", "ManifestFile"):
        raise InputProblem(
            f"the channel {channel['ChannelName']!r} is neither S3Prefix nor ManifestFile; "
            "the local cloud reads no others"
        )
    return source


def _keys(context: Context, bucket: str, prefix: str) -> Iterator[str]:
    pages = context.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    try:
        for page in pages:
            for item in page.get("Contents", ()):
                if not item["Key"].endswith("/"):
                    yield item["Key"]
    except ClientError as error:
        raise InputProblem(f"cannot list s3://{bucket}/{prefix}: {error}") from error


def _relative(key: str, prefix: str) -> str:
    """Name an object inside its channel: below the prefix if that is a folder, else by its last parts."""
    if key.startswith(prefix.rstrip("/") + "/") or prefix == "":
        return key[len(prefix) :].lstrip("/")
    return key[prefix.rfind("/") + 1 :]


def _manifest(context: Context, bucket: str, key: str) -> Iterator[tuple[str, str, str]]:
    try:
        entries = json.loads(_read(context, bucket, key))
        prefix = entries[0]["prefix"]
        names = [str(name) for name in entries[1:]]
    except (ValueError, LookupError, TypeError) as error:
        raise InputProblem(
            f's3://{bucket}/{key} is not a manifest such as [{{"prefix": "s3://bucket/"}}, "key"]: {error}'
        ) from error
    for name in names:
        from_bucket, from_key = split_uri(prefix + name)
        yield from_bucket, from_key, name


def _read(context: Context, bucket: str, key: str) -> bytes:
    try:
        return bytes(context.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise InputProblem(f"Data download failed: s3://{bucket}/{key} ({code})") from error
