"""Say that the monitor is alive, and plan what it has to do: windows to judge, to measure, and a reminder."""

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from trimtab.aws import metrics
from trimtab.aws.attributes import read_attributes
from trimtab.aws.captures import captured_objects
from trimtab.aws.objects import Bucket
from trimtab.aws.settings import FunctionSettings, function_settings, project_folder
from trimtab.aws.shards import Shards
from trimtab.aws.table import Item, Table
from trimtab.instants import format_time, parse_time
from trimtab.monitoring.planning import (
    WINDOWS_PER_RUN,
    candidate_windows,
    capture_days,
    champion_at,
    due_windows,
    may_ask_again,
    measurements_due,
    open_windows,
    shards_of,
)
from trimtab.monitoring.windows import Window, window_named
from trimtab.project import Project, load_project

_OF_WINDOWS = ("from", "to", "last_event", "performance_datasets", "plan")
_EARLIER = 11  # windows that a report shows beside its own
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
        windows = _due(settings, project, champion, candidates, judged, scheduled)
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
    settings: FunctionSettings,
    project: Project,
    champion: Item,
    candidates: list[Window],
    judged: list[Item],
    now: datetime,
) -> list[dict[str, Any]]:
    """List the windows without a verdict, and those of which more was captured since theirs, oldest first."""
    log = [champion | {"to": champion["version"], "time": champion["since"]}]
    if int(champion["revision"]) > 1:
        log = list(Table(settings.table).query(f"PROMOTION#{project.name}"))
    first = parse_time(log[0]["time"])
    served = [window for window in reversed(candidates) if first <= window.middle]
    plans = {item["sk"]: item.get("plan") for item in judged}
    newest = max((item["from"] for item in judged), default="")
    still_open = open_windows(candidates, plans, now, project.monitor.late_days)
    tasks = []
    for window in sorted([*due_windows(candidates, plans, first), *still_open])[:WINDOWS_PER_RUN]:
        shards, found = _shards(settings, project, window, now)
        if plans.get(window.id) != shards.plan:
            place = served.index(window)
            tasks.append({
                "id": window.id,
                "plan": shards.plan,
                "shards": len(found),
                "levels": shards.write_down(found),
                "champion_version": champion_at(log, window.end),
                "earlier": [before.id for before in served[max(0, place - _EARLIER) : place]],
                # The metrics say how things are; a correction of an older window would hide that.
                "publish": format_time(window.start) >= newest,
            })  # fmt: skip
    return tasks


def _shards(
    settings: FunctionSettings, project: Project, window: Window, now: datetime
) -> tuple[Shards, list[list[tuple[str, str]]]]:
    """List the captured objects that may hold rows of the window, by shard; the plan is named after them."""
    bucket, monitor = Bucket(settings.data_bucket), project.monitor
    if monitor.table is not None:
        # A table does not say whether rows were added: while the window is open, each day asks it again.
        asked = [[(monitor.table.name, f"{now:%Y-%m-%d}")]]
        return Shards.planned(bucket, project.name, window.id, asked), asked
    days = capture_days(window, project.serve.capture_lead_days)
    objects = list(captured_objects(bucket, project.name, days))
    runs = shards_of((entry.size for entry in objects), monitor.objects_per_shard, monitor.bytes_per_shard)
    found = [[(entry.key, entry.etag) for entry in objects[run]] for run in runs]
    return Shards.planned(bucket, project.name, window.id, found), found


def _measurement(project: str, window_id: str, datasets: tuple[str, ...]) -> dict[str, Any]:
    window = window_named(window_id)
    return {
        "id": window_id,
        "from": format_time(window.start),
        "to": format_time(window.end),
        "datasets": list(datasets),
    }
