"""The monitor of a project whose production rows lie in a table: Athena profiles, the rest is as ever."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pytest
from pyarrow import parquet

from localcloud import LocalCloud
from tests.unit.watched import (
    BASELINE,
    DATA,
    GRID,
    MODELS,
    NAME,
    Watched,
    forget,
    make_places,
    parcels,
    prepare,
)  # fmt: skip
from trimtab.aws.objects import Bucket
from trimtab.aws.shards import Shards
from trimtab.aws.table import Table
from trimtab.errors import BadInput, Gone
from trimtab.profile import Profile

IN_TABLE = """
late_days = 3
engine = "athena"
[monitor.table]
name = "lake.parcels"
location = "s3://lake/parcels/"
day_partition = "day"
"""
COLUMNS = {
    "prediction_id": "string", "at": "timestamp", "weight": "double", "place": "string", "score": "double",
    "model_version": "string",
}  # fmt: skip


class Lake:
    """The table, to which the outside world adds rows."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.s3 = folder, boto3.client("s3")
        self.s3.create_bucket(Bucket="lake")
        boto3.client("glue").create_database(DatabaseInput={"Name": "lake"})
        self.create("parcels", "date")

    def create(self, name: str, day: str) -> None:
        storage = {
            "Columns": [{"Name": column, "Type": kind} for column, kind in COLUMNS.items()],
            "Location": "s3://lake/parcels/",
            "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        }
        keys = [{"Name": "day", "Type": day}]
        boto3.client("glue").create_table(
            DatabaseName="lake",
            TableInput={"Name": name, "PartitionKeys": keys, "StorageDescriptor": storage},
        )

    def add(self, rows: pa.Table, day: str, name: str = "rows") -> None:
        parquet.write_table(rows.select(list(COLUMNS)), self.folder / "part")
        self.s3.upload_file(str(self.folder / "part"), "lake", f"parcels/day={day}/{name}.parquet")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Watched, Lake]]:
    with LocalCloud(start=datetime(2013, 4, 1, tzinfo=UTC)) as cloud:
        prepare(tmp_path, monkeypatch, IN_TABLE)
        for name, value in cloud.variables.items():
            monkeypatch.setenv(name, value)
        forget()
        make_places()
        watched = Watched(Bucket(DATA), Bucket(MODELS), Table("trimtab-dev"))
        watched.promote(1, "2013-03-01T02:00:00Z", baseline=BASELINE)
        yield watched, Lake(tmp_path)
        forget()


def add_month(lake: Lake, **kind: Any) -> pa.Table:
    rows = parcels("2013-03-01", 31, **kind)
    for day in range(31):
        lake.add(rows.slice(day * 60, 60), f"2013-03-{day + 1:02d}")
    return rows


def test_a_window_of_a_table_is_profiled_by_athena_and_judged(world: tuple[Watched, Lake]) -> None:
    watched, lake = world
    rows = add_month(lake, seed=2, heavier=0.8)
    lake.add(parcels("2013-04-01", 1, seed=3), "2013-04-01")
    plan = watched.run("2013-04-01T06:00:00Z")
    [task] = plan["windows"]
    assert (task["shards"], task["levels"]) == (1, [])
    profile, counts = Shards.of(watched.data, NAME, task).whole(1)
    assert profile.key == Profile.of(GRID, rows, second_moments=True).key
    assert counts.to_dict() | {"by_version": {"1": 1860}} == counts.to_dict()
    item = watched.window("2013-03")
    assert item is not None
    assert (item["verdict"], item["rows"], item["last_event"]) == ("drifted", 1860, "2013-03-31T00:59:00Z")
    assert [entry["name"] for entry in item["features"]] == ["weight"]
    page = watched.data.get(item["report_key"].replace(".json", ".html")).decode()
    assert "1,860 rows of table lake.parcels" in page
    left = [entry.key for entry in watched.data.list(f"shards/{NAME}/") if "/athena/" in entry.key]
    assert left == []


def test_an_open_window_is_asked_for_once_a_day_and_a_closed_one_no_more(world: tuple[Watched, Lake]) -> None:
    watched, lake = world
    rows = add_month(lake, seed=2)
    watched.run("2013-04-01T06:00:00Z")
    first = watched.window("2013-03")
    assert watched.run("2013-04-01T18:00:00Z")["quiet"] is True
    assert [task["id"] for task in watched.run("2013-04-02T06:00:00Z")["windows"]] == ["2013-03"]
    second = watched.window("2013-03")
    assert first is not None
    assert second == first | {"plan": second["plan"] if second else None}
    lake.add(rows.slice(0, 30), "2013-03-01", "late")
    watched.run("2013-04-03T06:00:00Z")
    third = watched.window("2013-03")
    assert third is not None
    assert (third["rows"], third["superseded"][0]["rows"]) == (1890, 1860)
    assert watched.run("2013-04-04T06:00:00Z")["quiet"] is True


def test_a_window_without_rows_is_a_finding_and_a_table_that_does_not_fit_is_refused(
    world: tuple[Watched, Lake], monkeypatch: pytest.MonkeyPatch
) -> None:
    watched, lake = world
    lake.add(parcels("2013-04-01", 1), "2013-04-01")
    watched.run("2013-04-01T06:00:00Z")
    item = watched.window("2013-03")
    assert item is not None
    assert (item["verdict"], item["rows"], item["last_event"]) == ("undetermined", 0, None)
    glue = boto3.client("glue")
    glue.delete_table(DatabaseName="lake", Name="parcels")
    with pytest.raises(Gone, match=r"no table lake\.parcels"):
        watched.run("2013-04-02T06:00:00Z")
    lake.create("parcels", "int")
    with pytest.raises(BadInput, match=r"'day' of lake\.parcels has type int"):
        watched.run("2013-04-02T06:00:00Z")
