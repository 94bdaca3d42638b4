"""Two sets of files: what is compared of them, their profiles on one grid, and the finding."""

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from trimtab.cli.drift_files import Address, Kind, Side, as_kind, kinds_of
from trimtab.drift import Baseline, Report, Settings, compare
from trimtab.drift.examine import looks_like_ids
from trimtab.errors import BadInput
from trimtab.monitoring.rows import days_of
from trimtab.monitoring.seasons import SeasonKind, is_of_days, season_between
from trimtab.profile import CategoricalColumn, Grid, Profile
from trimtab.profile import Kind as GridKind
from trimtab.profile.builder import ProfileBuilder
from trimtab.profile.grid import SAMPLE_ROWS

pc: Any = pyarrow.compute

_GRID_KINDS: dict[Kind, GridKind] = {
    "number": "numeric", "boolean": "categorical", "instant": "timestamp", "text": "categorical",
}  # fmt: skip
_ID_ROWS = 200
_FIRST_UNIT = 1_024
NO_DAY = -(2**31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which columns are compared, what they weigh, and how the baseline is sliced.

    `weights` are a champion's, by raw column; none where all columns weigh the same. `season` tells the
    seasons of windows apart.
    """

    columns: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    kinds: Mapping[str, Kind] | None = None
    timestamp: str | None = None
    slices: int | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    season: SeasonKind | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The columns to read with their kinds, the grid that they are counted on, and what was left out."""

    kinds: dict[str, Kind]
    grid: Grid
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A report, the profiles behind it, and what a reader should know of the reading."""

    report: Report
    baseline: Profile
    current: Profile
    notes: tuple[str, ...]


def compare_files(before: Address, now: Side, choice: Choice, settings: Settings) -> Comparison:
    """Compare two sets of files, or files with a table."""
    plan = plan_columns(before, now, choice)
    settings = among(settings, plan)
    baseline, told = _baseline(before, plan, choice, settings)
    current = now.profile(plan.grid, plan.kinds)
    report = compare(baseline, current, settings)
    return Comparison(report, baseline.profile, current, (*plan.notes, told, *before.remarks, *now.remarks))


def plan_columns(before: Address, now: Side | None, choice: Choice) -> Plan:
    """Choose the columns that both sides have, and fit the grid to the baseline's first rows."""
    first = _first_rows(before)
    kinds, without = kinds_of(first)
    notes = [f"not compared, because values of its type have no kind: {name}" for name in without]
    if choice.timestamp is not None and choice.timestamp not in kinds:
        raise BadInput(f"{before.text} has no column {choice.timestamp!r}; it has {_names(kinds)}")
    if now is not None:
        there = now.names(kinds)
        notes += one_sided(set(kinds) - there, there - set(kinds) - set(without))
        both = {name: kind for name, kind in kinds.items() if name in there}
        if not both:
            raise BadInput(
                f"{before.text} and {now.text} have no column in common ({_names(kinds)} against "
                f"{_names(sorted(there))}); compare files of the same table"
            )
    else:
        both = dict(kinds)
    for name in (*choice.columns, *choice.ignore):
        if name not in kinds and name not in (there if now is not None else ()):
            raise BadInput(f"no file has a column {name!r}; they have {_names(kinds)}")
    chosen = {
        name: (choice.kinds or {}).get(name, kind)
        for name, kind in both.items()
        if (not choice.columns or name in choice.columns)
        and name not in choice.ignore
        and name != choice.timestamp
    }
    if not chosen:
        raise BadInput("no column is left to compare; name fewer in --ignore, or others in --columns")
    return Plan(chosen, _grid(first, chosen), tuple(notes))


def among(settings: Settings, plan: Plan) -> Settings:
    """Return the settings for the columns that are compared; raise BadInput if all of those are ignored."""
    columns = {name: one for name, one in settings.columns.items() if name in plan.grid.columns}
    if all(name in columns and columns[name].ignore for name in plan.grid.columns):
        raise BadInput("no column is left to compare; project.toml ignores all of them")
    return replace(settings, columns=columns)


def _first_rows(before: Address) -> pa.Table:
    found: list[pa.Table] = []
    for table in before.batches():
        if found and table.schema.names != found[0].schema.names:
            break
        found.append(table)
        if sum(len(part) for part in found) >= SAMPLE_ROWS:
            break
    return pa.concat_tables(found, promote_options="permissive").slice(0, SAMPLE_ROWS)


def _grid(first: pa.Table, kinds: dict[str, Kind]) -> Grid:
    """Fit the grid; what looks like an id is counted as one, so that it is not mistaken for a feature."""
    for name, kind in tuple(kinds.items()):
        if kind == "number" and _counts_rows(as_kind(first[name], "number")[0]):
            kinds[name] = "text"
    table = pa.table({name: as_kind(first[name], kind)[0] for name, kind in kinds.items()})
    grid = Grid.from_table(table, {name: _GRID_KINDS[kind] for name, kind in kinds.items()})
    columns = dict(grid.columns)
    for name, column in columns.items():
        if isinstance(column, CategoricalColumn) and kinds[name] == "text":
            present = table.num_rows - table[name].null_count
            distinct = pc.count_distinct(table[name]).as_py()
            if looks_like_ids(distinct, present):
                columns[name] = replace(column, limit=min(column.limit, _ID_ROWS // 4))
    return Grid(columns)


def _counts_rows(values: Any) -> bool:
    """Tell whether whole numbers rise by one from row to row, as ids do."""
    if not pa.types.is_integer(values.type) and not pa.types.is_floating(values.type):
        return False
    if values.null_count or len(values) < _ID_ROWS:
        return False
    numbers = values.to_numpy(zero_copy_only=False).astype(np.float64)
    return bool(np.all(np.diff(numbers) == 1))


def _baseline(before: Address, plan: Plan, choice: Choice, settings: Settings) -> tuple[Baseline, str]:
    weights = weights_of(choice, plan)
    if choice.timestamp is not None:
        days = by_day(before, plan, choice.timestamp)
        return sliced(plan.grid, days, settings.minimum_slices, weights)
    if choice.slices is not None:
        parts = in_order(plan.grid, before.typed(plan.kinds), choice.slices)
        told = f"wobble learned from {len(parts)} slices in order"
        if len(parts) < settings.minimum_slices:
            told = (
                f"uncalibrated: {len(parts)} slices of {_FIRST_UNIT:,} rows or more are too few to learn how "
                "much columns move by themselves"
            )
        return Baseline(Profile.merged(parts), tuple(parts), weights), told
    profile = Profile.of_batches(plan.grid, before.typed(plan.kinds))
    return Baseline(profile, weights=weights), (
        "uncalibrated: how much columns move by themselves was not learned; give --timestamp COLUMN "
        "or --slices N"
    )


def weights_of(choice: Choice, plan: Plan) -> dict[str, float]:
    """Return the weights of the columns that are compared."""
    return {name: weight for name, weight in choice.weights.items() if name in plan.grid.columns}


def sliced(
    grid: Grid,
    days: Mapping[int, Profile],
    enough: int,
    weights: Mapping[str, float],
    season: SeasonKind | None = None,
) -> tuple[Baseline, str]:
    """Slice a baseline by whole weeks, counted back from its last day, or by days where those are few.

    Slices carry the names of their seasons, if the seasons are told apart.
    """
    whole = Profile.merged(days.values()) if days else Profile.empty(grid)
    dated = sorted(day for day in days if day != NO_DAY)
    each = [(day, day + 1) for day in dated]
    weeks = [
        (end - 7, end)
        for end in range(dated[-1] + 1 if dated else 0, dated[0] + 6 if dated else 0, -7)
        if any(end - 7 <= day < end for day in dated)
    ][::-1]
    if is_of_days(season):
        spans, told = each, f"wobble learned from {len(each)} days, by season"
    elif len(weeks) >= enough or season is not None:
        spans, told = weeks, f"wobble learned from {len(weeks)} weeks{', by season' if season else ''}"
    else:
        spans = each
        told = f"wobble learned from {len(dated)} days, because there are only {len(weeks)} whole weeks"
    if len(spans) < enough:
        unit = "weeks" if spans is weeks else "days"
        told = f"uncalibrated: {len(spans)} {unit} are too few to learn how much columns move by themselves"
    slices = [
        Profile.merged(days[day] for day in range(first, until) if day in days) for first, until in spans
    ]
    seasons = [season_between(season, *span) for span in spans] if season else []
    return Baseline(whole, tuple(slices), weights, tuple(seasons)), told


def by_day(address: Address, plan: Plan, timestamp: str) -> dict[int, Profile]:
    """Profile each UTC day, in days since 1970, in one pass."""
    builders: dict[int, ProfileBuilder] = {}
    for table in address.typed({**plan.kinds, timestamp: "instant"}):
        instants = table[timestamp].combine_chunks() if table.num_rows else table[timestamp]
        known = ~np.asarray(pc.is_null(instants))
        days = np.where(known, days_of(instants), NO_DAY)
        for day in np.unique(days).tolist():
            rows = table.filter(pa.array(days == day))
            builders.setdefault(day, ProfileBuilder(plan.grid)).add(rows)
    return {day: Profile(plan.grid, one.rows, one.counts()) for day, one in builders.items()}


def in_order(grid: Grid, batches: Iterable[pa.Table], slices: int) -> list[Profile]:
    """Cut rows into about equal slices in their order, in one pass that need not know how many come."""
    unit, parts, open_ = _FIRST_UNIT, [], ProfileBuilder(grid)
    for table in batches:
        start = 0
        while start < table.num_rows:
            piece = table.slice(start, unit - open_.rows)
            open_.add(piece)
            start += piece.num_rows
            if open_.rows == unit:
                parts.append(_built(grid, open_))
                open_ = ProfileBuilder(grid)
            if len(parts) >= 16 * slices and not open_.rows:
                parts = [Profile.merged(parts[i : i + 2]) for i in range(0, len(parts), 2)]
                unit *= 2
    if open_.rows:
        parts.append(_built(grid, open_))
    bounds = np.linspace(0, len(parts), min(slices, len(parts)) + 1).astype(int).tolist()
    return [Profile.merged(parts[low:high]) for low, high in itertools.pairwise(bounds)]


def _built(grid: Grid, builder: ProfileBuilder) -> Profile:
    return Profile(grid, builder.rows, builder.counts())


def one_sided(before: Collection[str], now: Collection[str]) -> list[str]:
    """Say which columns only one side has."""
    sides = (("baseline", before), ("current data", now))
    return [
        f"not compared, because only the {side} has it: {', '.join(sorted(names))}"
        for side, names in sides
        if names
    ]


def _names(names: Iterable[str]) -> str:
    listed: Sequence[str] = [repr(name) for name in names]
    return ", ".join(listed[:8]) + (f" and {len(listed) - 8} more" if len(listed) > 8 else "")
