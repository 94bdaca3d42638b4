"""Instants without a zone are local times of the project's zone: on every way in, and never by a guess."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from tests.unit import shop
from tests.unit.examining import BytesSource, Examined, examine
from trimtab.cells import read_cells
from trimtab.contract.contract import load_contract
from trimtab.dataset.inspection import statistics
from trimtab.errors import BadInput
from trimtab.labels.reading import Labels, read_labels
from trimtab.model.training_job import job_document
from trimtab.monitoring.rows import rows_inside
from trimtab.monitoring.windows import window_named
from trimtab.profile import Grid
from trimtab.project import load_project
from trimtab.training.scoring import read_request, typed
from trimtab.zones import offsets_of, zone_names

NORTH, SOUTH = "America/New_York", "Australia/Sydney"
ZONES = st.sampled_from(
    [NORTH, SOUTH, "Europe/Dublin", "Africa/Casablanca", "Pacific/Apia", "Asia/Kathmandu"]
)
LOCAL = st.datetimes(datetime(1900, 1, 1), datetime(2060, 1, 1))  # noqa: DTZ001 - local times


def shop_in(folder: Path, zone: str | None) -> tuple[Any, Any]:
    """Return a shop's contract and project, its instants being local times of `zone`."""
    line = f'timezone = "{zone}"\n' if zone else ""
    home = shop.make_folder(folder, project=shop.PROJECT.replace("[features]", f"{line}[features]"))
    project = load_project(home)
    return load_contract(home, project), project


def jsonl(lines: list[str]) -> bytes:
    rows = [dict(zip(shop.HEADER.split(","), line.split(","), strict=True)) for line in lines]
    plain = [{**row, "weight": 1.5, "amount": 2, "late": 0} for row in rows]
    return "".join(json.dumps(row) + "\n" for row in plain).encode()


def as_parquet(lines: list[str], *, text: bool) -> bytes:
    frame = pd.read_json(io.BytesIO(jsonl(lines)), lines=True, convert_dates=False, dtype=False)
    if not text:
        frame["at"] = pd.to_datetime(frame["at"])
    sink = io.BytesIO()
    frame.to_parquet(sink)
    return sink.getvalue()


FORMATS: dict[str, Callable[[list[str]], bytes]] = {
    "csv": shop.upload,
    "jsonl": jsonl,
    "parquet": lambda lines: as_parquet(lines, text=False),
    "parquet of text": lambda lines: as_parquet(lines, text=True),
}


def instants(found: Examined, count: int) -> list[str]:
    """Return the first instants of the clean rows."""
    assert found.table is not None
    return [at.as_py().isoformat() for at in found.table["at"][:count]]


def check_times(times: list[str], form: str, folder: Path, zone: str | None) -> Examined:
    """Check a file with these times in its first rows, and enough others for a bad row not to refuse it."""
    contract, project = shop_in(folder, zone)
    rest = [f"2013-06-{day:02d}T12:00:00" for day in range(1, 25)]
    lines = [shop.row(number, at=time) for number, time in enumerate([*times, *rest])]
    work = folder / "work"
    work.mkdir()
    return examine(FORMATS[form](lines), contract, project, work, format=form.split(maxsplit=1)[0])


EDGES = [
    pytest.param(NORTH, "2013-11-03T00:59:59", "2013-11-03T04:59:59+00:00", None, id="before-autumn"),
    pytest.param(NORTH, "2013-11-03T01:00:00", None, "ambiguous time", id="autumn"),
    pytest.param(NORTH, "2013-11-03T01:59:59", None, "ambiguous time", id="autumn-end"),
    pytest.param(NORTH, "2013-11-03T02:00:00", "2013-11-03T07:00:00+00:00", None, id="after-autumn"),
    pytest.param(NORTH, "2013-03-10T01:59:59", "2013-03-10T06:59:59+00:00", None, id="before-spring"),
    pytest.param(NORTH, "2013-03-10T02:00:00", None, "skipped time", id="spring"),
    pytest.param(NORTH, "2013-03-10T03:00:00", "2013-03-10T07:00:00+00:00", None, id="after-spring"),
    pytest.param(SOUTH, "2013-04-07T02:30:00", None, "ambiguous time", id="southern-autumn"),
    pytest.param(SOUTH, "2013-10-06T02:30:00", None, "skipped time", id="southern-spring"),
    pytest.param(SOUTH, "2013-10-06T03:00:00", "2013-10-05T16:00:00+00:00", None, id="after-southern-spring"),
]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(("zone", "time", "utc", "check"), EDGES)
def test_local_times_become_utc_unless_clocks_showed_them_twice_or_never(
    form: str, zone: str, time: str, utc: str | None, check: str | None, tmp_path: Path
) -> None:
    found = check_times([time], form, tmp_path, zone)
    if utc is not None:
        assert (found.verdict, instants(found, 1)) == ("accepted", [utc])
        return
    assert (found.verdict, found.bad, [one.check for one in found.findings]) == ("quarantined", 1, [check])
    assert zone in found.findings[0].message
    assert "write" in found.findings[0].remedy
    (row,) = found.set_aside
    number = 2 if form == "csv" else 1  # a header counts
    assert (row["row"], row["values"]["at"].replace(" ", "T")) == (number, time)
    assert [reason["check"] for reason in row["reasons"]] == [check]


def test_cells_that_carry_a_zone_keep_it(tmp_path: Path) -> None:
    times = ["2013-11-03T01:30:00-05:00", "2013-11-03T05:30:00Z", "2013-11-03"]
    found = check_times(times, "csv", tmp_path, NORTH)
    assert instants(found, 3) == [
        "2013-11-03T06:30:00+00:00", "2013-11-03T05:30:00+00:00", "2013-11-03T04:00:00+00:00",
    ]  # fmt: skip


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_without_a_zone_local_times_are_refused_and_the_setting_is_named(form: str, tmp_path: Path) -> None:
    found = check_times([], form, tmp_path, None)
    assert (found.verdict, found.refusal.code) == ("refused", "NAIVE_TIMESTAMP")
    assert "data.timezone in project.toml" in found.refusal.reason


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("America/NewYork", "America/New_York"),
        ("europe/paris", "Europe/Paris"),
        ("../etc/passwd", "America/"),
    ],
)
def test_a_zone_that_does_not_exist_is_refused_with_names_like_it(
    name: str, like: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=f"data.timezone: '{name}' is no name.*{like}"):
        shop_in(tmp_path, name)


def test_every_zone_can_be_looked_up() -> None:
    for zone in sorted(zone_names()):
        offsets_of(np.array([0, 2**31], dtype=np.int64), zone)


@given(st.lists(LOCAL, max_size=20), ZONES)
def test_local_times_are_read_as_the_standard_library_reads_them(times: list[datetime], name: str) -> None:
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        zone = ZoneInfo.from_file(file)
    texts = pa.array([time.isoformat(timespec="microseconds") for time in times], pa.string())
    read, bad = read_cells(texts, "instant", name)
    for place, time in enumerate(times):
        first, second = (time.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        assert read[place].as_py() == (first if first == second else None)
        assert (place in bad.tolist()) == (first != second)


@given(st.integers(-(10**11), 10**12), ZONES)
def test_times_of_any_year_have_an_offset_below_a_day(seconds: int, name: str) -> None:
    found = offsets_of(np.array([seconds], dtype=np.int64), name)
    assert abs(int(found.seconds[0])) < timedelta(days=1).total_seconds()


def test_uploads_requests_and_captures_see_the_same_instant(tmp_path: Path) -> None:
    _, project = shop_in(tmp_path, NORTH)
    order: Any = job_document(project, training_set={}, grid={}, code_sha256="0", champion=None)
    (tmp_path / "x").mkdir()
    times = [f"2013-{month:02d}-{day:02d}T05:00:00" for month in (1, 3, 7, 11) for day in (1, 9, 20)]
    uploaded = check_times(times, "csv", tmp_path / "x", NORTH).table
    assert uploaded is not None
    trained = typed(uploaded.slice(0, len(times)).to_pandas(), order["columns"])
    lines = [shop.row(number, at=time) for number, time in enumerate(times)]
    served = typed(read_request(shop.upload(lines)), order["columns"])
    pd.testing.assert_frame_equal(trained, served)
    texts = pa.table({"at": times, "model_version": ["1"] * len(times)})
    inside, counts = rows_inside(texts, window_named("2013-03"), "at", project.data.timezone)
    assert inside["at"].to_pylist() == times[3:6]
    assert (counts.untimed, counts.last_event) == (0, "2013-03-20T09:00:00Z")


def test_event_times_of_labels_are_local_times_too(tmp_path: Path) -> None:
    contract, project = shop_in(tmp_path, NORTH)
    times = [
        "2013-07-01T00:00:00",
        "2013-07-01T06:00:00Z",
        "2013-07-02",
        "2013-11-03T01:30:00",
        "2013-06-30T23:00",
    ]
    text = "".join(f"p{number},1,{time}\n" for number, time in enumerate(times))
    read = read_labels(BytesSource(f"prediction_id,late,event_time\n{text}".encode()), contract, project)
    assert isinstance(read, Labels)
    assert (read.ids, [one.check for one in read.findings]) == (["p0", "p1", "p2", "p4"], ["ambiguous time"])
    assert [read.first.isoformat(), read.last.isoformat()] == [
        "2013-07-01T03:00:00+00:00", "2013-07-02T04:00:00+00:00",
    ]  # fmt: skip


def test_a_request_at_a_time_that_clocks_showed_twice_is_refused(tmp_path: Path) -> None:
    _, project = shop_in(tmp_path, NORTH)
    order: Any = job_document(project, training_set={}, grid={}, code_sha256="0", champion=None)
    request = read_request(shop.upload([shop.row(1, at="2013-11-03T01:30:00")]))
    with pytest.raises(BadInput, match=r"2013-11-03T01:30:00.*America/New_York"):
        typed(request, order["columns"])


def test_a_job_without_a_zone_is_told_of_none(tmp_path: Path) -> None:
    _, project = shop_in(tmp_path, None)
    order: Any = job_document(project, training_set={}, grid={}, code_sha256="0", champion=None)
    assert "timezone" not in order["columns"]  # so that models and keys of the step cache stay what they were


@pytest.mark.parametrize("kind", [".csv", ".parquet"])
def test_files_registered_in_place_are_read_in_the_zone(kind: str, tmp_path: Path) -> None:
    _, project = shop_in(tmp_path, NORTH)
    table = pa.table({"at": ["2013-07-01T00:00:00", "2013-07-02T00:00:00"], "weight": [1.0, 2.0]})
    grid, path = Grid.from_table(table, {"weight": "numeric"}), tmp_path / f"file{kind}"
    if kind == ".csv":
        path.write_text("at,weight\n2013-07-01T00:00:00,1\n2013-07-02T00:00:00,2\n")
    else:
        parquet.write_table(table.set_column(0, "at", table["at"].cast(pa.timestamp("ms"))), path)
    found = statistics(path, kind, grid, project.data)
    assert found is not None
    assert [found.first.isoformat(), found.last.isoformat()] == [
        "2013-07-01T04:00:00+00:00", "2013-07-02T04:00:01+00:00",
    ]  # fmt: skip
    without = project.data.model_copy(update={"timezone": None})
    with pytest.raises(BadInput):
        statistics(path, kind, grid, without)
