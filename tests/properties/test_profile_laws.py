"""Laws of profiles: merging, order, and what an encoded profile keeps."""

import math
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from trimtab.profile import CategoricalColumn, Grid, NumericColumn, NumericCounts, Profile, TimestampColumn
from trimtab.profile.keys import HIGH_END, LOW_END, mean_offsets

FEW = settings(max_examples=60, deadline=None)
FLOATS = st.none() | st.floats(width=64) | st.sampled_from([0.0, -0.0, 1.0, 5e-324, -1.7e308, math.inf])
TEXTS = st.none() | st.sampled_from(["a", "b", "c", "ä", "", "d" * 200]) | st.text(max_size=3)
ROWS = st.lists(st.tuples(FLOATS, TEXTS), max_size=40)
GRIDS = st.builds(
    lambda center, exponent, limit: Grid(
        {
            "x": NumericColumn("x", center + 0.0, exponent),
            "c": CategoricalColumn("c", limit),
            "t": TimestampColumn("t"),
        }
    ),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-1000, 1000),
    st.integers(1, 8),
)


def table_of(rows: list[tuple[Any, Any]]) -> pa.Table:
    columns: dict[str, Any] = {
        "x": pa.array([x for x, _ in rows], pa.float64()),
        "c": pa.array([c for _, c in rows], pa.string()),
        "t": pa.array([None if c is None else 7919 * len(c) ** 4 for _, c in rows], pa.timestamp("s")),
    }
    return pa.table(columns)


@FEW
@given(GRIDS, ROWS, ROWS, ROWS)
def test_merging_is_commutative_associative_and_has_an_identity(
    grid: Grid, a: list[Any], b: list[Any], c: list[Any]
) -> None:
    first, second, third = (Profile.of(grid, table_of(rows), second_moments=True) for rows in (a, b, c))
    assert (first + second).to_bytes() == (second + first).to_bytes()
    assert ((first + second) + third).to_bytes() == (first + (second + third)).to_bytes()
    assert (first + Profile.empty(grid)).to_bytes() == first.to_bytes()
    assert Profile.merged([third, first, second]).to_bytes() == (first + second + third).to_bytes()


@FEW
@given(GRIDS, ROWS, st.randoms(use_true_random=False), st.integers(0, 40))
def test_profile_of_a_whole_is_the_sum_of_its_parts_in_any_order(
    grid: Grid, rows: list[Any], random: Any, cut: int
) -> None:
    whole = Profile.of(grid, table_of(rows))
    shuffled = random.sample(rows, len(rows))
    parts = [Profile.of(grid, table_of(part)) for part in (shuffled[:cut], shuffled[cut:])]
    assert (parts[0] + parts[1]).to_bytes() == whole.to_bytes()
    sliced = table_of(rows)
    assert (
        Profile.of(grid, sliced.slice(0, cut)) + Profile.of(grid, sliced.slice(cut))
    ).to_bytes() == whole.to_bytes()


@FEW
@given(GRIDS, ROWS)
def test_profile_survives_its_encoding_and_counts_every_row(grid: Grid, rows: list[Any]) -> None:
    profile = Profile.of(grid, table_of(rows))
    assert Profile.from_bytes(profile.to_bytes()) == profile
    assert {counts.rows for counts in profile.columns.values()} == {len(rows)}


@FEW
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_means_of_the_cells_stay_within_the_stated_error(values: list[float]) -> None:
    table = table_of([(value, "a") for value in values])
    grid = Grid.from_table(table, {"x": "numeric"})
    counts, column = Profile.of(grid, table).columns["x"], grid.columns["x"]
    assert isinstance(counts, NumericCounts)
    assert isinstance(column, NumericColumn)
    assume(not set(counts.sums.cells.tolist()) & {LOW_END, HIGH_END})
    means = mean_offsets(counts.sums) * column.scale + float(column.center)
    total = float(means @ counts.sums.counts)
    reach = column.scale + max(abs(value - column.center) for value in values)
    assert abs(total - math.fsum(values)) <= len(values) * reach * 2.0**-22
    assert (counts.minimum, counts.maximum) == (min(values) + 0.0, max(values) + 0.0)


@FEW
@given(st.lists(FLOATS, max_size=60))
def test_any_column_gets_a_grid_that_reads_back(values: list[Any]) -> None:
    table = table_of([(value, None) for value in values])
    grid = Grid.from_table(table, {"x": "numeric", "c": "categorical"})
    assert Grid.from_dict(grid.to_dict()).id == grid.id
    assert Profile.of(grid, table).rows == len(values)


@FEW
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=40))
def test_cells_of_integers_follow_their_order(values: list[int]) -> None:
    ordered = np.array(sorted(values), dtype=np.int64)
    numbers: Any = pa.array(ordered)
    column = Grid.from_table(pa.table({"x": numbers}), {"x": "numeric"}).columns["x"]
    assert isinstance(column, NumericColumn)
    assert (np.diff(column.offsets(ordered)) >= 0).all()
