"""Measure how well a window was predicted, now that its labels have come, and whether the model decayed."""

import io
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from trimtab.aws import metrics
from trimtab.aws.objects import Bucket
from trimtab.aws.settings import FunctionSettings, function_settings, project_folder
from trimtab.aws.table import Table
from trimtab.canonical import sha256_hex
from trimtab.dataset.version import manifest_key, object_key
from trimtab.drift.labels import compare_labels
from trimtab.errors import Denied
from trimtab.instants import format_time, parse_time
from trimtab.model.record import model_sort_key
from trimtab.monitoring import keys
from trimtab.monitoring.rows import days_of, once_each, rows_inside
from trimtab.monitoring.seasons import season_of
from trimtab.monitoring.sensitivity import sensitivity
from trimtab.monitoring.windows import Window, window_named
from trimtab.performance import decayed, measure
from trimtab.profile.keys import Floats
from trimtab.project import Project, load_project


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Measure the window's predictions against its labels; store and publish what they allow to say."""
    project = _project(project_folder())
    measure_performance(function_settings(), project, event["window"], parse_time(event["time"]))
    return {}


@cache
def _project(folder: Path) -> Project:
    return load_project(folder)


def measure_performance(
    settings: FunctionSettings, project: Project, task: dict[str, Any], time: datetime
) -> None:
    """Measure one window from its joined dataset versions, `task["datasets"]`, oldest first."""
    table, bucket = Table(settings.table), Bucket(settings.data_bucket)
    window = window_named(task["id"])
    rows = _labelled_rows(bucket, project, window, task["datasets"])
    document = _measures(table, project, window, rows) | {
        "window": {"id": window.id, "from": format_time(window.start), "to": format_time(window.end)},
        "datasets": sorted(task["datasets"]),
    }
    bucket.put_json(keys.performance(project.name, window.id), document)
    stored = {key: value for key, value in document.items() if key not in ("window", "datasets")}
    table.update(
        f"WINDOW#{project.name}",
        window.id,
        {
            "performance": stored,
            "performance_at": format_time(time),
            "performance_datasets": document["datasets"],
        },
    )
    metrics.emit(project.name, settings.environment, time, published(document))


def _labelled_rows(bucket: Bucket, project: Project, window: Window, datasets: Sequence[str]) -> pa.Table:
    """Return the window's rows with a label; of several labels of a prediction, the newest version's."""
    data = project.data
    columns = [data.prediction_id, data.timestamp, data.label, "score", "model_version"]
    parts = []
    for dataset in reversed(datasets):
        for file in bucket.get_json(manifest_key(project.name, dataset))["files"]:
            table = _read(bucket, file["sha256"], columns)
            parts.append(rows_inside(table, window, data.timestamp)[0])
    rows, _ = once_each(pa.concat_tables(parts, promote_options="default"), data.prediction_id)
    return rows


def _read(bucket: Bucket, sha256: str, columns: list[str]) -> pa.Table:
    body = bucket.get(object_key(sha256))
    if sha256_hex(body) != sha256:
        raise Denied(f"{bucket.uri(object_key(sha256))} is not what its name says; find out who replaced it")
    return pq.ParquetFile(io.BytesIO(body)).read(columns=columns).replace_schema_metadata(None)


def _measures(table: Table, project: Project, window: Window, rows: pa.Table) -> dict[str, Any]:
    labels = rows[project.data.label].to_pylist()
    known = np.array([label is not None for label in labels], dtype=np.bool_)
    scores = np.array(rows["score"].to_pylist(), dtype=np.float64)[known]
    truth = np.array([label for label in labels if label is not None], dtype=np.float64)
    days = days_of(rows[project.data.timestamp])[known]
    version = _main_version(rows)
    found = measure(truth, scores, days, minimum_rows=project.monitor.minimum_rows)
    model = _model(table, project.name, version)
    expected = (model.get("metrics") or {}).get("auc")
    predicted = (table.get(f"WINDOW#{project.name}", window.id) or {}).get("rows")
    return found.to_dict() | {
        "model_version": version,
        "expected_auc": expected,
        "decayed": decayed(found, expected, project.monitor.max_auc_drop),
        "labelled_share": min(1.0, found.rows / predicted) if predicted else None,
        "label_drift": _label_drift(project, window, model.get("labels"), truth),
    }


def _main_version(rows: pa.Table) -> str | None:
    """Return the version that scored most of the rows; of two that scored as many, the later."""
    versions = rows["model_version"].to_pylist()
    return max(set(versions), key=lambda name: (versions.count(name), name), default=None)


def _model(table: Table, project: str, version: str | None) -> dict[str, Any]:
    """Return what the table knows of a version."""
    if version is None or not version.isdecimal():
        return {}
    return table.get(f"MODEL#{project}", model_sort_key(int(version))) or {}


def _label_drift(
    project: Project, window: Window, trained: dict[str, Any] | None, truth: Floats
) -> dict[str, Any] | None:
    """Compare the labels with those of the training data; None for a version that was not told of them."""
    if trained is None:
        return None
    kind = project.monitor.season
    season = season_of(kind, window.middle.date()) if kind else None
    return compare_labels(trained, len(truth), int(truth.sum()), sensitivity(project), season)


def published(document: dict[str, Any]) -> dict[str, float]:
    """Return the metrics of a measurement; what its rows do not allow to say is left out."""
    values = {
        "Auc": document["auc"],
        "Brier": document["brier"],
        "Skill": document["skill"],
        "LabelledShare": document["labelled_share"],
        "Decay": document["decayed"],
    }
    return {name: float(value) for name, value in values.items() if value is not None}
