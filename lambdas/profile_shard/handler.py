"""Profile one shard of a window's captured traffic. Imports no pandas: a cold start should cost little."""

from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from trimtab.aws.objects import Bucket
from trimtab.aws.settings import FunctionSettings, function_settings, project_folder
from trimtab.captured import SKIPPED_LINES, count_of, read_captured
from trimtab.monitoring import keys
from trimtab.monitoring.rows import RowCounts, once_each, rows_inside
from trimtab.monitoring.windows import Window, window_named
from trimtab.profile import Grid, Profile
from trimtab.project import Project, load_project


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Write the shard's profile and its counts; the state machine learns nothing but that it is done."""
    profile_shard(function_settings(), _project(project_folder()), event["window"], int(event["shard"]))
    return {}


@cache
def _project(folder: Path) -> Project:
    return load_project(folder)


def profile_shard(settings: FunctionSettings, project: Project, task: dict[str, Any], shard: int) -> None:
    """Profile the rows of one shard that belong to the window; the same captures give the same bytes."""
    bucket, name, window = Bucket(settings.data_bucket), project.name, window_named(task["id"])
    wanted = bucket.get_json(keys.plan(name, window.id, task["plan"]))["shards"][shard]
    grid = Grid.from_dict(bucket.get_json(f"grids/{name}.json"))
    parts, counts = [], RowCounts(objects=len(wanted))
    for key in wanted:
        rows, found = _read(bucket, project, window, key)
        parts.append(rows)
        counts += found
    rows, found = once_each(
        pa.concat_tables(parts, promote_options="default") if parts else pa.table({}),
        project.data.prediction_id,
    )
    profile = Profile.of(grid, rows, second_moments=True) if rows.num_rows else Profile.empty(grid)
    bucket.put(keys.shard_profile(name, window.id, task["plan"], shard), profile.to_bytes())
    bucket.put_json(keys.shard_counts(name, window.id, task["plan"], shard), (counts + found).to_dict())


def _read(bucket: Bucket, project: Project, window: Window, key: str) -> tuple[pa.Table, RowCounts]:
    """Read one captured object and keep what the profile needs, so that memory holds no second copy of it."""
    table = read_captured(
        bucket.get(key),
        prediction_id=project.data.prediction_id,
        numeric=project.features.numeric,
        null_tokens=project.data.null_tokens,
    )
    unreadable = RowCounts(unreadable=count_of(table, SKIPPED_LINES))
    rows, counts = rows_inside(table, window, project.data.timestamp)
    return rows.replace_schema_metadata(None), counts + unreadable
