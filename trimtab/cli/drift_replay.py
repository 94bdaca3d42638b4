"""Replay history: which windows would have drifted under given settings, and when an alarm had come."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from trimtab.cli.drift_compare import (
    NO_DAY,
    Choice,
    among,
    by_day,
    plan_columns,
    sliced,
    weights_of,
)
from trimtab.cli.drift_files import Address
from trimtab.cli.session import Session
from trimtab.drift import Baseline, Report, Settings, compare, persistent
from trimtab.errors import BadInput, Gone
from trimtab.model.record import baseline_key
from trimtab.monitoring.seasons import SeasonKind, season_of
from trimtab.monitoring.windows import Window, WindowKind, preceding, window_named, window_of
from trimtab.profile import Profile
from trimtab.project import Project

_EPOCH = date(1970, 1, 1)

type Judged = tuple[Window, Report, int | None]


def replay(
    address: Address, choice: Choice, settings: Settings, window: WindowKind, until: date
) -> dict[str, Any]:
    """Replay rows: the days before `until` are the baseline, and every window after them is judged."""
    if choice.timestamp is None:
        raise BadInput("name the column of the rows' times with --timestamp")
    plan = plan_columns(address, None, choice)
    settings = among(settings, plan)
    days = by_day(address, plan, choice.timestamp)
    split = (until - _EPOCH).days
    before = {day: part for day, part in days.items() if NO_DAY < day < split}
    after = {day: part for day, part in days.items() if day >= split}
    if not before or not after:
        side = "before" if not before else "from"
        raise BadInput(f"{address.text} has no rows {side} {until}; choose another --baseline-until")
    weights = weights_of(choice, plan)
    baseline, told = sliced(plan.grid, before, settings.minimum_slices, weights, choice.season)
    judged = (
        (name, compare(_alike(baseline, choice.season, name), Profile.merged(parts), settings), None)
        for name, parts in _windows(after, window)
    )
    untimed = days[NO_DAY].rows if NO_DAY in days else 0
    notes = [*plan.notes, told, *address.remarks]
    if untimed:
        notes.append(f"{untimed:,} rows have no readable time and belong to no window")
    return {
        "baseline": {"until": until.isoformat(), "rows": baseline.profile.rows,
                     "slices": len(baseline.slices)},
        **_told(judged, settings, window),
        "notes": notes,
    }  # fmt: skip


def replay_stored(session: Session, project: Project, settings: Settings) -> dict[str, Any]:
    """Replay the windows that the monitor judged, each against the baseline that it was judged against."""
    kind, season = project.monitor.window, project.monitor.season
    items = [item for item in session.table.query(f"WINDOW#{project.name}") if item.get("profile_key")]
    named = [(window_named(item["sk"]), item) for item in items]
    # Windows of another length are from before the project's was changed.
    own = sorted((one for one in named if window_of(kind, one[0].start) == one[0]), key=lambda one: one[0])
    if not own:
        raise BadInput(
            f"no {kind} of {project.name} has been judged in {session.environment.name} yet; give a file of "
            "past rows, or wait for the monitor"
        )
    versions = {item["champion_version"] for _, item in own}
    baselines = {version: _baseline_of(session, project.name, version) for version in versions}

    def judged() -> Iterator[Judged]:
        for window, item in own:
            version = item["champion_version"]
            baseline, profile = baselines[version], Profile.from_bytes(session.data.get(item["profile_key"]))
            against = None if baseline is None else _alike(baseline, season, window)
            yield window, compare(against, profile, settings), version

    lost = sorted(version for version in versions if version is not None and baselines[version] is None)
    notes = [f"version {version} left no baseline: its windows cannot be judged" for version in lost]
    return {"baseline": None, **_told(judged(), settings, kind), "notes": notes}


def champion_weights(session: Session, project: str) -> dict[str, float]:
    """Return what the champion weighs each raw column; raise BadInput where there is none."""
    champion = session.table.get(f"CHAMPION#{project}", "current")
    baseline = _baseline_of(session, project, int(champion["version"])) if champion else None
    if baseline is None:
        raise BadInput(
            f"{project} has no champion with a baseline in {session.environment.name}; leave out "
            "--environment, and columns weigh the same"
        )
    return dict(baseline.weights)


def _baseline_of(session: Session, project: str, version: int | None) -> Baseline | None:
    if version is None:
        return None
    try:
        return Baseline.from_bytes(session.models.get(baseline_key(project, int(version))))
    except Gone:
        return None


def _alike(baseline: Baseline, season: SeasonKind | None, window: Window) -> Baseline:
    return baseline.of_season(season_of(season, window.middle.date())) if season else baseline


def _told(judged: Iterable[Judged], settings: Settings, kind: WindowKind) -> dict[str, Any]:
    """Judge window by window, and say when drift became persistent."""
    rows: list[dict[str, Any]] = []
    known: list[tuple[int | None, str]] = []
    before: Window | None = None
    was = False
    for window, report, version in judged:
        known += [(version, "undetermined")] * _skipped(kind, before, window, settings.of)
        known.append((version, report.verdict))
        # Drift against an earlier champion says nothing about the present one.
        alike = [verdict for against, verdict in known[-settings.of :] if against == version]
        lasting = persistent(alike, settings.needed, settings.of)
        alarm = lasting is True and not was
        was = was if lasting is None else lasting
        main = [one.name for one in report.features if one.verdict == "drifted"][:3]
        rows.append({
            "window": window.id, "champion_version": version, "rows": report.current_rows,
            "verdict": report.verdict, "reason": report.reason, "weight": round(report.weight, 6),
            "features": main, "persistent": lasting, "alarm": alarm,
        })  # fmt: skip
        before = window
    alarms = [row["window"] for row in rows if row["alarm"]]
    return {
        "alarms": {"count": len(alarms), "windows": alarms},
        "settings": {"window": kind, "alpha": settings.alpha, "tolerance": settings.tolerance,
                     "min_weight": settings.min_weight, "persistence": [settings.needed, settings.of]},
        "windows": rows,
    }  # fmt: skip


def _skipped(kind: WindowKind, before: Window | None, window: Window, most: int) -> int:
    """Count the windows between two, up to `most`: without a verdict they could have been anything."""
    count = 0
    while before is not None and count < most and before < (window := preceding(kind, window)):
        count += 1
    return count


def _windows(days: Mapping[int, Profile], kind: WindowKind) -> Iterator[tuple[Window, list[Profile]]]:
    found: dict[Window, list[Profile]] = {}
    for day in sorted(days):
        instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)
        found.setdefault(window_of(kind, instant), []).append(days[day])
    yield from found.items()
