"""CloudWatch metrics in the embedded metric format: one line on standard output, no API call."""

import json
import math
import sys
from collections.abc import Mapping
from datetime import datetime

NAMESPACE = "Trimtab"
DIMENSIONS = ("Project", "Environment")
RANKS = 3
# Every metric that a project publishes. CloudWatch bills each name, so a name never comes from data: features
# are ranked, and what else there is to say about them goes along as properties of the log line.
METRICS = frozenset({
    "RowsIn", "RowsAccepted", "RowsQuarantined", "QuarantinedShare", "UploadsRefused",
    "BytesIn", "IngestSeconds", "CommitLagSeconds",
    "Heartbeat", "WindowRows", "DriftVerdict", "DriftPersistent", "DriftWeight", "UndeterminedShare",
    *(f"Rank{rank}Effect" for rank in range(1, RANKS + 1)),
    "Auc", "Brier", "Skill", "Decay", "LabelledShare",
    "TrainingStarted", "ChallengerPromoted", "ChallengerRejected",
})  # fmt: skip


def emit(
    project: str,
    environment: str,
    time: datetime,
    values: Mapping[str, float],
    units: Mapping[str, str] | None = None,
    properties: Mapping[str, object] | None = None,
) -> None:
    """Print `values` as metrics of the project at `time`; `properties` go along in the log and cost nothing.

    Raises ValueError for a value that is not finite: CloudWatch refuses it and silence looks like health.
    """
    print(line(project, environment, time, values, units, properties), file=sys.stdout, flush=True)


def line(
    project: str,
    environment: str,
    time: datetime,
    values: Mapping[str, float],
    units: Mapping[str, str] | None = None,
    properties: Mapping[str, object] | None = None,
) -> str:
    """Return the log line that CloudWatch turns into metrics."""
    for name, value in values.items():
        if name not in METRICS:
            raise ValueError(f"metric {name} is none of METRICS; each name is billed, so add it there first")
        if not math.isfinite(value):
            raise ValueError(f"metric {name} is {value}; leave out what cannot be computed")
    units = units or {}
    document = {
        "_aws": {
            "Timestamp": round(time.timestamp() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": NAMESPACE,
                    "Dimensions": [list(DIMENSIONS)],
                    "Metrics": [{"Name": name, "Unit": units.get(name, "None")} for name in values],
                }
            ],
        },
        "Project": project,
        "Environment": environment,
        **(properties or {}),
        **{name: float(value) for name, value in values.items()},
    }
    return json.dumps(document)
