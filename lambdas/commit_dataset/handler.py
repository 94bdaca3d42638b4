"""Commit what a check accepted as a dataset version."""

from typing import Any

from trimtab.aws import metrics
from trimtab.aws.datasets import Datasets
from trimtab.aws.objects import Bucket
from trimtab.aws.settings import function_settings
from trimtab.aws.table import Table
from trimtab.instants import format_time, parse_time


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer with the dataset version's id, and whether a newer upload of the same file supersedes it.

    The event holds `checked` (the answer of the check), `time` (of the upload) and `entered` (of this step).
    """
    settings, checked = function_settings(), event["checked"]
    uploaded, entered = parse_time(event["time"]), parse_time(event["entered"])
    datasets = Datasets(settings.project, Bucket(settings.data_bucket), Table(settings.table))
    commit = datasets.commit(checked, format_time(entered))
    lag = {"CommitLagSeconds": max(0.0, (entered - uploaded).total_seconds())}
    metrics.emit(settings.project, settings.environment, uploaded, lag, {"CommitLagSeconds": "Seconds"})
    return {
        "dataset_id": commit.dataset_id,
        "kind": checked["kind"],
        "rows": checked["accepted"],
        "event_from": checked["event_from"],
        "event_to": checked["event_to"],
        "superseded": commit.superseded_by is not None,
        "superseded_by": commit.superseded_by,
    }
