"""Compare a window with the champion's baseline: add up its shards, judge, report, publish the verdict."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from lambdas.compare_window.publishing import measures, properties, record_of, says_the_same, superseded
from trimtab.aws import metrics
from trimtab.aws.attributes import read_attributes
from trimtab.aws.objects import Bucket
from trimtab.aws.settings import FunctionSettings, function_settings, project_folder
from trimtab.aws.shards import Shards
from trimtab.aws.table import Item, Table
from trimtab.canonical import digest
from trimtab.drift import Baseline, compare, persistent
from trimtab.errors import Gone
from trimtab.instants import format_time, parse_time
from trimtab.model.record import baseline_key
from trimtab.monitoring import keys
from trimtab.monitoring.seasons import season_of
from trimtab.monitoring.sensitivity import sensitivity
from trimtab.monitoring.windows import Window, window_named
from trimtab.profile import Profile
from trimtab.project import Project, load_project
from trimtab.report import render_window_report, told_in_full, trend_of
from trimtab.report.pictures import picture

_OF_EARLIER = ("verdict", "champion_version", "report_key")


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
    """Judge one window; judged again from the same captures, it writes and publishes nothing new."""
    bucket, table = Bucket(settings.data_bucket), Table(settings.table)
    baseline = _baseline(Bucket(settings.model_bucket), project.name, task["champion_version"])
    current, counts = Shards.of(bucket, project.name, task).whole(task["shards"])
    document = _document(baseline, current, project, task) | {"environment": settings.environment}
    document |= _past(bucket, table, project, task, document)
    document["captured"] = counts.to_dict() | {"shards": task["shards"]}
    if project.monitor.table is not None:
        document["captured"]["table"] = project.monitor.table.name

    report_key = _put_report(bucket, project.name, document)
    profile_key = keys.profile(project.name, current.key)
    bucket.put_once(profile_key, current.to_bytes())
    record = record_of(document, report_key, profile_key)
    known = table.get(f"WINDOW#{project.name}", task["id"])
    # Metrics before the record: a run that dies in between publishes the same values at the same time again.
    if task["publish"] and not says_the_same(record, known):
        told = properties(document, report_key)
        metrics.emit(project.name, settings.environment, time, measures(document), properties=told)
    _store(table, project.name, task, record, known, time)


def _document(
    baseline: Baseline | None, current: Profile, project: Project, task: dict[str, Any]
) -> dict[str, Any]:
    """Compare, and say what was compared."""
    window = window_named(task["id"])
    season = _season(baseline, project, window)
    if baseline is not None and season is not None:
        baseline = baseline.of_season(season["name"])
    document = compare(baseline, current, sensitivity(project)).to_dict()
    return document | {
        "season": season,
        "project": project.name,
        "window": {"id": window.id, "from": format_time(window.start), "to": format_time(window.end)},
        "champion_version": task["champion_version"],
        "default_tolerance": project.monitor.tolerance,
        "drifts_from": project.monitor.min_weight,
        "distributions": _pictures(baseline, current, document["features"], project.data.sensitive),
    }


def _past(
    bucket: Bucket, table: Table, project: Project, task: dict[str, Any], document: dict[str, Any]
) -> dict[str, Any]:
    """Return what the windows before say about this one: whether drift persists, and effects over time."""
    needed, of = project.monitor.persistence
    earlier = _earlier(table, project.name, task["earlier"])
    version = task["champion_version"]
    history = _history(earlier[-(of - 1) :] if of > 1 else [], version)
    verdicts = [entry["verdict"] for entry in history] + [document["verdict"]]
    return {
        "persistent": persistent(verdicts, needed, of),
        "persistence": [needed, of],
        "history": history,
        "trend": trend_of(_reports(bucket, earlier), document["features"]),
    }


def _baseline(models: Bucket, project: str, version: int | None) -> Baseline | None:
    """Read the champion's baseline; without one the window is undetermined, a damaged one fails."""
    if version is None:
        return None
    try:
        return Baseline.from_bytes(models.get(baseline_key(project, version)))
    except Gone:
        return None


def _season(baseline: Baseline | None, project: Project, window: Window) -> dict[str, Any] | None:
    """Return the window's season and whether the training data has it; None where the project has none."""
    if project.monitor.season is None:
        return None
    name = season_of(project.monitor.season, window.middle.date())
    return {"name": name, "known": baseline is not None and name in baseline.seasons}


def _earlier(table: Table, project: str, windows: Sequence[str]) -> list[Item]:
    """Read what was found about the windows before; one without a verdict could have been anything."""
    if not windows:
        return []
    items = read_attributes(table, f"WINDOW#{project}", _OF_EARLIER, since=windows[0])
    found = {item["sk"]: item for item in items}
    return [found.get(name, {"sk": name, "verdict": "undetermined"}) for name in windows]


def _history(earlier: Sequence[Item], version: int | None) -> list[dict[str, str]]:
    """Return the verdicts that count for persistence: those against the same champion.

    Drift against an earlier champion says nothing about the present one, or every promotion would inherit an
    alarm.
    """
    return [
        {"id": item["sk"], "verdict": item["verdict"]}
        for item in earlier
        if "champion_version" not in item or item["champion_version"] == version
    ]


def _reports(bucket: Bucket, earlier: Sequence[Item]) -> list[dict[str, Any]]:
    """Read the reports of the windows before; one that somebody removed is left out."""
    found = []
    for item in earlier:
        if "report_key" in item:
            try:
                found.append(bucket.get_json(item["report_key"]))
            except Gone:
                continue
    return found


def _pictures(
    baseline: Baseline | None,
    current: Profile,
    features: Sequence[dict[str, Any]],
    sensitive: Sequence[str],
) -> dict[str, Any]:
    """Draw what drifted, and what came closest to it, unless the project calls the column sensitive."""
    if baseline is None:
        return {}
    wanted = [part["name"] for part in told_in_full(features) if part["name"] not in sensitive]
    drawn = {name: picture(baseline.profile, current, name) for name in wanted}
    return {name: found for name, found in drawn.items() if found}


def _put_report(bucket: Bucket, project: str, document: dict[str, Any]) -> str:
    """Write the report under the name of its content, the page first: who finds the data finds both."""
    window, version, name = document["window"]["id"], document["champion_version"], digest(document)
    page = keys.report(project, window, version, name, "html")
    if not bucket.exists(page):
        bucket.put(page, render_window_report(document).encode(), "text/html; charset=utf-8")
    key = keys.report(project, window, version, name, "json")
    if not bucket.exists(key):
        bucket.put_json(key, document)
    return key


def _store(
    table: Table, project: str, task: dict[str, Any], record: Item, known: Item | None, time: datetime
) -> None:
    """Record the verdict in place of the one that was known when the window was judged.

    Attributes that belong to others, such as a performance that was measured already, stay as they are.
    """
    if known is None:
        record, condition, values = (
            record | {"judged_at": format_time(time)},
            "attribute_not_exists(pk)",
            None,
        )
    else:
        condition, values = "report_key = :known", {":known": known["report_key"]}
        if known["report_key"] != record["report_key"]:
            record |= {"judged_at": format_time(time), "superseded": superseded(known)}
    table.update(
        f"WINDOW#{project}", task["id"], record | {"plan": task["plan"]}, condition=condition, values=values
    )
