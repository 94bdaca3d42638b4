"""Say that the monitor is alive, and plan what it has to do: windows to judge, to measure, and a reminder."""

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from trimtab.aws import metrics
from trimtab.aws.attributes import read_attributes
from trimtab.aws.captures import capture_keys
from trimtab.aws.objects import Bucket
from trimtab.aws.settings import FunctionSettings, function_settings, project_folder
from trimtab.aws.table import Item, Table
from trimtab.canonical import canonical_json, sha256_hex
from trimtab.instants import format_time, parse_time
from trimtab.monitoring import keys
from trimtab.monitoring.planning import (
    candidate_windows,
    capture_days,
    champion_at,
    due_windows,
    may_ask_again,
    measurements_due,
    shards_of,
)
from trimtab.monitoring.windows import Window, window_named
from trimtab.project import Project, load_project

_DIGITS = 16
_OF_WINDOWS = ("from", "to", "last_event", "performance_datasets")
_OF_DATASETS = ("kind", "labelled", "superseded_by", "committed_at", "event_from", "event_to")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer with the windows to judge, the windows to measure, and whether to ask again for a retrain."""
    settings = function_settings()
    metrics.emit(settings.project, settings.environment, parse_time(event["time"]), {"Heartbeat": 1})
    return plan(
        settings, _project(project_folder()), parse_time(event.get("scheduled_time") or event["time"])
    )


@cache
def _project(folder: Path) -> Project:
    return load_project(folder)


def plan(settings: FunctionSettings, project: Project, scheduled: datetime) -> dict[str, Any]:
    """Plan a run as of `scheduled`; planned twice, it is the same plan."""
    table, name = Table(settings.table), project.name
    champion = table.get(f"CHAMPION#{name}", "current")
    pending = table.get(f"PENDING#{name}", "train")
    windows, judged = [], []
    if champion is not None:
        candidates = candidate_windows(project.monitor.window, scheduled)
        judged = list(read_attributes(table, f"WINDOW#{name}", _OF_WINDOWS, since=candidates[-1].id))
        windows = _due(settings, project, champion, candidates, {item["sk"] for item in judged})
    # Without a judged window there is nothing to measure, and only a wait for labels looks at datasets.
    datasets = list(read_attributes(table, f"DATASET#{name}", _OF_DATASETS)) if judged or pending else []
    measurements = [
        _measurement(name, task.window_id, task.datasets) for task in measurements_due(judged, datasets)
    ]
    ask_again = may_ask_again(pending, datasets, scheduled)
    return {
        "quiet": not (windows or measurements or ask_again),
        "windows": windows,
        "measurements": measurements,
        "ask_again": ask_again,
        "reasons": [entry["reason"] for entry in pending["reasons"]] if pending else [],
        "cause": f"requested at {pending['requested_at']}" if pending else "",
    }


def _due(
    settings: FunctionSettings, project: Project, champion: Item, candidates: list[Window], judged: set[str]
) -> list[dict[str, Any]]:
    log = [champion | {"to": champion["version"], "time": champion["since"]}]
    if int(champion["revision"]) > 1:
        log = list(Table(settings.table).query(f"PROMOTION#{project.name}"))
    first = parse_time(log[0]["time"])
    served = [window for window in reversed(candidates) if first <= window.middle]
    earlier = project.monitor.persistence[1] - 1
    tasks = []
    for window in due_windows(candidates, judged, first):
        place = served.index(window)
        history = [before.id for before in served[max(0, place - earlier) : place]]
        version = champion_at(log, window.end)
        tasks.append(_task(settings, project, window, version) | {"history": history})
    return tasks


def _task(
    settings: FunctionSettings, project: Project, window: Window, version: int | None
) -> dict[str, Any]:
    """Write down which captured objects are to be read, and return what the machine hands on."""
    bucket = Bucket(settings.data_bucket)
    days = capture_days(window, project.serve.capture_lead_days)
    shards = shards_of(capture_keys(bucket, project.name, days), project.monitor.objects_per_shard)
    document = canonical_json({"window": window.id, "shards": shards})
    digest = sha256_hex(document)[:_DIGITS]
    bucket.put(keys.plan(project.name, window.id, digest), document, "application/json")
    return {
        "id": window.id,
        "plan": digest,
        "shards": list(range(len(shards))),
        "champion_version": version,
    }


def _measurement(project: str, window_id: str, datasets: tuple[str, ...]) -> dict[str, Any]:
    window = window_named(window_id)
    return {
        "id": window_id,
        "from": format_time(window.start),
        "to": format_time(window.end),
        "datasets": list(datasets),
    }
