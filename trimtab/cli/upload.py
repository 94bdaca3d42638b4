"""Upload a file and wait for the contract's verdict."""

import hashlib
import time
from pathlib import Path
from typing import Any

from trimtab import names
from trimtab.aws.clients import client
from trimtab.aws.faults import translated
from trimtab.aws.objects import CHECKSUM
from trimtab.cli.runs import not_deployed
from trimtab.cli.session import Session
from trimtab.errors import BadInput, Gone
from trimtab.project import Project

TIMEOUT_SECONDS = 900
_MOST_AT_ONCE = 2**30  # S3 takes five times as much in one request, but then a hiccup costs all of it


def upload_file(session: Session, project: Project, file: Path, *, labels: bool) -> dict[str, Any]:
    """Put `file` into the landing prefix; return what the contract said of it."""
    if not file.is_file():
        raise BadInput(f"{file} does not exist or is not a file")
    if file.stat().st_size == 0:
        raise BadInput(f"{file} is empty; there is nothing to upload")
    key = f"landing/{project.name}/{'labels' if labels else 'data'}/{file.name}"
    try:
        version_id = _put(session.data.name, key, file)
    except Gone as error:
        raise not_deployed(session, project.name) from error
    return _verdict(session, project.name, key, version_id)


def _put(bucket: str, key: str, file: Path) -> str:
    """Upload a file with its checksum, which shows whether all of it arrived; return its version."""
    with file.open("rb") as body:
        metadata = {CHECKSUM: hashlib.file_digest(body, "sha256").hexdigest()}
    with translated(f"upload {file}"):
        if file.stat().st_size <= _MOST_AT_ONCE:
            with file.open("rb") as body:
                put = client("s3").put_object(Bucket=bucket, Key=key, Body=body, Metadata=metadata)
            return put["VersionId"]
        client("s3").upload_file(str(file), bucket, key, ExtraArgs={"Metadata": metadata})
        return client("s3").head_object(Bucket=bucket, Key=key)["VersionId"]


def _verdict(session: Session, project: str, key: str, version_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    pause = 0.1
    while time.monotonic() < deadline:
        item = session.table.get(f"UPLOAD#{project}", f"{key}#{version_id}")
        if item and (item.get("dataset_id") or item["verdict"] == "refused"):
            return {name: value for name, value in item.items() if name not in ("pk", "sk")}
        time.sleep(pause)
        pause = min(pause * 1.5, 5)
    machine = names.machine(session.environment.name, project, "ingest")
    raise BadInput(
        f"no verdict on {key} after {TIMEOUT_SECONDS} s; look at the runs of {machine} with: trimtab runs"
    )
