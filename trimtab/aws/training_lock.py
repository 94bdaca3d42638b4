"""The lock under which a project is trained: one run at a time, taken over when its holder has ended."""

from datetime import datetime

from trimtab.aws.clients import client
from trimtab.aws.faults import translated
from trimtab.aws.table import Item, Table
from trimtab.errors import BadInput, Conflict, Gone
from trimtab.instants import format_time

ALIVE = {"RUNNING", "PENDING_REDRIVE"}


def holder(table: Table, project: str) -> Item | None:
    """Return the lock's item, or None when nobody holds it."""
    return table.get(f"LOCK#{project}", "train")


def acquire(
    table: Table, project: str, execution_arn: str, *, now: datetime, expires_at: datetime
) -> str | None:
    """Take the lock and return None, or return the ARN of the live execution that holds it.

    An expired lock, and that of an execution that has ended, is taken over. Raises Conflict when it changed
    hands meanwhile.
    """
    item = {
        "pk": f"LOCK#{project}",
        "sk": "train",
        "execution_arn": execution_arn,
        "expires_at": format_time(expires_at),
    }
    free = "attribute_not_exists(pk) OR execution_arn = :mine OR expires_at <= :now"
    try:
        table.put_if(item, free, {":mine": execution_arn, ":now": format_time(now)})
    except Conflict:
        held = holder(table, project)
        if held is None:
            raise
        other = str(held["execution_arn"])
        if _is_alive(other):
            return other
        table.put_if(item, "execution_arn = :ended", {":ended": other})
    return None


def release(table: Table, project: str, execution_arn: str) -> bool:
    """Give the lock back; return False when this execution did not hold it."""
    try:
        table.delete_if(f"LOCK#{project}", "train", "execution_arn = :mine", {":mine": execution_arn})
    except Conflict:
        return False
    return True


def _is_alive(execution_arn: str) -> bool:
    try:
        with translated(f"look at {execution_arn}"):
            status = client("stepfunctions").describe_execution(executionArn=execution_arn)["status"]
    except (Gone, BadInput):
        # Executions are forgotten 90 days after their end.
        return False
    return status in ALIVE
