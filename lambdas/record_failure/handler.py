"""Record a failed run, and release the training lock if that run holds it."""

import json
from contextlib import suppress
from typing import Any

from trimtab.aws.settings import function_settings
from trimtab.aws.table import Table
from trimtab.canonical import canonical_json
from trimtab.errors import Conflict

_CHILD_FAILED = "States.ExceedToleratedFailureThreshold"
_LONGEST_REASON = 500
_LONGEST_CAUSE = 8_000


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Write the run's record; the same failure twice is one record.

    The event holds `machine`, `execution_arn`, `time` and `error` as a Catch leaves it: `Error` and `Cause`.
    """
    settings = function_settings()
    table, arn, error = Table(settings.table), event["execution_arn"], event["error"]
    reason, details = _explained(str(error.get("Cause") or ""))
    if error.get("Error") == _CHILD_FAILED:
        reason = "part of the work failed; its run, among the children of this execution's map run, says why"
    table.put(
        {
            "pk": f"RUN#{settings.project}",
            "sk": f"{event['machine']}#{event['time']}#{arn.rpartition(':')[2]}",
            "machine": event["machine"],
            "time": event["time"],
            "execution_arn": arn,
            "outcome": "failed",
            "error": error.get("Error") or "Unknown",
            "reason": reason,
            "details": canonical_json(details).decode(),
        }
    )
    with suppress(Conflict):  # the lock is free or another run's
        table.delete_if(f"LOCK#{settings.project}", "train", "execution_arn = :arn", {":arn": arn})
    return {"outcome": "failed", "reason": reason}


def _explained(cause: str) -> tuple[str, dict[str, Any]]:
    """Return the sentence in a cause and its details: Lambda and SageMaker give JSON, other services text."""
    try:
        document = json.loads(cause)
        message = str(document.get("errorMessage") or document["FailureReason"])
    except (ValueError, KeyError, TypeError, AttributeError):
        message = next(iter(cause.splitlines()), "no cause was given")
    return message[:_LONGEST_REASON], {"cause": cause[:_LONGEST_CAUSE]}
