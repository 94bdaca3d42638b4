"""What a profile counts, for every shape in which Arrow delivers a column."""

import decimal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from trimtab.errors import BadInput, Conflict
from trimtab.profile import CategoricalColumn, CategoricalCounts, Grid, NumericColumn, NumericCounts, Profile

GRID = Grid({"x": NumericColumn("x", 0.0, 0)})
CODES = Grid({"c": CategoricalColumn("c", 3)})


def table_of(**columns: Any) -> pa.Table:
    return pa.table(columns)


def count_numbers(values: Any) -> NumericCounts:
    counts = Profile.of(GRID, table_of(x=values)).columns["x"]
    assert isinstance(counts, NumericCounts)
    return counts


def count_categories(values: Any) -> CategoricalCounts:
    counts = Profile.of(CODES, table_of(c=values)).columns["c"]
    assert isinstance(counts, CategoricalCounts)
    return counts


def test_missing_and_infinite_values_are_counted_apart() -> None:
    inf, nan = float("inf"), float("nan")
    counts = count_numbers(pa.array([1.0, None, nan, inf, -inf, -inf, 2.0, -3.0]))
    assert (counts.nulls, counts.nans, counts.positive_infinities, counts.negative_infinities) == (1, 1, 1, 2)
    assert (counts.minimum, counts.maximum) == (-3.0, 2.0)
    assert (counts.missing, counts.present, counts.rows) == (2, 6, 8)


def test_negative_zero_is_zero() -> None:
    assert len(count_numbers([-0.0, 0.0]).sums.cells) == 1
    assert Profile.of(GRID, table_of(x=[-0.0])).key == Profile.of(GRID, table_of(x=[0.0])).key
    assert str(count_numbers([-0.0]).minimum) == "0.0"


@pytest.mark.parametrize(
    "kind",
    [
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float16",
        "float32",
        "float64",
    ],
)
def test_numeric_types_of_equal_values_give_equal_bytes(kind: str) -> None:
    table = table_of(x=pa.array([1, None, 3, 100], pa.float64()))
    other = table_of(x=pa.array([1.0, None, 3.0, 100.0]).cast(kind))
    assert Profile.of(GRID, other).key == Profile.of(GRID, table).key


def test_decimals_and_dictionaries_of_numbers_are_numbers() -> None:
    plain = Profile.of(GRID, table_of(x=[1.5, 2.5, 1.5]))
    decimals = pa.array([decimal.Decimal("1.5"), decimal.Decimal("2.5"), decimal.Decimal("1.5")])
    encoded = pa.array([1.5, 2.5, 1.5]).dictionary_encode()
    assert Profile.of(GRID, table_of(x=decimals)).key == plain.key
    assert Profile.of(GRID, table_of(x=encoded)).key == plain.key


def test_slices_with_offsets_and_nulls_count_their_own_rows_only() -> None:
    values = pa.array([None if i % 7 == 0 else float(i) for i in range(100)])
    text = pa.array([None if i % 5 == 0 else "abc"[i % 3] for i in range(100)])
    for start, length in ((0, 100), (3, 50), (13, 1), (99, 1), (8, 0)):
        part = values.slice(start, length)
        copied = pa.array(part.to_pylist(), pa.float64())
        assert count_numbers(part).nulls == part.null_count
        assert Profile.of(GRID, table_of(x=part)).key == Profile.of(GRID, table_of(x=copied)).key
        for codes in (text.slice(start, length), text.dictionary_encode().slice(start, length)):
            found = count_categories(codes)
            expected: list[Any] = text.slice(start, length).to_pylist()
            assert found.nulls == expected.count(None)
            assert found.categories == {name: expected.count(name) for name in "abc" if name in expected}


def test_chunked_tables_and_batches_are_counted_whole() -> None:
    table = table_of(x=pa.chunked_array([[1.0, 2.0], [], [None, 4.0]]))
    whole = Profile.of(GRID, table.combine_chunks())
    assert Profile.of(GRID, table).key == whole.key
    assert Profile.of(GRID, table.combine_chunks().to_batches()[0]).key == whole.key


@pytest.mark.parametrize(
    "values",
    [
        pa.array(["1", "0", "1", None]),
        pa.array(["1", "0", "1", None], pa.large_string()),
        pa.array(["1", "0", "1", None], pa.string_view()),
        pa.array(["1", "0", "1", None]).dictionary_encode(),
        pa.array([1, 0, 1, None]),
        pa.array([1.0, -0.0, 1.0, None]),
        pa.chunked_array(
            [pa.array(["1", "0"]).dictionary_encode(), pa.array([None, "1"]).dictionary_encode()]
        ),
    ],
)
def test_codes_are_the_same_categories_in_every_type(values: Any) -> None:
    counts = count_categories(values)
    assert counts.categories == {"0": 1, "1": 2}
    assert counts.nulls == 1


def test_booleans_are_categories_and_nan_is_missing() -> None:
    assert count_categories([True, False, True]).categories == {"false": 1, "true": 2}
    assert count_categories([1.5, float("nan")]).missing == 1


@pytest.mark.parametrize("kind", [pa.timestamp("us"), pa.date32(), pa.binary(), pa.list_(pa.int8())])
def test_type_without_categories_is_refused(kind: pa.DataType) -> None:
    with pytest.raises(BadInput, match="'c' has type"):
        count_categories(pa.array([None, None], kind))


def test_column_of_the_null_type_is_all_nulls_for_either_kind() -> None:
    assert count_numbers(pa.nulls(3)).nulls == 3
    assert count_categories(pa.nulls(3)).nulls == 3


def test_too_many_categories_leave_only_the_number_of_rows() -> None:
    counts = count_categories(["a", "b", "c", "d", "a"])
    assert (counts.is_overflowed, counts.other, counts.categories) == (True, 5, {})


def test_overflow_does_not_depend_on_the_split() -> None:
    parts = [["a", "b"], ["c"], ["d", "a"]]
    profiles = [Profile.of(CODES, table_of(c=part)) for part in parts]
    whole = Profile.of(CODES, table_of(c=[*parts[0], *parts[1], *parts[2]]))
    assert Profile.merged(profiles).key == whole.key
    assert (profiles[2] + (profiles[1] + profiles[0])).key == whole.key


def test_long_categories_are_shortened_and_stay_apart() -> None:
    counts = count_categories(["x" * 5000 + "a", "x" * 5000 + "b"])
    assert len(counts.categories) == 2
    assert max(map(len, counts.categories)) < 128


def test_missing_column_is_named() -> None:
    with pytest.raises(BadInput, match="'x' is missing"):
        Profile.of(GRID, table_of(y=[1.0]))


def test_column_given_twice_is_refused() -> None:
    table = pa.Table.from_arrays([pa.array([1.0]), pa.array([2.0])], names=["x", "x"])
    with pytest.raises(BadInput, match="appears 2 times"):
        Profile.of(GRID, table)


def test_only_a_score_may_be_absent() -> None:
    table = table_of(x=[1.0, 2.0])
    grid = Grid.from_table(table, {"x": "numeric", "score": "numeric"})
    profile = Profile.of(grid, table)
    assert (profile.rows, profile.columns["score"].rows) == (2, 0)
    scored = Profile.of(grid, table.append_column("score", pa.array([0.1, 0.2])))
    assert (profile + scored).columns["score"].rows == 2


def test_unequal_grids_are_not_added_up() -> None:
    other = Grid({"x": NumericColumn("x", 1.0, 0)})
    with pytest.raises(Conflict, match="on the project's grid"):
        Profile.empty(GRID).merge(Profile.empty(other))


def test_nothing_to_merge_is_refused() -> None:
    with pytest.raises(BadInput, match=r"Profile\.empty"):
        Profile.merged([])


def test_values_of_the_data_stay_as_they_were() -> None:
    values = np.array([-0.0, 1.0, np.nan])
    before = values.tobytes()
    Profile.of(GRID, table_of(x=values))
    assert values.tobytes() == before


def test_profiling_and_comparing_import_neither_pandas_nor_scipy(root: Path) -> None:
    program = """
import sys
import numpy as np, pyarrow as pa
from trimtab.drift import Baseline, compare
from trimtab.performance import measure
from trimtab.profile import Grid, Profile
numbers = pa.Array.from_buffers(pa.float64(), 500, [None, pa.py_buffer(np.arange(500.0))])
table = pa.table({"x": numbers, "i": numbers.cast(pa.int64()), "s": numbers.cast(pa.string())})
table = table.append_column("d", table["s"].dictionary_encode())
kinds = {"x": "numeric", "i": "numeric", "s": "categorical", "d": "categorical"}
profile = Profile.of(Grid.from_table(table, kinds), table)
profile = Profile.from_bytes(profile.to_bytes()) + profile
assert compare(Baseline(profile, (profile,) * 9), profile).verdict == "stable"
measure([0, 1] * 200, [0.1, 0.2] * 200, np.repeat(np.arange(8), 50))
print(",".join({"pandas", "scipy", "boto3", "pydantic"} & set(sys.modules)))
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
