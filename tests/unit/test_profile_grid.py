"""Where a grid puts its cells, and what it refuses."""

import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from trimtab.errors import BadInput
from trimtab.profile import Grid, Kind, NumericColumn, Profile
from trimtab.profile.keys import CELLS, HIGH_END, LOW_END, CellAdder, cells_of, mean_offsets


def table_of(**columns: Any) -> pa.Table:
    return pa.table(columns)


def numeric(values: Any, name: str = "x") -> NumericColumn:
    column = Grid.from_table(table_of(**{name: values}), {name: "numeric"}).columns[name]
    assert isinstance(column, NumericColumn)
    return column


def test_center_is_the_value_that_a_quarter_share() -> None:
    column = numeric([0.0] * 30 + [8.0] * 35 + [100.0] * 35)
    assert (column.center, column.scale) == (8.0, 8.0)


def test_center_is_the_middle_of_the_densest_quarter_when_values_are_spread() -> None:
    values = np.random.default_rng(0).normal(1000.0, 3.0, 50_000)
    column = numeric(values)
    assert abs(float(column.center) - 1000.0) < 1.0
    assert column.scale in (2.0, 4.0)


def test_center_of_integers_is_an_integer_and_keeps_large_ones_apart() -> None:
    values = np.arange(10**15, 10**15 + 1000)
    column = numeric(values)
    assert isinstance(column.center, int)
    cells, _ = cells_of(column.offsets(values))
    assert len(np.unique(cells)) == 1000


def test_constant_column_has_scale_one() -> None:
    assert (numeric([7.0] * 10).center, numeric([7.0] * 10).scale) == (7.0, 1.0)


@pytest.mark.parametrize("values", [[], [None, None], [float("nan")], [float("inf")]])
def test_column_without_finite_values_gets_a_grid_all_the_same(values: list[float | None]) -> None:
    table = table_of(x=pa.array(values, pa.float64()))
    column = Grid.from_table(table, {"x": "numeric"}).columns["x"]
    assert isinstance(column, NumericColumn)
    assert (column.center, column.scale) == (0.0, 1.0)


def test_score_has_the_same_grid_whether_or_not_the_table_has_one() -> None:
    without = table_of(x=[1.0, 2.0])
    with_score = without.append_column("score", pa.array([0.2, 0.9]))
    kinds: dict[str, Kind] = {"x": "numeric", "score": "numeric"}
    assert Grid.from_table(without, kinds).id == Grid.from_table(with_score, kinds).id


def test_score_of_a_regression_is_fitted_like_any_column() -> None:
    column = numeric([500.0, 510.0, 520.0, 530.0], "score")
    assert column.center > 400


def test_id_does_not_depend_on_the_order_of_the_kinds() -> None:
    table = table_of(a=[1, 2], b=["x", "y"])
    first = Grid.from_table(table, {"a": "numeric", "b": "categorical"})
    second = Grid.from_table(table, {"b": "categorical", "a": "numeric"})
    assert first.id == second.id
    assert first == second
    assert Grid.from_dict(first.to_dict()) == first


@pytest.mark.parametrize(
    ("values", "advice"),
    [
        (pa.array([datetime.datetime(2013, 1, 1, tzinfo=datetime.UTC)]), "derive the hour"),
        (pa.array([datetime.date(2013, 1, 1)]), "derive the hour"),
        (pa.array([True]), "list it under categorical"),
        (pa.array(["a"]), "list it under categorical"),
    ],
)
def test_type_that_is_no_number_is_refused_with_advice(values: Any, advice: str) -> None:
    with pytest.raises(BadInput, match=advice):
        Grid.from_table(table_of(x=values), {"x": "numeric"})


def test_missing_column_is_named() -> None:
    with pytest.raises(BadInput, match="'dest' is missing"):
        Grid.from_table(table_of(x=[1.0]), {"dest": "categorical"})


def test_no_columns_are_refused() -> None:
    with pytest.raises(BadInput, match="list the features"):
        Grid.from_table(table_of(x=[1.0]), {})


@pytest.mark.parametrize(
    "data",
    [
        {"schema": 1, "columns": []},
        {"schema": 2},
        {"schema": 2, "columns": [{"name": "x", "kind": "odd"}]},
        {"schema": 2, "columns": [{"name": "x", "kind": "numeric", "center": float("nan"), "exponent": 0}]},
        {"schema": 2, "columns": [{"name": "x", "kind": "numeric", "center": 0.0, "exponent": 5000}]},
    ],
)
def test_damaged_grid_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        Grid.from_dict(data)


def test_cells_follow_the_order_of_the_values_up_to_both_ends() -> None:
    steps = np.geomspace(1e-12, 1e12, 4001)
    cells, _ = cells_of(np.concatenate((-steps[::-1], [0.0], steps)))
    assert (np.diff(cells) >= 0).all()
    assert (cells[0], cells[-1]) == (LOW_END, HIGH_END)


def test_cell_is_never_coarser_than_its_share_of_the_distance() -> None:
    offsets = np.concatenate(([0.0], np.geomspace(1e-6, 1e9, 301)))
    for sign in (1.0, -1.0):
        alone = [mean_offsets(CellAdder().sums([np.array([sign * y]) + 0.0]))[0] for y in offsets]
        assert (np.abs(np.array(alone) - sign * offsets) <= (1 + offsets) * 2.0**-23).all()
        cells, _ = cells_of(sign * offsets)
        nudged, _ = cells_of(sign * (offsets + (1 + offsets) / 1023))
        assert (cells != nudged).all()


def test_ends_hold_what_lies_beyond_two_to_the_thirty_second_scales() -> None:
    sums = CellAdder().sums([np.array([-1e300, 2.0**32, 5e11])])
    assert sums.cells.tolist() == [LOW_END, HIGH_END]
    assert sums.counts.tolist() == [1, 2]
    assert HIGH_END == CELLS - 1


def test_offsets_of_extreme_integers_do_not_wrap() -> None:
    column = NumericColumn("x", 5, 0)
    ends = np.array([-(2**63), 2**63 - 1])
    assert column.offsets(ends).tolist() == [-(2.0**63), 2.0**63]
    assert column.offsets(np.array([2**64 - 1, 5], dtype=np.uint64)).tolist() == [2.0**64, 0.0]


def test_extreme_floats_are_counted_without_a_warning() -> None:
    values = np.array([-1.7e308, -5e-324, 0.0, 5e-324, 1.7e308] * 3)
    table = table_of(x=values)
    profile = Profile.of(Grid.from_table(table, {"x": "numeric"}), table)
    assert profile.columns["x"].present == 15
