"""Score files with the champion, in a batch transform job."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trimtab import names
from trimtab.aws.clients import client
from trimtab.aws.faults import translated
from trimtab.cli.session import Session
from trimtab.errors import BadInput
from trimtab.model.transform_job import (
    MEGABYTE,
    cut_csv,
    home,
    job_name,
    join_answers,
    transform_request,
)
from trimtab.project import Project

ENDED = {"Completed", "Failed", "Stopped"}


def score(
    session: Session,
    project: Project,
    source: str,
    *,
    to: Path | None,
    payload_megabytes: int,
    at: str,
) -> dict[str, Any]:
    """Score the rows of a file, or of the files under an S3 prefix; return where the answers lie."""
    if not _is_s3(source) and not Path(source).is_file():
        raise BadInput(f"{source} does not exist or is not a file")
    champion = session.table.get(f"CHAMPION#{project.name}", "current")
    if champion is None:
        raise BadInput(f"{project.name} has no champion to score with; train one first")
    job = job_name(project.name, {"source": source, "champion": champion["version"], "at": at})
    folder = f"{home(project.name)}{job}/"
    inputs = _checked(session, project, source) if _is_s3(source) else f"{folder}input/"
    if not _is_s3(source):
        _upload(session, Path(source), inputs, payload_megabytes * MEGABYTE)
    environment = session.environment
    request = transform_request(
        project=project.name,
        environment=environment.name,
        job=job,
        model=champion["endpoint_config"],  # the deployment gives model and configuration one name
        source=session.data.uri(inputs),
        target=session.data.uri(f"{folder}output"),
        instance_type=environment.endpoint_instance_type,
        key_arn=f"arn:aws:kms:{environment.region}:{session.account}:{names.key_alias(environment.name)}",
        payload_megabytes=payload_megabytes,
    )
    with translated(f"start transform job {job}"):
        client("sagemaker").create_transform_job(**request)
    return {
        "job": job,
        "model_version": champion["version"],
        **_ended(session, job, f"{folder}output/", to),
    }


def _is_s3(source: str) -> bool:
    return source.startswith("s3://")


def _checked(session: Session, project: Project, source: str) -> str:
    """Return the key or prefix of an S3 source, which must be one that the model's role may read."""
    allowed = session.data.uri(home(project.name))
    if not source.startswith(allowed):
        raise BadInput(
            f"the model may read below {allowed} only; copy the files there, or score a local file"
        )
    return source.removeprefix(session.data.uri(""))


def _upload(session: Session, file: Path, inputs: str, most_bytes: int) -> None:
    with file.open("rb") as opened:
        for number, part in enumerate(cut_csv(opened, most_bytes)):
            session.data.put(f"{inputs}{number:05d}.csv", part, "text/csv")


def _ended(session: Session, job: str, outputs: str, to: Path | None) -> dict[str, Any]:
    described = _wait(job)
    facts = {
        "ok": described["TransformJobStatus"] == "Completed",
        "status": described["TransformJobStatus"],
        "answers": session.data.uri(outputs),
    }
    if not facts["ok"]:
        return {**facts, "reason": described.get("FailureReason")}
    if to is None:
        return facts
    with to.open("wb") as target:
        target.writelines(join_answers(_answers(session, outputs)))
    return {**facts, "file": str(to)}


def _answers(session: Session, outputs: str) -> Iterator[bytes]:
    for found in session.data.list(outputs):
        yield session.data.get(found.key)


def _wait(job: str) -> dict[str, Any]:
    pause = 0.2
    while True:
        with translated(f"look at transform job {job}"):
            described = client("sagemaker").describe_transform_job(TransformJobName=job)
        if described["TransformJobStatus"] in ENDED:
            return dict(described)
        time.sleep(pause)
        pause = min(pause * 1.5, 15)
