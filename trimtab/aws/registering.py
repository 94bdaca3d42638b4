"""Record objects that lie in S3 already as a dataset version: pinned by version id, not copied."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from trimtab.aws.clients import client
from trimtab.aws.faults import translated
from trimtab.aws.object_versions import list_versions
from trimtab.aws.objects import Bucket
from trimtab.aws.table import Table, add_edge
from trimtab.aws.transfer import CHUNK_BYTES
from trimtab.canonical import canonical_json
from trimtab.dataset.inspection import FORMATS, Statistics, inspect, statistics
from trimtab.dataset.version import SchemaField, dataset_id, manifest, manifest_key
from trimtab.errors import BadInput, Gone
from trimtab.instants import format_time
from trimtab.profile import Grid, Profile
from trimtab.project import Project

KIND = "registered"
_RECORDED = ("kind", "quarantined", "event_from", "event_to", "profile_key", "source", "labelled")
_AT_ONCE = 8  # files on disk at a time


@dataclass(frozen=True, slots=True)
class Source:
    """One object as it is now, and its name within the version."""

    key: str
    path: str
    size: int
    version_id: str
    etag: str


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found in one object."""

    source: Source
    sha256: str
    md5: str
    schema: list[SchemaField]
    rows: int
    statistics: Statistics | None
    why_not: str | None


def register(uri: str, project: Project, data: Bucket, table: Table, *, at: str) -> dict[str, Any]:
    """Record the Parquet or CSV objects at or below `uri` as a version; an older one of `uri` is superseded.

    Raises BadInput for a bucket without versions, for other formats and for files with unequal columns.
    """
    bucket, prefix = _parse(uri)
    _require_versions(bucket)
    sources, skipped = _sources(bucket, prefix)
    grid = _grid(data, project.name)
    with TemporaryDirectory(prefix="trimtab-") as folder, ThreadPoolExecutor(_AT_ONCE) as pool:
        examined = list(
            pool.map(lambda source: _examine(bucket, source, Path(folder), grid, project), sources)
        )
    schema = _common_schema(examined)
    checked = {
        "kind": KIND,
        "manifest": {
            "schema": schema,
            "files": [
                {
                    "path": one.source.path,
                    "size": one.source.size,
                    "sha256": one.sha256,
                    "rows": one.rows,
                }
                for one in examined
            ],
            "objects": {one.sha256: _place(bucket, one) for one in examined},
        },
        "accepted": sum(one.rows for one in examined),
        "quarantined": 0,
        # Training reads keys, and nothing keeps these keys from being overwritten: no rows for training.
        "labelled": False,
        "source": bucket.uri(prefix),
        **_statistics(data, project.name, examined),
    }
    version = dataset_id(checked["manifest"]["schema"], checked["manifest"]["files"])
    is_new = _commit(version, checked, project.name, data, table, at)
    why = next((one.why_not for one in examined if one.why_not), None)
    return {
        "id": version,
        "new": is_new,
        "files": len(examined),
        "rows": checked["accepted"],
        "bytes": sum(one.source.size for one in examined),
        "profile": "none: " + why if why else "as the project's grid has it",
        "skipped": skipped,
        "unversioned": [one.source.key for one in examined if one.source.version_id == "null"],
        "training": "not trained on, because training reads keys, which others may overwrite; to train on "
        "these rows: trimtab data pull, then trimtab upload",
    }


def _parse(uri: str) -> tuple[Bucket, str]:
    name, _, prefix = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not name or not prefix:
        raise BadInput(f"{uri!r} is not the address of an object or a prefix; write s3://bucket/prefix/")
    return Bucket(name), prefix


def _require_versions(bucket: Bucket) -> None:
    try:
        with translated(f"look at s3://{bucket.name}"):
            status = client("s3").get_bucket_versioning(Bucket=bucket.name).get("Status")
    except Gone as error:
        raise BadInput(f"there is no bucket {bucket.name}; check its name and region") from error
    if status != "Enabled":
        raise BadInput(
            f"bucket {bucket.name} keeps no versions, so nothing in it can be pinned; switch them on with: "
            f"aws s3api put-bucket-versioning --bucket {bucket.name} "
            "--versioning-configuration Status=Enabled"
        )


def _sources(bucket: Bucket, prefix: str) -> tuple[list[Source], list[str]]:
    """List what there is now: the object called `prefix`, or what lies below it as a folder."""
    listed = [one for one in list_versions(bucket, prefix) if one.is_latest and not one.is_marker]
    current = [Source(one.key, "", one.size, one.version_id, one.etag) for one in listed]
    single = [source for source in current if source.key == prefix and not prefix.endswith("/")]
    folder = prefix if prefix.endswith("/") else f"{prefix}/"
    found = single or [source for source in current if source.key.startswith(folder)]
    # Markers such as _SUCCESS, hidden files, and the empty objects that the console makes for folders.
    data = [source for source in found if not _is_marker(source)]
    if not data:
        raise BadInput(f"there is nothing at {bucket.uri(prefix)}; check the address")
    for source in data:
        if PurePosixPath(source.key).suffix not in FORMATS:
            raise BadInput(
                f"{bucket.uri(source.key)} is neither .parquet nor .csv; register a prefix of such files"
            )
    if len({PurePosixPath(source.key).suffix for source in data}) > 1:
        raise BadInput(f"{bucket.uri(prefix)} holds both Parquet and CSV; register them separately")
    skipped = [source.key for source in found if _is_marker(source)]
    base = prefix.rpartition("/")[0] + "/" if single else folder
    base = "" if base == "/" else base
    named = [
        Source(source.key, source.key.removeprefix(base), source.size, source.version_id, source.etag)
        for source in data
    ]
    return sorted(named, key=lambda source: source.path), skipped


def _is_marker(source: Source) -> bool:
    name = source.key.rpartition("/")[2]
    return not name or name.startswith(("_", "."))


def _examine(bucket: Bucket, source: Source, folder: Path, grid: Grid | None, project: Project) -> Examined:
    """Stream one object to disk and digest it on the way; what it holds is read from there."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    kind = PurePosixPath(source.key).suffix
    path = folder / f"{hashlib.sha256(source.key.encode()).hexdigest()}{kind}"
    try:
        with bucket.open(source.key, source.version_id) as body, path.open("wb") as sink:
            while chunk := body.read(CHUNK_BYTES):
                sha256.update(chunk)
                md5.update(chunk)
                sink.write(chunk)
        try:
            table = inspect(path, kind)
        except BadInput as error:
            raise BadInput(f"{bucket.uri(source.key)}: {error}; mend the file or leave it out") from error
        found, why_not = _describe(path, kind, grid, project)
    finally:
        path.unlink(missing_ok=True)
    return Examined(source, sha256.hexdigest(), md5.hexdigest(), table.schema, table.rows, found, why_not)


def _describe(
    path: Path, kind: str, grid: Grid | None, project: Project
) -> tuple[Statistics | None, str | None]:
    if grid is None:
        return None, "the project has no grid before its first accepted upload"
    try:
        found = statistics(path, kind, grid, project.data)
    except BadInput as error:
        return None, str(error)
    return found, None if found else "there are no rows"


def _grid(data: Bucket, project: str) -> Grid | None:
    try:
        return Grid.from_dict(data.get_json(f"grids/{project}.json"))
    except Gone:
        return None


def _common_schema(examined: list[Examined]) -> list[SchemaField]:
    first = examined[0]
    for one in examined:
        if one.schema != first.schema:
            raise BadInput(
                f"{one.source.key} and {first.source.key} have unequal columns; register them separately"
            )
    return first.schema


def _place(bucket: Bucket, one: Examined) -> dict[str, str]:
    return {
        "bucket": bucket.name,
        "key": one.source.key,
        "version_id": one.source.version_id,
        "etag": one.source.etag,
        "md5": one.md5,
    }


def _statistics(data: Bucket, project: str, examined: list[Examined]) -> dict[str, Any]:
    """Store the profile of all files; a version of which one file has none is committed without."""
    found = [one.statistics for one in examined if one.statistics is not None]
    if len(found) < len(examined):
        return {"profile_key": None, "event_from": None, "event_to": None}
    profile = Profile.merged([one.profile for one in found])
    key = f"profiles/{project}/{profile.key}.profile"
    data.put_once(key, profile.to_bytes())
    return {
        "profile_key": key,
        "event_from": format_time(min(one.first for one in found)),
        "event_to": format_time(max(one.last for one in found)),
    }


def _commit(version: str, checked: dict[str, Any], project: str, data: Bucket, table: Table, at: str) -> bool:
    """Write manifest, record and lineage; what was registered from the same address before is superseded."""
    document = manifest(version, checked, project=project, committed_at=at, bucket=data.name)
    data.put_once(manifest_key(project, version), canonical_json(document))
    pk = f"DATASET#{project}"
    item = {
        "pk": pk,
        "sk": version,
        **{name: checked[name] for name in _RECORDED},
        "rows": checked["accepted"],
        "manifest_key": manifest_key(project, version),
        "committed_at": at,
    }
    is_new = table.put_once(item)
    add_edge(table, f"source:{checked['source']}", "registered-as", f"dataset:{version}")
    older = [
        one["sk"]
        for one in table.query(pk)
        if one.get("source") == checked["source"] and one["sk"] != version and not one.get("superseded_by")
    ]
    if older:
        table.update(pk, version, {"superseded_by": None, "supersedes": older[0]})
    elif not is_new:
        table.update(pk, version, {"superseded_by": None})
    for name in older:
        table.update(pk, name, {"superseded_by": version})
    return is_new
