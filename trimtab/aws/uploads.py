"""Uploads at the edge: read one object version, and keep what its examination found."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Self

import pyarrow as pa

from trimtab.aws import metrics
from trimtab.aws import settings as surroundings
from trimtab.aws.clients import client
from trimtab.aws.faults import translated
from trimtab.aws.objects import Bucket
from trimtab.aws.settings import FunctionSettings
from trimtab.aws.table import Table
from trimtab.canonical import canonical_json, digest, sha256_hex
from trimtab.contract.contract import Contract, load_contract
from trimtab.contract.examination import Examination
from trimtab.contract.refusal import Refusal, shown
from trimtab.dataset.parquet import schema_of, span_of, to_parquet
from trimtab.dataset.version import object_key, part_path
from trimtab.errors import Gone
from trimtab.instants import format_time, parse_time
from trimtab.profile import Grid, Kind, Profile
from trimtab.project import Project, load_project

SCORE = "score"  # what a profile calls a model's answer, which joined rows carry
type Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Upload:
    """One object version in the landing prefix, and the time of the event that announced it."""

    bucket: str
    key: str
    version_id: str
    time: datetime

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Self:
        """Read an upload from a state machine's input."""
        return cls(event["bucket"], event["key"], event["version_id"], parse_time(event["time"]))

    @property
    def digest(self) -> str:
        """Return a name for this upload that is safe in keys, whatever the file is called."""
        return digest({"key": self.key, "version_id": self.version_id})[:32]

    @property
    def source(self) -> str:
        """Return key and version as lineage names them."""
        return f"{self.key}@{self.version_id}"

    @property
    def is_folder(self) -> bool:
        """Tell whether this is no file but the empty object that the S3 console makes for a folder."""
        return self.key.endswith("/")

    def read(self, project: str, folder: str, max_bytes: int) -> bytes:
        """Read this version, at most one byte more than `max_bytes`.

        Raises Refusal when the key lies elsewhere than under `folder` or the version no longer exists.
        """
        prefix = f"landing/{project}/{folder}/"
        if not self.key.startswith(prefix) or ".." in self.key.split("/"):
            raise Refusal("KEY", f"key {shown(self.key)} is not under {prefix}; upload the file there")
        try:
            with translated(f"read {shown(self.source)}"):
                return Bucket(self.bucket).open(self.key, self.version_id).read(max_bytes + 1)
        except Gone as error:
            raise Refusal(
                "GONE", "the uploaded version was deleted before it could be read; upload the file again"
            ) from error


@cache
def rules() -> tuple[Project, Contract]:
    """Load the project's settings and contract, once for each process."""
    folder = surroundings.project_folder()
    project = load_project(folder)
    return project, load_contract(folder, project)


def keep(upload: Upload, examined: Examination, project: Project, settings: FunctionSettings) -> Answer:
    """Store what an examination found and return it for the state machine: data first, the record last.

    Everything is written under names made from content, so that a second run changes nothing.
    """
    bucket = Bucket(settings.data_bucket)
    answer: Answer = {
        "verdict": examined.verdict,
        "kind": examined.kind,
        "key": upload.key,
        "version_id": upload.version_id,
        "source": upload.source,
        "rows": examined.rows,
        "accepted": examined.accepted,
        "quarantined": examined.bad,
        "unmatched": examined.unmatched,
        "code": examined.refusal.code if examined.refusal else None,
        "reason": examined.refusal.reason if examined.refusal else None,
        "report_key": _quarantine(bucket, upload, examined, project.name),
    }
    if examined.table is not None:
        answer |= _stored(bucket, upload, examined.table, project)
    _record(Table(settings.table), project.name, upload, answer)
    _measure(settings, upload, examined)
    return answer


def ignored(upload: Upload) -> Answer:
    """Return the answer for an object that is no upload at all."""
    return {"verdict": "ignored", "key": upload.key, "version_id": upload.version_id}


def _stored(bucket: Bucket, upload: Upload, table: pa.Table, project: Project) -> Answer:
    content = to_parquet(table)
    sha256 = sha256_hex(content)
    bucket.put_once(object_key(sha256), content)
    path = part_path(project.name, upload.key, 0)
    profile = Profile.of(_grid(bucket, project, table), table)
    profile_key = f"profiles/{project.name}/{profile.key}.profile"
    bucket.put_once(profile_key, profile.to_bytes())
    first, last = span_of(table, project.data.timestamp)
    return {
        "manifest": {
            "schema": schema_of(table),
            "files": [{"path": path, "size": len(content), "sha256": sha256, "rows": table.num_rows}],
            "objects": {sha256: _beside(bucket, sha256, content)},
        },
        "profile_key": profile_key,
        "event_from": format_time(first),
        "event_to": format_time(last),
        "labelled": table[project.data.label].null_count < table.num_rows,
    }


def _beside(bucket: Bucket, sha256: str, content: bytes) -> dict[str, str]:
    """Return what S3 knows of a stored object: it differs between machines and is no part of any name."""
    key = object_key(sha256)
    with translated(f"look at {bucket.uri(key)}"):
        head = client("s3").head_object(Bucket=bucket.name, Key=key)
    return {
        "key": key,
        "version_id": head.get("VersionId", "null"),
        "etag": head["ETag"].strip('"'),
        "md5": hashlib.md5(content, usedforsecurity=False).hexdigest(),
    }


def _grid(bucket: Bucket, project: Project, table: pa.Table) -> Grid:
    """Return the project's grid; the first accepted file decides it, whoever asks first."""
    key = f"grids/{project.name}.json"
    try:
        return Grid.from_dict(bucket.get_json(key))
    except Gone:
        kinds: dict[str, Kind] = dict.fromkeys(project.features.numeric, "numeric")
        kinds |= dict.fromkeys(project.features.categorical, "categorical")
        kinds[SCORE] = "numeric"
        bucket.put_once(key, canonical_json(Grid.from_table(table, kinds).to_dict()))
        return Grid.from_dict(bucket.get_json(key))


def _quarantine(bucket: Bucket, upload: Upload, examined: Examination, project: str) -> str | None:
    """Write the rows set aside and the report; return the report's key, None when there is nothing to say."""
    if examined.verdict == "accepted" and not (examined.set_aside or examined.warnings):
        return None
    prefix = f"quarantine/{project}/{upload.digest}"
    if examined.set_aside:
        lines = (
            json.dumps(entry, ensure_ascii=False, sort_keys=True, default=str) for entry in examined.set_aside
        )
        bucket.put(
            f"{prefix}/rows.jsonl", "".join(f"{line}\n" for line in lines).encode(), "application/jsonl"
        )
    refusal = examined.refusal
    report = {
        "schema": 1,
        "project": project,
        "key": upload.key,
        "version_id": upload.version_id,
        "verdict": examined.verdict,
        "code": refusal.code if refusal else None,
        "reason": refusal.reason if refusal else None,
        "rows": examined.rows,
        "accepted": examined.accepted,
        "quarantined": examined.bad,
        "unmatched": examined.unmatched,
        "warnings": list(examined.warnings),
        "findings": [finding.to_dict() for finding in examined.findings],
    }
    bucket.put_json(f"{prefix}/report.json", report)
    return f"{prefix}/report.json"


def _record(table: Table, project: str, upload: Upload, answer: Answer) -> None:
    fields = ("key", "version_id", "verdict", "kind", "rows", "accepted", "quarantined", "unmatched", "code",
              "reason", "report_key", "event_from", "event_to")  # fmt: skip
    known = {name: answer[name] for name in fields if answer.get(name) is not None}
    # An update, not a put: a run that is repeated keeps the dataset version that the first one committed.
    table.update(
        f"UPLOAD#{project}",
        f"{upload.key}#{upload.version_id}",
        {**known, "time": format_time(upload.time)},
        condition="attribute_exists(pk) OR attribute_not_exists(pk)",
    )


def _measure(settings: FunctionSettings, upload: Upload, examined: Examination) -> None:
    values: dict[str, float] = {
        "RowsIn": examined.rows,
        "RowsAccepted": examined.accepted,
        "RowsQuarantined": examined.bad,
        "UploadsRefused": int(examined.refusal is not None),
    }
    if examined.rows:
        values["QuarantinedShare"] = examined.bad / examined.rows
    units = dict.fromkeys(("RowsIn", "RowsAccepted", "RowsQuarantined", "UploadsRefused"), "Count")
    metrics.emit(settings.project, settings.environment, upload.time, values, units)
