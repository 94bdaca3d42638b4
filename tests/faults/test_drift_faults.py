"""What profiles and verdicts make of data that is not as it should be."""

import json
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.drift import Baseline, Feature, Report, Settings, compare
from trimtab.errors import BadInput, Conflict
from trimtab.profile import CategoricalCounts, Grid, Kind, NumericCounts, Profile

KINDS: dict[str, Kind] = {"x": "numeric", "c": "categorical", "t": "timestamp"}
COUNT = 3000
RNG = np.random.default_rng(2013)
HOURS = np.arange(COUNT, dtype="int64") * 3_600_000_000


def rows(seed: int = 0, **replaced: Any) -> pa.Table:
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {
        "x": pa.array(rng.normal(size=COUNT)),
        "c": pa.array(rng.choice(["a", "b", "c"], COUNT).tolist()),
        "t": pa.array(HOURS, pa.timestamp("us", tz="UTC")),
    }
    return pa.table(columns | replaced)


GRID = Grid.from_table(rows(), KINDS)
BASELINE = Baseline(Profile.of(GRID, rows()))


def finding(window: pa.Table, name: str, baseline: Baseline = BASELINE) -> Feature:
    report = judged(window, baseline)
    return next(feature for feature in report.features if feature.name == name)


def judged(window: pa.Table, baseline: Baseline = BASELINE) -> Report:
    report = compare(baseline, Profile.of(GRID, window), Settings())
    json.dumps(report.to_dict(), allow_nan=False)
    return report


@pytest.mark.parametrize(
    ("name", "nulls"),
    [
        ("x", pa.nulls(COUNT, pa.float64())),
        ("x", pa.nulls(COUNT)),
        ("x", pa.array(np.full(COUNT, np.nan))),
        ("c", pa.nulls(COUNT, pa.string())),
        ("c", pa.array([None] * COUNT, pa.string()).dictionary_encode()),
        ("t", pa.nulls(COUNT, pa.timestamp("us"))),
    ],
)
def test_F16_an_all_null_column_is_undetermined_with_its_share_of_nulls(name: str, nulls: Any) -> None:
    found = finding(rows(1, **{name: nulls}), name)
    assert (found.verdict, found.reason) == ("undetermined", "ALL_NULL")
    assert (found.effects["missing"], found.effects["missing_change"]) == (1.0, 1.0)
    assert [found.q_value, found.effect, found.effects["psi"], found.effects["js"]] == [None] * 4


ODD = [0.0, -0.0, 5e-324, -2.3e-308, 1e308, -1.7e308, math.inf, -math.inf, math.nan, None]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(ODD) | st.floats(width=64), min_size=1, max_size=40), st.integers(1, 60))
def test_F17_whatever_floats_come_are_counted_once_and_judged_in_finite_numbers(
    values: list[float | None], times: int
) -> None:
    table = pa.table({"x": pa.array(values * times, pa.float64())})
    grid = Grid.from_table(table, {"x": "numeric"})
    profile = Profile.of(grid, table)
    counts = profile.columns["x"]
    assert isinstance(counts, NumericCounts)
    assert counts.nulls == times * sum(value is None for value in values)
    assert counts.nans == times * sum(value is not None and math.isnan(value) for value in values)
    assert counts.positive_infinities == times * values.count(math.inf)
    finite = [value for value in values if value is not None and math.isfinite(value)]
    assert int(counts.sums.counts.sum()) == times * len(finite)
    assert (counts.minimum, counts.maximum) == (min(finite, default=None), max(finite, default=None))
    usual = Profile.of(grid, pa.table({"x": pa.array(RNG.normal(size=500))}))
    for baseline, window in ((usual, profile), (profile, usual), (profile, profile)):
        report = compare(Baseline(baseline), window, Settings(minimum_rows=1))
        json.dumps(report.to_dict(), allow_nan=False)


def test_F17_negative_zero_is_zero_and_infinities_are_no_outliers_of_the_grid() -> None:
    table = pa.table({"x": [0.0, -0.0, math.inf, -math.inf, 1e308]})
    grid = Grid.from_table(table, {"x": "numeric"})
    flipped = pa.table({"x": [-0.0, 0.0, math.inf, -math.inf, 1e308]})
    assert Profile.of(grid, table).key == Profile.of(grid, flipped).key


def test_F19_unseen_categories_are_named_by_their_share_and_drift() -> None:
    values = np.random.default_rng(2).choice(["a", "b", "c", "new"], COUNT, p=[0.3, 0.3, 0.3, 0.1]).tolist()
    found = finding(rows(1, c=pa.array(values)), "c")
    assert found.verdict == "drifted"
    assert found.effects["unseen"] == pytest.approx(0.1, abs=0.02)


def test_F19_a_flood_of_ids_is_undetermined_and_takes_no_more_memory_than_a_cap() -> None:
    flood = pa.array([f"id-{i}" for i in range(60_000)])
    table = pa.table({"x": pa.array(np.zeros(60_000)), "c": flood, "t": pa.nulls(60_000, pa.timestamp("s"))})
    profile = Profile.of(GRID, table)
    counts = profile.columns["c"]
    assert isinstance(counts, CategoricalCounts)
    assert (counts.categories, counts.present) == ({}, 60_000)
    assert counts.distinct == pytest.approx(60_000, rel=0.1)
    assert len(profile.to_bytes()) < 20_000
    report = compare(BASELINE, profile)
    found = next(feature for feature in report.features if feature.name == "c")
    assert (found.verdict, found.reason) == ("undetermined", "HIGH_CARDINALITY")


def test_F19_a_large_column_that_is_no_id_is_compared_by_hash() -> None:
    def zips(seed: int, first: int) -> Profile:
        drawn = np.random.default_rng(seed).integers(first, first + 15_000, 100_000)
        table = pa.table({"c": pa.array([f"zip {code}" for code in drawn.tolist()])})
        return Profile.of(Grid.from_table(table, {"c": "categorical"}), table)

    baseline = Baseline(zips(0, 0))
    same, moved = compare(baseline, zips(1, 0)), compare(baseline, zips(2, 5000))
    assert [report.features[0].verdict for report in (same, moved)] == ["stable", "drifted"]


@pytest.mark.parametrize("value", [0.0, 7.5, -1e6])
def test_F20_a_constant_column_that_moves_out_of_range_drifts_without_a_division_by_zero(
    value: float,
) -> None:
    constant = Baseline(Profile.of(GRID, rows(0, x=pa.array(np.full(COUNT, value)))))
    same = finding(rows(1, x=pa.array(np.full(COUNT, value))), "x", constant)
    moved = finding(rows(1, x=pa.array(np.full(COUNT, value / 2 + 3.0))), "x", constant)
    assert (same.verdict, same.effects["ks"], same.effects["psi"]) == ("stable", 0.0, 0.0)
    assert (moved.verdict, moved.effects["out_of_range"], moved.effects["ks"]) == ("drifted", 1.0, 1.0)
    assert moved.effects["psi"] is not None
    assert math.isfinite(moved.effects["psi"])


def test_F20_values_then_and_now_far_beyond_the_grid_are_undetermined_and_not_equal() -> None:
    far = Baseline(Profile.of(GRID, rows(0, x=pa.array(np.full(COUNT, -1e300)))))
    found = finding(rows(1, x=pa.array(np.full(COUNT, -5e299))), "x", far)
    assert (found.verdict, found.reason) == ("undetermined", "OFF_GRID")
    assert finding(rows(1), "x", far).verdict == "drifted"


@pytest.mark.parametrize("count", [0, 1, 199])
def test_F22_too_few_rows_say_so_and_which_shift_would_have_been_seen_with_enough(count: int) -> None:
    report = judged(rows(1).slice(0, count))
    assert (report.verdict, report.reason) == ("undetermined", "TOO_FEW_ROWS")
    assert {feature.q_value for feature in report.features} == {None}
    enough = next(part for part in judged(rows(1).slice(0, 400)).features if part.name == "x")
    assert enough.detectable_shift is not None
    assert 0.1 < enough.detectable_shift < 0.5


def test_F26_no_baseline_is_a_reason_of_its_own() -> None:
    report = compare(None, Profile.of(GRID, rows(1)))
    assert (report.verdict, report.reason) == ("undetermined", "NO_BASELINE")


def test_F26_every_damaged_byte_of_a_baseline_is_noticed() -> None:
    data = BASELINE.to_bytes()
    for place in range(0, len(data), 211):
        damaged = bytearray(data)
        damaged[place] ^= 0x10
        try:
            assert Baseline.from_bytes(bytes(damaged)).key != BASELINE.key
        except (BadInput, Conflict):
            continue


def test_F26_a_baseline_of_an_older_format_says_what_to_do() -> None:
    older = b"TTB\x01" + BASELINE.to_bytes()[4:]
    with pytest.raises(BadInput, match="has format 1, and this code reads 4; write an older one again"):
        Baseline.from_bytes(older)


def test_F27_a_baseline_of_another_schema_is_refused() -> None:
    other = Grid.from_table(rows(0, x=pa.array(RNG.normal(1000, 3, COUNT))), KINDS)
    with pytest.raises(Conflict, match="profile both on the project's grid"):
        compare(Baseline(Profile.empty(other)), Profile.of(GRID, rows(1)))
