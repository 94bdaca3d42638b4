"""What a column does by itself: learned from slices, matched by season, and held against a window."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from trimtab.drift import Baseline, Override, Settings, compare
from trimtab.drift.components import Component
from trimtab.drift.wobble import Wobble
from trimtab.errors import BadInput
from trimtab.profile import Grid, Kind, Profile

KINDS: dict[str, Kind] = {"a": "numeric", "b": "numeric"}
ROWS = 2000


def rows(seed: int, a: float = 0.0, b: float = 0.0, count: int = ROWS) -> pa.Table:
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {
        "a": pa.array(rng.normal(size=count) + a),
        "b": pa.array(rng.normal(size=count) + b),
    }
    return pa.table(columns)


GRID = Grid.from_table(rows(0), KINDS)


def profile(*args: Any, **kwargs: Any) -> Profile:
    return Profile.of(GRID, rows(*args, **kwargs), second_moments=True)


def verdicts(
    baseline: Baseline, window: Profile, settings: Settings | None = None, **more: Any
) -> dict[str, str]:
    report = compare(baseline, window, settings, **more)
    return {feature.name: feature.verdict for feature in report.features}


def test_a_wobble_of_many_slices_gives_the_tail_of_the_widened_chi_square() -> None:
    wobble = Wobble(mean_effect=0.002, rows=5000, slices=100_000)
    for statistic in (20.0, 60.0, 150.0):
        found = wobble.p_value(Component("location", statistic, 1, 5000.0))
        assert found == pytest.approx(float(stats.chi2.sf(statistic / 11, 1)), rel=0.15)


def test_a_wobble_of_few_slices_has_the_heavy_tail_of_an_f_distribution() -> None:
    wobble = Wobble(mean_effect=1.0, rows=5000, slices=12)
    for ratio in (2.0, 5.0, 12.0):
        found = wobble.p_value(Component("location", ratio * 5001, 1, 5000.0))
        assert found == pytest.approx(float(stats.f.sf(ratio, 1, 11)), rel=0.15)


def test_slices_that_do_not_wobble_leave_chance_as_it_is() -> None:
    wobble = Wobble(mean_effect=-0.01, rows=500, slices=1000)
    for statistic in (4.0, 10.0):
        found = wobble.p_value(Component("shape", statistic, 4, 500.0))
        assert found == pytest.approx(float(stats.chi2.sf(statistic, 4)), rel=0.05)


def test_p_values_keep_their_level_when_windows_wobble_as_the_slices_did() -> None:
    rng = np.random.default_rng(5)
    for own, rows_of_slice, rows_of_window in ((0.0, 1000, 1000), (0.001, 1000, 5000), (0.01, 3000, 300)):
        below = 0
        for _ in range(1500):
            effects = (rng.normal(size=20) ** 2 * (1 + rows_of_slice * own) - 1) / rows_of_slice
            wobble = Wobble(float(effects.mean()), rows_of_slice, 20)
            statistic = float(rng.normal() ** 2 * (1 + rows_of_window * own))
            below += wobble.p_value(Component("location", statistic, 1, rows_of_window)) < 0.01
        assert below / 1500 < 0.01 + 4 * (0.01 / 1500) ** 0.5


def test_a_window_is_compared_with_the_slices_of_its_season() -> None:
    week = [profile(seed, a=0.0) for seed in range(10)]
    weekend = [profile(100 + seed, a=1.0) for seed in range(10)]
    slices = (*week, *weekend)
    baseline = Baseline(Profile.merged(slices), slices, {}, ("week",) * 10 + ("weekend",) * 10)
    busy = profile(7, a=1.0)
    assert verdicts(baseline, busy, season="weekend") == {"a": "stable", "b": "stable"}
    assert verdicts(baseline, busy, season="week")["a"] == "drifted"
    assert compare(baseline, busy, season="weekend").baseline_rows == 10 * ROWS
    assert compare(baseline, busy, season="holiday").baseline_rows == 20 * ROWS
    assert Baseline.from_bytes(baseline.to_bytes()).seasons == baseline.seasons


def test_the_wobble_of_a_season_is_learned_from_all_seasons_each_slice_against_its_own() -> None:
    """Four slices of a season are too few to learn from; forty of ten seasons are not."""
    rng = np.random.default_rng(3)
    names = tuple(f"season {number % 10}" for number in range(40))
    slices = tuple(profile(number, a=float(number % 10 + rng.normal(0, 0.1))) for number in range(len(names)))
    baseline = Baseline(Profile.merged(slices), slices, {}, names)
    usual, more = profile(77, a=3.1), profile(78, a=3.6)
    assert verdicts(baseline, usual, season="season 3") == {"a": "stable", "b": "stable"}
    assert verdicts(baseline, more, season="season 3") == {"a": "drifted", "b": "stable"}
    assert compare(baseline, usual, season="season 3").calibrated
    # Without seasons ten seasons are what the column does by itself; without a wobble 0.1 sd are drift.
    assert verdicts(baseline, more)["a"] == "stable"
    assert verdicts(Baseline(baseline.of_season("season 3").profile), usual)["a"] == "drifted"


def test_seasons_are_named_for_every_slice() -> None:
    with pytest.raises(BadInput, match="1 seasons for 2 slices"):
        Baseline(profile(0), (profile(1), profile(2)), {}, ("week",))


def test_columns_can_be_ignored_weighed_and_given_a_tolerance_of_their_own() -> None:
    baseline, window = Baseline(profile(0)), profile(1, a=0.3)
    assert compare(baseline, window).verdict == "drifted"
    ignored = compare(baseline, window, Settings(columns={"a": Override(ignore=True)}))
    assert [(feature.name, feature.weight) for feature in ignored.features] == [("b", 1.0)]
    assert ignored.verdict == "stable"
    light = compare(baseline, window, Settings(columns={"a": Override(weight=0.1)}))
    assert light.verdict == "stable"
    assert light.weight == pytest.approx(0.1 / 0.6)
    wide = compare(baseline, window, Settings(columns={"a": Override(tolerance=0.2)}))
    assert wide.verdict == "stable"


@pytest.mark.parametrize("wrong", [{"tolerance": 2.0}, {"weight": -1.0}, {"weight": float("nan")}])
def test_senseless_overrides_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(BadInput, match="give a"):
        Override(**wrong)  # type: ignore[arg-type]


def test_an_override_of_a_column_that_is_not_there_is_named() -> None:
    settings = Settings(columns={"z": Override(ignore=True)})
    with pytest.raises(BadInput, match="'z', which is not profiled"):
        compare(Baseline(profile(0)), profile(1), settings)


def test_what_matters_more_comes_first() -> None:
    baseline = Baseline(profile(0), (), {"a": 0.9, "b": 0.1})
    report = compare(baseline, profile(1, a=0.3, b=0.5))
    assert [feature.name for feature in report.features] == ["a", "b"]
    report = compare(Baseline(profile(0), (), {"a": 0.5, "b": 0.5}), profile(1, a=0.3, b=0.5))
    assert [feature.name for feature in report.features] == ["b", "a"]


def joint(seed: int, slope: float) -> Profile:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=ROWS)
    b = slope * a + np.sqrt(1 - slope**2) * rng.normal(size=ROWS)
    columns: dict[str, Any] = {"a": pa.array(a), "b": pa.array(b)}
    return Profile.of(GRID, pa.table(columns), second_moments=True)


def test_columns_that_part_show_in_the_correlation_and_in_no_column() -> None:
    slices = tuple(joint(seed, 0.8) for seed in range(12))
    baseline = Baseline(Profile.merged(slices), slices)
    same, apart = compare(baseline, joint(50, 0.8)), compare(baseline, joint(51, 0.0))
    assert (same.verdict, apart.verdict) == ("stable", "stable")
    assert same.multivariate is not None
    assert apart.multivariate is not None
    assert apart.multivariate.pair == ("a", "b")
    assert apart.multivariate.correlation_change == pytest.approx(0.8, abs=0.06)
    limits = apart.multivariate.correlation_limit, apart.multivariate.limit
    assert limits[0] is not None
    assert limits[1] is not None
    assert apart.multivariate.correlation_change > limits[0] > same.multivariate.correlation_change
    assert apart.multivariate.reconstruction > limits[1] > same.multivariate.reconstruction
    json.dumps(apart.to_dict(), allow_nan=False)


def test_reconstruction_error_agrees_with_the_rows_themselves() -> None:
    rng = np.random.default_rng(8)
    before, after = rng.normal(size=(2, 20_000, 2)) @ np.array([[1.0, 0.7], [0.0, 0.7]])
    after[:, 1] += 0.4
    profiles = [
        Profile.of(GRID, pa.table({"a": pa.array(x[:, 0]), "b": pa.array(x[:, 1])}), second_moments=True)
        for x in (before, after)
    ]
    standard = [(x - before.mean(axis=0)) / before.std(axis=0) for x in (before, after)]
    main = np.linalg.eigh(np.corrcoef(before.T))[1][:, -1:]
    errors = [float(((x - x @ main @ main.T) ** 2).sum(axis=1).mean()) for x in standard]
    found = compare(Baseline(profiles[0]), profiles[1]).multivariate
    assert found is not None
    assert found.reconstruction == pytest.approx(errors[1] / errors[0], rel=5e-3)
    assert found.limit is None


def test_a_test_of_many_degrees_keeps_its_level_when_only_one_of_them_wobbles() -> None:
    rng = np.random.default_rng(6)
    wobble = Wobble(mean_effect=0.002, rows=5000, slices=100_000)
    statistics = 11 * rng.chisquare(1, 4000) + rng.chisquare(14, 4000)
    p_values = [wobble.p_value(Component("histogram", float(s), 15, 5000.0)) for s in statistics]
    for level in (0.05, 0.01, 0.002):
        assert np.mean(np.array(p_values) <= level) < level + 3 * (level / 4000) ** 0.5
