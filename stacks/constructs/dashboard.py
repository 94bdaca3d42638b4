"""One page about a project: its model, its data and its plumbing."""

import json
from typing import Any

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.target import Target
from trimtab import names

WIDTH, HEIGHT = 8, 6


def dashboard(scope: Construct, id: str, *, target: Target) -> cloudwatch.CfnDashboard:
    """Make the dashboard; the worst features show by rank, never by name."""
    rows = [_about(target), *_model(target), *_data(target), *_plumbing(target)]
    name = f"trimtab-{target.environment.name}-{target.project.name}"
    return cloudwatch.CfnDashboard(
        scope, id, dashboard_name=name, dashboard_body=json.dumps({"widgets": rows}, sort_keys=True)
    )


def _about(target: Target) -> dict[str, Any]:
    project = target.project
    text = f"# {project.name} in {target.environment.name}\n{project.description}"
    return {"type": "text", "x": 0, "y": 0, "width": 24, "height": 2, "properties": {"markdown": text}}


def _model(target: Target) -> list[dict[str, Any]]:
    ranks = ["Rank1Effect", "Rank2Effect", "Rank3Effect"]
    return [
        _graph(target, 0, 2, "Drift", _own(target, "DriftVerdict", "DriftPersistent", "DriftWeight")),
        _graph(target, 1, 2, "Largest effects", _own(target, *ranks, "UndeterminedShare")),
        _graph(target, 2, 2, "Performance", _own(target, "Auc", "Brier", "Skill", "LabelledShare")),
    ]


def _data(target: Target) -> list[dict[str, Any]]:
    counts = _own(target, "RowsIn", "RowsAccepted", "RowsQuarantined", "WindowRows")
    training = _own(target, "TrainingStarted", "ChallengerPromoted", "ChallengerRejected")
    return [
        _graph(target, 0, 8, "Rows", counts, "Sum"),
        _graph(target, 1, 8, "Uploads", _own(target, "UploadsRefused", "QuarantinedShare"), "Maximum"),
        _graph(target, 2, 8, "Training", training, "Sum"),
    ]


def _plumbing(target: Target) -> list[dict[str, Any]]:
    arns = [(machine, target.machine_arn(machine)) for machine in names.MACHINES]
    failed = [
        ["AWS/States", "ExecutionsFailed", "StateMachineArn", arn, {"label": name}] for name, arn in arns
    ]
    queue = names.dead_letter_queue(target.environment.name)
    letters = [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue]]
    lag = _own(target, "CommitLagSeconds", "Heartbeat")
    return [
        _graph(target, 0, 14, "Failed runs", failed, "Sum"),
        _graph(target, 1, 14, "Dead letters", letters, "Maximum"),
        _graph(target, 2, 14, "Lag and heartbeat", lag, "Maximum"),
    ]


def _own(target: Target, *metrics: str) -> list[list[Any]]:
    place = ["Project", target.project.name, "Environment", target.environment.name]
    return [["Trimtab", metric, *place] for metric in metrics]


def _graph(
    target: Target, column: int, y: int, title: str, metrics: list[list[Any]], statistic: str = "Average"
) -> dict[str, Any]:
    properties = {
        "title": title,
        "metrics": metrics,
        "region": target.environment.region,
        "stat": statistic,
        "period": 3600,
        "view": "timeSeries",
    }
    place = {"x": column * WIDTH, "y": y, "width": WIDTH, "height": HEIGHT}
    return {"type": "metric", "properties": properties, **place}
