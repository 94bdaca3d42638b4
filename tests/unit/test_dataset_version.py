"""Dataset versions: names from content, bytes from rows."""

import io
import itertools
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from tests.unit.versions_world import to_parquet
from trimtab.cells import CellKind, read_cells
from trimtab.contract.order import Order
from trimtab.dataset.parquet import _SETTINGS, ROW_GROUP_ROWS, PartWriter, schema_of
from trimtab.dataset.version import DatasetFile, dataset_id, newest_first, part_path

ROWS = pa.table(
    {
        "id": pa.array(["a", "b", None]),
        "at": pa.array(
            [datetime(2013, 1, day, 5, 30, 1, 7, tzinfo=UTC) for day in (1, 3, 2)], pa.timestamp("us", "UTC")
        ),
        "x": pa.array([1.5, None, -0.0]),
        "n": pa.array([1, None, 3]),
        "b": pa.array([True, None, False]),
    }
)
FILE: DatasetFile = {"path": "data/a.csv/00000.parquet", "size": 10, "sha256": "ab", "rows": 3}


def test_parquet_bytes_depend_on_rows_only() -> None:
    chunked = pa.concat_tables([ROWS.slice(0, 1), ROWS.slice(1)]).replace_schema_metadata({"made": "by hand"})
    assert to_parquet(chunked) == to_parquet(ROWS)
    assert to_parquet(ROWS.slice(1)) != to_parquet(ROWS)


def test_parquet_keeps_types_and_nulls_without_pandas_metadata() -> None:
    content = to_parquet(ROWS)
    back = parquet.read_table(pa.BufferReader(content))
    assert back.equals(ROWS)
    assert back.schema.metadata is None


def test_parquet_has_row_groups_of_fixed_size() -> None:
    many = pa.table({"x": pa.array(np.arange(ROW_GROUP_ROWS + 1))})
    assert parquet.ParquetFile(pa.BufferReader(to_parquet(many))).num_row_groups == 2


@pytest.mark.parametrize("cuts", [[], [1], [ROW_GROUP_ROWS], [5, 9, ROW_GROUP_ROWS - 1, ROW_GROUP_ROWS + 7]])
def test_a_part_has_the_same_bytes_however_its_rows_arrive(cuts: list[int]) -> None:
    many = pa.table(
        {
            "x": pa.array(np.arange(3 * ROW_GROUP_ROWS // 2) % 1000),
            "t": pa.array([f"t{n % 77}" for n in range(3 * ROW_GROUP_ROWS // 2)]),
        }
    )
    sink = io.BytesIO()
    writer = PartWriter(sink)
    for first, last in itertools.pairwise([0, *cuts, many.num_rows]):
        writer.add(many.slice(first, last - first))
    writer.close()
    whole = io.BytesIO()
    parquet.write_table(many, whole, row_group_size=ROW_GROUP_ROWS, **_SETTINGS)
    assert sink.getvalue() == to_parquet(many) == whole.getvalue()


def test_the_span_of_event_times_is_half_open_in_whole_seconds() -> None:
    assert Order.of(ROWS["at"], np.arange(3)).span == (
        datetime(2013, 1, 1, 5, 30, 1, tzinfo=UTC),
        datetime(2013, 1, 3, 5, 30, 2, tzinfo=UTC),
    )


def test_an_id_depends_on_schema_and_files_and_nothing_that_lies_beside() -> None:
    schema = schema_of(ROWS)
    beside: DatasetFile = {**FILE, "etag": "x"}  # type: ignore[typeddict-unknown-key]
    assert dataset_id(schema, [FILE]) == dataset_id(schema, [beside])
    changed: DatasetFile = {**FILE, "sha256": "ac"}
    assert dataset_id(schema, [FILE]) != dataset_id(schema, [changed])
    assert dataset_id(schema, [FILE]) != dataset_id(schema[1:], [FILE])


def test_a_part_is_named_after_its_upload_whatever_that_is_called() -> None:
    assert part_path("shop", "landing/shop/data/été 1+2.csv", 1) == "data/été 1+2.csv/00001.parquet"


def test_the_newest_upload_decides_which_version_is_current() -> None:
    known = {"v1": "A", "v2": "B"}
    assert newest_first(["v2", "v1"], known) == ["B", "A"]
    assert newest_first(["v3", "v2", "v1"], {**known, "v3": "A"}) == ["A", "B"]
    assert newest_first(["v2"], known) == ["B", "A"]


@pytest.mark.parametrize(
    ("kind", "texts", "values", "bad"),
    [
        ("number", ["1.5", ".5", "1e3", "+2", "-0", None], [1.5, 0.5, 1000.0, 2.0, -0.0, None], []),
        ("number", ["nan", "inf", "1e400", " 1", "1,5", "0x1", "1"], [*[None] * 6, 1.0], [0, 1, 2, 3, 4, 5]),
        ("integer", ["1", "-2", "3.0", "9" * 20, "1.5", None], [1, -2, 3, None, None, None], [3, 4]),
        ("boolean", ["true", "FALSE", "1", "0", "yes", None], [True, False, True, False, None, None], [4]),
        ("text", ["", "NaN", None], ["", "NaN", None], []),
    ],
)
def test_cells_are_read_strictly(
    kind: CellKind, texts: list[str | None], values: list[object], bad: list[int]
) -> None:
    typed, unreadable = read_cells(pa.chunked_array([texts[:2], texts[2:]], pa.string()), kind)
    assert typed.to_pylist() == values
    assert unreadable.tolist() == bad


@pytest.mark.parametrize(
    "text",
    ["2013-02-29T00:00:00Z", "2013-01-01T00:00:00", "2013-01-01", "2013-01-01T25:00:00Z", "1.1.2013", "Z"],
)
def test_what_is_no_instant_is_located(text: str) -> None:
    typed, bad = read_cells(pa.array(["2013-01-01T00:00:00Z", text, "2013-01-01T02:00:00+02:00"]), "instant")
    assert bad.tolist() == [1]
    assert typed.null_count == 1
    assert typed[0] == typed[2]


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)), max_size=30))
def test_numbers_are_read_to_the_last_bit(values: list[float | None]) -> None:
    texts = pa.array([None if value is None else repr(value) for value in values], pa.string())
    typed, bad = read_cells(texts, "number")
    assert typed.to_pylist() == values
    assert not len(bad)


@given(
    st.lists(st.text(max_size=5), max_size=20), st.sampled_from(["number", "integer", "boolean", "instant"])
)
def test_reading_never_fails_and_what_is_null_is_located(texts: list[str], kind: CellKind) -> None:
    typed, bad = read_cells(pa.array(texts, pa.string()), kind)
    assert [position for position, value in enumerate(typed.is_null().to_pylist()) if value] == bad.tolist()


def test_slices_of_a_column_are_read_like_the_column() -> None:
    column = pa.array(["x", "1", "bad", None, "2.5", "inf"])
    typed, bad = read_cells(column.slice(1), "number")
    assert typed.to_pylist() == [1.0, None, None, 2.5, None]
    assert bad.tolist() == [1, 4]
