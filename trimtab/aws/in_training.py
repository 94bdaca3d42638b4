"""What training runs were planned with, and which dataset versions a running one reads."""

from collections.abc import Iterator
from datetime import datetime

from trimtab.aws import training_lock
from trimtab.aws.table import Item, Table
from trimtab.errors import Conflict
from trimtab.instants import parse_time
from trimtab.model.training_job import job_name


def training_plans(table: Table, project: str) -> Iterator[Item]:
    """Read the plans of all runs that started a job or reused what an earlier one had left."""
    for kind in ("job#", "reuse#"):
        yield from table.query(f"RUN#{project}", kind)


def datasets_in_training(table: Table, project: str, now: datetime) -> list[str]:
    """List what the holder of the training lock reads; nothing when nobody holds it.

    Raises Conflict while a run holds the lock and has not written its plan yet.
    """
    lock = training_lock.holder(table, project)
    if lock is None or parse_time(lock["expires_at"]) <= now:
        return []
    job = job_name(project, str(lock["execution_arn"]).rpartition(":")[2])
    for item in training_plans(table, project):
        if item["sk"].endswith(f"#{job}"):
            return list(item["plan"]["datasets"])
    raise Conflict(f"a training run of {project} is choosing its data; try again in a minute")
