"""What a dataset version is made of and how it is named. Imports the standard library only."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from trimtab.canonical import digest


class SchemaField(TypedDict):
    """One column: its name and its Arrow type as text."""

    name: str
    type: str


class DatasetFile(TypedDict):
    """One Parquet file. `path` is a logical name, the same on every machine; `sha256` names the object."""

    path: str
    size: int
    sha256: str
    rows: int


def dataset_id(schema: Sequence[SchemaField], files: Sequence[DatasetFile]) -> str:
    """Return the id of a dataset version: the sha256 of its schema and files, nothing else.

    >>> file = {"path": "data/january.csv/00000.parquet", "size": 1, "sha256": "00", "rows": 1}
    >>> dataset_id([{"name": "x", "type": "double"}], [file])[:12]
    'ba9380499e15'
    """
    return digest(
        {
            "schema": [{"name": field["name"], "type": field["type"]} for field in schema],
            "files": [
                {"path": file["path"], "size": file["size"], "sha256": file["sha256"], "rows": file["rows"]}
                for file in files
            ],
        }
    )


def part_path(project: str, upload_key: str, part: int) -> str:
    """Name one part of an upload's rows after the upload's key within the landing prefix.

    >>> part_path("flights", "landing/flights/data/2013-01.csv", 0)
    'data/2013-01.csv/00000.parquet'
    """
    return f"{upload_key.removeprefix(f'landing/{project}/')}/{part:05d}.parquet"


def upload_digest(key: str, version_id: str) -> str:
    """Name an uploaded object version in a way that is safe in keys, whatever the file is called."""
    return digest({"key": key, "version_id": version_id})[:32]


def object_key(sha256: str) -> str:
    """Return the key of the object with this content."""
    return f"objects/{sha256}.parquet"


def manifest_key(project: str, version: str) -> str:
    """Return the key of a dataset version's manifest."""
    return f"datasets/{project}/{version}.json"


def manifest(
    version: str, checked: Mapping[str, Any], *, project: str, committed_at: str, bucket: str
) -> dict[str, Any]:
    """Return the document that describes a dataset version.

    `schema` and `files` are what the id is made of; what differs between machines lies under `beside`.
    """
    return {
        "id": version,
        "project": project,
        "kind": checked["kind"],
        "schema": checked["manifest"]["schema"],
        "files": checked["manifest"]["files"],
        "rows": checked["accepted"],
        "event_from": checked["event_from"],
        "event_to": checked["event_to"],
        "labelled": checked["labelled"],
        "beside": {
            "bucket": bucket,
            "objects": checked["manifest"]["objects"],
            "profile_key": checked["profile_key"],
            "source": checked["source"],
            "committed_at": committed_at,
        },
    }


def newest_first(version_ids: Sequence[str], known: Mapping[str, str]) -> list[str]:
    """Order the dataset versions made from one key by the age of their uploads, newest first.

    `version_ids` are the key's object versions, newest first; `known` maps object versions to dataset
    versions. Objects that no longer exist count as older than those that do.
    """
    gone = sorted(set(known) - set(version_ids))
    ordered = [known[version] for version in (*version_ids, *gone) if version in known]
    return list(dict.fromkeys(ordered))
