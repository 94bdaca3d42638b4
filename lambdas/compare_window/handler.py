"""Compare a window with the champion's baseline: add up its shards, judge, report, publish the verdict."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from trimtab.aws import metrics
from trimtab.aws.objects import Bucket
from trimtab.aws.settings import FunctionSettings, function_settings, project_folder
from trimtab.aws.table import Item, Table
from trimtab.drift import Baseline, Reason, Report, Settings, compare, persistent
from trimtab.errors import Gone
from trimtab.instants import format_time, parse_time
from trimtab.model.record import baseline_key
from trimtab.monitoring import keys
from trimtab.monitoring.rows import RowCounts
from trimtab.monitoring.windows import Window, window_named
from trimtab.profile import Grid, Profile
from trimtab.project import WINDOWS_PER_YEAR, Project, load_project
from trimtab.report import by_weight_and_effect, render_window_report
from trimtab.report.pictures import picture

RANKS = 3
_PICTURES = 12


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Judge the window and store, publish and report the verdict."""
    project = _project(project_folder())
    compare_window(function_settings(), project, event["window"], parse_time(event["time"]))
    return {}


@cache
def _project(folder: Path) -> Project:
    return load_project(folder)


def compare_window(
    settings: FunctionSettings, project: Project, task: dict[str, Any], time: datetime
) -> None:
    """Judge one window; done again from the same shards, it writes the same report."""
    window, version = window_named(task["id"]), task["champion_version"]
    baseline = _baseline(Bucket(settings.model_bucket), project.name, version)
    grid = baseline.profile.grid if baseline else Grid({})
    current, counts = _shards(Bucket(settings.data_bucket), project.name, task, grid)
    report = compare(baseline, current, _sensitivity(project))
    if not report.features:  # neither shards nor a baseline: not even the columns are known
        report = replace(report, verdict="undetermined", reason=Reason.NO_BASELINE, undetermined_weight=1.0)
    history = _history(Table(settings.table), project.name, task["history"], version)
    needed, of = project.monitor.persistence
    verdicts = [entry["verdict"] for entry in history] + [report.verdict]
    persists = persistent(verdicts, needed, of)
    document = report.to_dict() | {
        "project": project.name,
        "environment": settings.environment,
        "window": {"id": window.id, "from": format_time(window.start), "to": format_time(window.end)},
        "champion_version": version,
        "persistent": persists,
        "persistence": [needed, of],
        "history": history,
        "captured": counts.to_dict() | {"shards": len(task["shards"])},
        "distributions": _pictures(baseline, current, report, project.data.sensitive),
    }
    key = _publish(Bucket(settings.data_bucket), project.name, window, version, document)
    _store(Table(settings.table), project.name, window, document, key, time)
    metrics.emit(project.name, settings.environment, time, measures(report, persists))


def _shards(bucket: Bucket, project: str, task: dict[str, Any], grid: Grid) -> tuple[Profile, RowCounts]:
    """Add the shards up; a window without any has no row, on the baseline's grid."""
    profiles, counts = [], RowCounts()
    for shard in task["shards"]:
        name = (project, task["id"], task["plan"], int(shard))
        profiles.append(Profile.from_bytes(bucket.get(keys.shard_profile(*name))))
        counts += RowCounts(**bucket.get_json(keys.shard_counts(*name)))
    return Profile.merged(profiles) if profiles else Profile.empty(grid), counts


def _baseline(models: Bucket, project: str, version: int | None) -> Baseline | None:
    """Read the champion's baseline; without one the window is undetermined, a damaged one fails."""
    if version is None:
        return None
    try:
        return Baseline.from_bytes(models.get(baseline_key(project, version)))
    except Gone:
        return None


def _sensitivity(project: Project) -> Settings:
    monitor = project.monitor
    needed, of = monitor.persistence
    return Settings(
        false_alarms_per_year=monitor.false_alarms_per_year,
        windows_per_year=WINDOWS_PER_YEAR[monitor.window],
        min_weight=monitor.min_weight,
        tolerance=monitor.tolerance,
        minimum_rows=monitor.minimum_rows,
        needed=needed,
        of=of,
    )


def _history(table: Table, project: str, windows: Sequence[str], version: int | None) -> list[dict[str, str]]:
    """Read the verdicts of the windows before that were compared with the same champion.

    Drift against an earlier champion says nothing about the present one, or every promotion would inherit an
    alarm. A window without a verdict could have been anything.
    """
    found = []
    for name in windows:
        item = table.get(f"WINDOW#{project}", name)
        if item is None:
            found.append({"id": name, "verdict": "undetermined"})
        elif item["champion_version"] == version:
            found.append({"id": name, "verdict": item["verdict"]})
    return found


def _pictures(
    baseline: Baseline | None, current: Profile, report: Report, sensitive: Sequence[str]
) -> dict[str, Any]:
    """Draw what drifted, unless the project calls the column sensitive."""
    if baseline is None:
        return {}
    drifted = [
        part.name for part in report.features if part.verdict == "drifted" and part.name not in sensitive
    ]
    drawn = {name: picture(baseline.profile, current, name) for name in drifted[:_PICTURES]}
    return {name: found for name, found in drawn.items() if found}


def _publish(
    bucket: Bucket, project: str, window: Window, version: int | None, document: dict[str, Any]
) -> str:
    page = render_window_report(document)
    bucket.put(keys.report(project, window.id, version, "html"), page.encode(), "text/html; charset=utf-8")
    key = keys.report(project, window.id, version, "json")
    bucket.put_json(key, document)
    return key


def _store(
    table: Table, project: str, window: Window, document: dict[str, Any], key: str, time: datetime
) -> None:
    persists = document["persistent"]
    changes: Item = {
        "from": document["window"]["from"],
        "to": document["window"]["to"],
        "verdict": document["verdict"],
        "reason": document["reason"],
        "features": leading(document["features"]),
        "drift_weight": document["weight"],
        "undetermined_weight": document["undetermined_weight"],
        "champion_version": document["champion_version"],
        "rows": document["rows"]["current"],
        "last_event": document["captured"]["last_event"],
        "report_key": key,
        "judged_at": format_time(time),
        "persistent": None if persists is None else int(persists),
    }
    # Sets these attributes and leaves the others: a performance that was measured already stays.
    table.update(
        f"WINDOW#{project}",
        window.id,
        changes,
        condition="attribute_exists(pk) OR attribute_not_exists(pk)",
    )


def leading(features: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the drifted features with the largest weight times effect."""
    drifted = [part for part in features if part["verdict"] == "drifted"]
    return [
        {key: part[key] for key in ("name", "weight", "effect")} for part in by_weight_and_effect(drifted)
    ][:RANKS]


def measures(report: Report, persists: bool | None) -> dict[str, float]:
    """Return the window's metrics; what cannot be told is left out, so that silence never reads as zero."""
    values: dict[str, float] = {
        "WindowRows": report.current_rows,
        "UndeterminedShare": report.undetermined_weight,
    }
    if report.verdict != "undetermined":
        values |= {"DriftVerdict": report.verdict == "drifted", "DriftWeight": report.weight}
    if persists is not None:
        values["DriftPersistent"] = persists
    known = [part for part in report.to_dict()["features"] if part["effect"] is not None]
    for rank, part in enumerate(by_weight_and_effect(known)[:RANKS], start=1):
        values[f"Rank{rank}Effect"] = part["effect"]
    return values
