"""Laws of drift reports: identity, symmetry, bounds, and an answer for whatever comes."""

import json
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial.distance import jensenshannon

from trimtab.drift import Baseline, Report, Settings, compare, persistent
from trimtab.drift.compare import corrected
from trimtab.drift.components import categorical_components, combined, numeric_components
from trimtab.drift.distributions import chi2_sf, ncx2_sf
from trimtab.drift.effects import chi_square, hellinger, js_distance, ks, l_infinity, psi, unseen
from trimtab.drift.histograms import side_by_side
from trimtab.profile import Grid, Kind, Profile

type Floats = NDArray[np.float64]

FEW = settings(max_examples=60, deadline=None)
ODD = [0.0, -0.0, 5e-324, -2.2e-308, 1.7e308, -1.7e308, math.inf, -math.inf, math.nan]
VALUES = st.none() | st.floats(width=64) | st.sampled_from(ODD)
ARRAYS = st.one_of(
    st.lists(VALUES, max_size=30),
    st.builds(lambda value, count: [value] * count, VALUES, st.integers(0, 300)),
    st.builds(
        lambda values, count: values * count, st.lists(VALUES, min_size=1, max_size=8), st.integers(1, 60)
    ),
)
KINDS: dict[str, Kind] = {"x": "numeric", "c": "categorical", "t": "timestamp"}
PAIRS = st.integers(2, 30).flatmap(
    lambda size: st.tuples(*[st.lists(st.integers(0, 200), min_size=size, max_size=size)] * 2).filter(
        lambda pair: sum(pair[0]) > 0 and sum(pair[1]) > 0
    )
)


def table_of(values: list[Any]) -> pa.Table:
    columns: dict[str, Any] = {
        "x": pa.array(values, pa.float64()),
        "c": pa.array([None if value is None else f"{value:.1g}" for value in values], pa.string()),
        "t": pa.array([instant(value) for value in values], pa.timestamp("s")),
    }
    return pa.table(columns)


def instant(value: float | None) -> int | None:
    return None if value is None or math.isnan(value) else int(min(max(value, -1e9), 1e9))


def occupied(pair: tuple[list[int], list[int]]) -> tuple[Floats, Floats]:
    first, second = (np.array(counts, dtype=np.float64) for counts in pair)
    held = (first + second) > 0
    return first[held], second[held]


def numbers_in(data: Any) -> list[float]:
    if isinstance(data, dict):
        return [number for value in data.values() for number in numbers_in(value)]
    if isinstance(data, list):
        return [number for value in data for number in numbers_in(value)]
    return [float(data)] if isinstance(data, int | float) else []


def check(report: Report) -> None:
    data = report.to_dict()
    json.dumps(data, allow_nan=False)
    assert all(math.isfinite(number) for number in numbers_in(data))
    for feature in report.features:
        assert (feature.reason is not None) == (feature.verdict == "undetermined")
        bounded = ("js", "ks", "hellinger", "l_infinity", "chi_square_p", "missing", "unseen", "out_of_range")
        shares = [feature.effects[name] for name in bounded]
        assert all(share is None or 0 <= share <= 1 for share in shares)
        assert all(
            size is None or size >= 0 for size in (feature.effects["psi"], feature.effects["wasserstein"])
        )
        assert feature.q_value is None or 0 <= feature.q_value <= 1


@FEW
@given(ARRAYS, ARRAYS, st.sampled_from([1, 5, 200]))
def test_any_two_samples_have_finite_findings_or_none(first: list[Any], second: list[Any], rows: int) -> None:
    grid = Grid.from_table(table_of(first), KINDS)
    baseline = Baseline(Profile.of(grid, table_of(first)))
    check(compare(baseline, Profile.of(grid, table_of(second)), Settings(minimum_rows=rows)))


@FEW
@given(ARRAYS, st.integers(2, 4))
def test_any_slices_have_finite_findings(values: list[Any], parts: int) -> None:
    grid = Grid.from_table(table_of(values), KINDS)
    slices = tuple(Profile.of(grid, table_of(values[i::parts])) for i in range(parts))
    baseline = Baseline(Profile.merged(slices), slices)
    check(compare(baseline, slices[0], Settings(minimum_rows=1, minimum_slices=2)))


@FEW
@given(ARRAYS)
def test_a_sample_never_drifts_from_itself(values: list[Any]) -> None:
    profile = Profile.of(Grid.from_table(table_of(values), KINDS), table_of(values))
    report = compare(Baseline(profile), profile, Settings(minimum_rows=1, tolerance=0.0))
    assert "drifted" not in {feature.verdict for feature in report.features}
    for feature in report.features:
        for name in ("psi", "js", "ks", "wasserstein", "unseen", "out_of_range"):
            assert feature.effects[name] in (None, pytest.approx(0.0, abs=1e-7))


@FEW
@given(ARRAYS, ARRAYS, st.randoms(use_true_random=False))
def test_order_of_the_rows_changes_nothing(first: list[Any], second: list[Any], random: Any) -> None:
    grid = Grid.from_table(table_of(first), KINDS)
    baseline = Baseline(Profile.of(grid, table_of(first)))
    settings_ = Settings(minimum_rows=1)
    ordered = compare(baseline, Profile.of(grid, table_of(second)), settings_)
    shuffled = compare(baseline, Profile.of(grid, table_of(random.sample(second, len(second)))), settings_)
    assert ordered == shuffled


@FEW
@given(PAIRS)
def test_distances_are_symmetric_and_bounded(pair: tuple[list[int], list[int]]) -> None:
    first, second = occupied(pair)
    assert js_distance(first, second) == pytest.approx(js_distance(second, first), abs=1e-12)
    assert psi(first, second) == pytest.approx(psi(second, first), abs=1e-12)
    assert ks(first, second) == pytest.approx(ks(second, first), abs=1e-12)
    for distance in (hellinger, l_infinity):
        assert distance(first, second) == pytest.approx(distance(second, first), abs=1e-12)
        assert 0 <= distance(first, second) <= 1
    assert hellinger(first, second) ** 2 <= l_infinity(first, second) * len(first) / 2 + 1e-12
    assert 0 <= js_distance(first, second) <= 1
    assert 0 <= ks(first, second) <= 1
    assert psi(first, second) >= 0


@FEW
@given(PAIRS)
def test_distances_agree_with_scipy(pair: tuple[list[int], list[int]]) -> None:
    first, second = occupied(pair)
    # The distance is a square root, which magnifies the last bits of a divergence next to zero.
    expected = float(np.nan_to_num(jensenshannon(first, second, base=2)))
    assert js_distance(first, second) ** 2 == pytest.approx(expected**2, abs=1e-9)
    places = np.arange(len(first))
    if len(first) > 1:
        tested = stats.chi2_contingency(np.array([first, second]), correction=False)
        statistic, freedom = chi_square(first, second)
        assert freedom == tested.dof
        assert statistic == pytest.approx(float(tested.statistic), rel=1e-9, abs=1e-9)
        assert chi2_sf(statistic, freedom) == pytest.approx(tested.pvalue, rel=1e-9, abs=1e-9)
    samples = [np.repeat(places, counts.astype(int)) for counts in (first, second)]
    assert ks(first, second) == pytest.approx(float(stats.ks_2samp(*samples).statistic), abs=1e-9)


@FEW
@given(PAIRS)
def test_tests_do_not_care_which_sample_is_called_the_baseline(pair: tuple[list[int], list[int]]) -> None:
    first, second = occupied(pair)
    one_way = {part.name: part.statistic for part in numeric_components(first, second)}
    other_way = {part.name: part.statistic for part in numeric_components(second, first)}
    assert one_way == pytest.approx(other_way, rel=1e-6, abs=1e-9)


@FEW
@given(PAIRS, st.floats(0, 0.5))
def test_p_values_are_probabilities_and_grow_with_the_tolerance(
    pair: tuple[list[int], list[int]], tolerance: float
) -> None:
    for part in [*numeric_components(*occupied(pair)), *categorical_components(*occupied(pair))]:
        lenient, strict = part.p_value(tolerance), part.p_value(0.0)
        assert 0 <= strict <= lenient + 1e-12 <= 1 + 2e-12


@FEW
@given(st.lists(st.integers(1, 500), min_size=1, max_size=10), st.integers(0, 400), st.integers(1, 100))
def test_more_unseen_rows_never_lower_the_distance(known: list[int], new: int, more: int) -> None:
    baseline = np.array([*known, 0], dtype=np.float64)
    fewer, further = (np.array([*known, count], dtype=np.float64) for count in (new, new + more))
    assert js_distance(baseline, further) >= js_distance(baseline, fewer) - 1e-12
    assert unseen(baseline, further) >= unseen(baseline, fewer)


@FEW
@given(
    st.lists(st.integers(-300, 300), min_size=5, max_size=60),
    st.lists(st.integers(-300, 300), min_size=5, max_size=60),
    st.sampled_from([0.5, 2.0, 1024.0]),
    st.sampled_from([0.0, 64.0, -4096.0]),
)
def test_change_of_unit_leaves_ks_as_it_was(
    first: list[int], second: list[int], factor: float, start: float
) -> None:
    found = []
    for scale, offset in ((1.0, 0.0), (factor, start)):
        tables = [table_of([scale * value + offset for value in values]) for values in (first, second)]
        grid = Grid.from_table(tables[0], {"x": "numeric"})
        found.append(ks(*side_by_side([Profile.of(grid, table).columns["x"] for table in tables])))
    assert found[0] == pytest.approx(found[1], abs=1e-12)


@FEW
@given(st.floats(1e-3, 1e6), st.integers(1, 300), st.floats(0, 1e5))
def test_tails_agree_with_scipy_and_are_probabilities(x: float, df: int, ncp: float) -> None:
    assert chi2_sf(x, df) == pytest.approx(float(stats.chi2.sf(x, df)), rel=1e-9, abs=1e-290)
    tail = ncx2_sf(x, df, ncp)
    assert 0 <= tail <= 1
    if ncp > 1e-6:
        assert tail == pytest.approx(float(stats.ncx2.sf(x, df, ncp)), rel=1e-7, abs=1e-12)


@FEW
@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_combination_is_a_probability_and_at_most_so_much_smaller_than_the_smallest(
    p_values: list[float],
) -> None:
    p = combined(p_values)
    assert 0 < p <= 1
    assert p >= min(*p_values, 0.9) * 0.999


@FEW
@given(st.lists(st.floats(0, 1), max_size=30))
def test_corrected_values_keep_their_order_and_never_shrink(p_values: list[float]) -> None:
    q_values = corrected(p_values)
    assert all(q >= p - 1e-15 for q, p in zip(q_values, p_values, strict=True))
    if p_values:
        expected = stats.false_discovery_control(p_values)
        assert q_values == pytest.approx(list(expected), abs=1e-12)


@FEW
@given(st.lists(st.sampled_from(["drifted", "stable", "undetermined"]), max_size=8))
def test_undetermined_verdicts_never_decide(verdicts: list[str]) -> None:
    worlds = {
        persistent([now if verdict == "undetermined" else verdict for verdict in verdicts])
        for now in ("drifted", "stable")
    }
    answer = persistent(verdicts)
    assert answer == (worlds.pop() if len(worlds) == 1 else None)
