"""Let Athena profile a window's rows where production keeps them in a table. Imports pandas."""

from datetime import UTC, datetime, timedelta
from typing import Any

from trimtab.aws.athena import Athena, find_table
from trimtab.aws.shards import Shards
from trimtab.errors import BadInput
from trimtab.instants import format_time
from trimtab.monitoring.rows import RowCounts
from trimtab.monitoring.windows import ONE_DAY, Window, window_named
from trimtab.profile import (
    CategoricalColumn,
    CategoricalCounts,
    Grid,
    Profile,
    TimestampColumn,
    TimestampCounts,
)
from trimtab.profile.sql import SqlTable, between, quoted
from trimtab.project import MonitoredTable, Project

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VERSION = "model_version"


def profile_table(
    shards: Shards, project: Project, settings: MonitoredTable, grid: Grid
) -> tuple[Profile, RowCounts]:
    """Profile the rows of the window, and count them by model version where the table has that column.

    Raises Gone if there is no such table, BadInput if its columns do not fit.
    """
    table = find_table(*settings.name.split("."))
    time = project.data.timestamp
    # What is told of the rows is counted in the same scan.
    told: dict[str, Any] = {time: TimestampColumn(time)}
    if table.has(_VERSION):
        told |= {_VERSION: CategoricalColumn(_VERSION)}
    window = window_named(shards.window_id)
    place = shards.bucket.uri(f"shards/{project.name}/{window.id}/{shards.plan}/athena")
    profile, _ = Athena(settings.workgroup, place).profile(
        table, Grid({**told, **grid.columns}), _rows_of(window, time, table, settings), second_moments=True
    )
    kept = {name: profile.columns[name] for name in grid.columns}
    return Profile(grid, profile.rows, kept, profile.moments), _counts(profile, time)


def _rows_of(window: Window, time: str, table: SqlTable, settings: MonitoredTable) -> str:
    """Return the condition for the window's rows, with the partitions in which they lie."""
    inside = between(time, window.start, window.end)
    partition = settings.day_partition
    if partition is None:
        return inside
    kind = table.type_of(partition)
    if kind not in ("string", "varchar", "date"):
        raise BadInput(
            f"monitor.table.day_partition: {partition!r} of {settings.name} has type {kind}; name a "
            "partition by days that is a date, or text such as 2013-03-01"
        )
    first, last = window.start.date(), (window.end - ONE_DAY).date()
    mark = "DATE " if kind == "date" else ""
    return f"{inside} AND {quoted(partition)} BETWEEN {mark}'{first}' AND {mark}'{last}'"


def _counts(profile: Profile, time: str) -> RowCounts:
    instants, versions = profile.columns.get(time), profile.columns.get(_VERSION)
    last = instants.maximum if isinstance(instants, TimestampCounts) else None
    return RowCounts(
        read=profile.rows,
        by_version=versions.categories if isinstance(versions, CategoricalCounts) else {},
        last_event=None if last is None else format_time(_EPOCH + timedelta(microseconds=int(last))),
    )
