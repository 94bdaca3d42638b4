"""Profile captured traffic shard by shard, count each prediction once, add profiles up.

Imports pandas only for a project whose rows lie in a table.
"""

from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from trimtab.aws.objects import Bucket
from trimtab.aws.settings import FunctionSettings, function_settings, project_folder
from trimtab.aws.shards import Shards
from trimtab.captured import SKIPPED_LINES, count_of, read_captured
from trimtab.monitoring.repeats import id_hashes, partitioned, repeats_of, without
from trimtab.monitoring.rows import RowCounts, once_each, rows_inside, versions_of
from trimtab.monitoring.tree import partitions_of
from trimtab.monitoring.windows import Window, window_named
from trimtab.profile import Grid, Profile
from trimtab.project import Project, load_project


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Do one task of a window's plan; the state machine learns nothing but that it is done."""
    project = _project(project_folder())
    work(function_settings(), project, event["window"], event["task"])
    return {}


@cache
def _project(folder: Path) -> Project:
    return load_project(folder)


def work(settings: FunctionSettings, project: Project, window: dict[str, Any], task: dict[str, Any]) -> None:
    """Do one task; the same captures give the same bytes, whoever does it and however often."""
    shards = Shards.of(Bucket(settings.data_bucket), project.name, window)
    step, count = task["step"], int(window["shards"])
    if step == "profile":
        _profile(shards, project, int(task["shard"]), count)
    elif step == "find_repeats":
        for shard, hashes in repeats_of(shards.ids(task["partition"], count)).items():
            shards.put_repeats(task["partition"], shard, hashes)
    elif step == "drop_repeats":
        _drop_repeats(shards, project, int(task["shard"]))
    else:
        below = int(task["level"]) - 1
        shards.put(task["level"], task["node"], *shards.added_up(below, task["first"], task["last"]))


def _profile(shards: Shards, project: Project, shard: int, count: int) -> None:
    if project.monitor.table is not None:
        from lambdas.profile_shard.tables import profile_table

        shards.put(0, shard, *profile_table(shards, project, project.monitor.table, _grid(shards, project)))
        return
    rows, counts = _read(shards, project, shard)
    shards.put(0, shard, _profile_of(shards, project, rows), counts)
    if count > 1:
        hashes = id_hashes(rows, project.data.prediction_id)
        shards.put_ids(shard, partitioned(hashes, partitions_of(count)))


def _drop_repeats(shards: Shards, project: Project, shard: int) -> None:
    """Profile a shard again without the rows that an earlier shard holds as well, if there are any."""
    repeated = shards.repeats(shard)
    if repeated is None:
        return
    rows, counts = _read(shards, project, shard)
    kept = without(rows, id_hashes(rows, project.data.prediction_id), repeated)
    counts = counts.with_repeats(rows.num_rows - kept.num_rows, versions_of(kept))
    shards.put_once(shard, _profile_of(shards, project, kept), counts)


def _profile_of(shards: Shards, project: Project, rows: pa.Table) -> Profile:
    grid = _grid(shards, project)
    return Profile.of(grid, rows, second_moments=True) if rows.num_rows else Profile.empty(grid)


def _grid(shards: Shards, project: Project) -> Grid:
    return Grid.from_dict(shards.bucket.get_json(f"grids/{project.name}.json"))


def _read(shards: Shards, project: Project, shard: int) -> tuple[pa.Table, RowCounts]:
    """Read the rows of a shard that belong to the window, each prediction once within the shard."""
    wanted, window = shards.objects_of(shard), window_named(shards.window_id)
    parts, counts = [], RowCounts(objects=len(wanted))
    for key in wanted:
        rows, found = _read_object(shards.bucket, project, window, key)
        parts.append(rows)
        counts += found
    rows = pa.concat_tables(parts, promote_options="default") if parts else pa.table({})
    rows, found = once_each(rows, project.data.prediction_id)
    return rows, counts + found


def _read_object(bucket: Bucket, project: Project, window: Window, key: str) -> tuple[pa.Table, RowCounts]:
    """Read one captured object and keep what the profile needs, so that memory holds no second copy of it."""
    table = read_captured(
        bucket.get(key),
        prediction_id=project.data.prediction_id,
        numeric=project.features.numeric,
        null_tokens=project.data.null_tokens,
    )
    unreadable = RowCounts(unreadable=count_of(table, SKIPPED_LINES))
    rows, counts = rows_inside(table, window, project.data.timestamp, project.data.timezone)
    return rows.replace_schema_metadata(None), counts + unreadable
