"""Verdicts: what drifts, what does not, and what cannot be told."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from trimtab.drift import Baseline, Feature, Reason, Report, Settings, compare
from trimtab.drift.compare import corrected
from trimtab.errors import Conflict
from trimtab.profile import Grid, Kind, Profile

KINDS: dict[str, Kind] = {"x": "numeric", "y": "numeric", "c": "categorical", "score": "numeric"}


def rows(seed: int, count: int = 4000, shift: float = 0.0, **replaced: Any) -> pa.Table:
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {
        "x": pa.array(rng.normal(size=count) + shift),
        "y": pa.array(np.exp(rng.normal(size=count))),
        "c": pa.array(rng.choice(["a", "b", "c", "d"], count, p=[0.4, 0.3, 0.2, 0.1])),
        "score": pa.array(rng.beta(2, 6, count)),
    }
    return pa.table(columns | replaced)


GRID = Grid.from_table(rows(0), KINDS)
WEIGHTS = {"x": 0.4, "y": 0.3, "c": 0.2, "score": 0.1}
BASELINE = Baseline(Profile.of(GRID, rows(0)), (), WEIGHTS)


def judged(table: pa.Table, baseline: Baseline | None = BASELINE, **settings: Any) -> Report:
    return compare(baseline, Profile.of(GRID, table), Settings(**settings))


def finding(report: Report, name: str) -> Feature:
    return next(feature for feature in report.features if feature.name == name)


def test_same_distribution_is_stable() -> None:
    report = judged(rows(1))
    assert (report.verdict, report.weight, report.reason) == ("stable", 0.0, None)
    assert {feature.verdict for feature in report.features} == {"stable"}


def test_shifted_feature_of_enough_weight_drifts_the_model() -> None:
    report = judged(rows(1, shift=0.5))
    assert report.verdict == "drifted"
    assert report.weight == pytest.approx(0.4)
    first = report.features[0]
    assert (first.name, first.verdict) == ("x", "drifted")
    assert first.q_value is not None
    assert first.q_value < 1e-10
    assert first.effects["psi"] == pytest.approx(0.25, abs=0.1)


def test_shifted_feature_of_little_weight_leaves_the_model_stable() -> None:
    baseline = Baseline(BASELINE.profile, (), {"x": 0.2, "y": 0.8})
    report = judged(rows(1, shift=0.5), baseline)
    assert (report.verdict, finding(report, "x").verdict) == ("stable", "drifted")


def test_weight_that_reaches_the_threshold_exactly_counts() -> None:
    baseline = Baseline(BASELINE.profile, (), {"x": 0.25, "y": 0.35, "c": 0.3, "score": 0.1})
    assert judged(rows(1, shift=0.5), baseline, min_weight=0.25).verdict == "drifted"


def test_shift_within_the_tolerance_is_stable_however_many_rows_there_are() -> None:
    baseline = Baseline(Profile.of(GRID, rows(0, 300_000)), (), WEIGHTS)
    window = rows(1, 300_000, shift=0.02)
    assert finding(judged(window, baseline), "x").verdict == "stable"
    strict = finding(judged(window, baseline, tolerance=0.0), "x")
    assert strict.verdict == "drifted"


@pytest.mark.parametrize(
    ("change", "component"),
    [
        ({"c": pa.array(["a", "b", "c", "e"] * 1000)}, "histogram"),
        ({"c": pa.array(["a"] * 3600 + [f"new {i}" for i in range(400)])}, None),
        ({"c": pa.array([None] * 400 + ["a", "b", "c", "d"] * 900)}, None),
    ],
)
def test_changed_categories_drift(change: dict[str, Any], component: str | None) -> None:
    found = finding(judged(rows(1, **change)), "c")
    assert found.verdict == "drifted"
    assert component is None or found.component == component


def test_many_rare_unseen_categories_are_noticed() -> None:
    known = np.random.default_rng(7).choice(["a", "b", "c", "d"], 3960, p=[0.4, 0.3, 0.2, 0.1]).tolist()
    found = finding(judged(rows(1, c=pa.array(known + [f"new {i}" for i in range(40)]))), "c")
    assert found.verdict == "drifted"
    assert found.effects["unseen"] == pytest.approx(0.01)


def test_nulls_drift_even_when_the_values_do_not() -> None:
    values = np.random.default_rng(9).normal(size=4000)
    nulls = pa.array(values, mask=np.arange(4000) % 20 == 0)
    found = finding(judged(rows(1, x=nulls)), "x")
    assert (found.verdict, found.component) == ("drifted", "missing")
    assert found.effects["missing"] == pytest.approx(0.05)
    assert found.effects["missing_change"] == pytest.approx(0.05)


def test_flood_of_infinities_drifts() -> None:
    values = np.random.default_rng(9).normal(size=4000)
    values[::10] = np.inf
    assert finding(judged(rows(1, x=pa.array(values))), "x").verdict == "drifted"


def test_all_null_column_is_undetermined_and_not_drift_zero() -> None:
    report = judged(rows(1, x=pa.nulls(4000, pa.float64())))
    found = finding(report, "x")
    assert (found.verdict, found.reason, found.q_value, found.effect) == (
        "undetermined",
        "ALL_NULL",
        None,
        None,
    )
    assert found.effects["missing"] == 1.0
    assert found.effects["psi"] is None
    assert (report.verdict, report.reason) == ("undetermined", "ALL_NULL")


def test_few_values_among_many_rows_drift_by_their_nulls() -> None:
    values = pa.array(np.random.default_rng(9).normal(size=4000), mask=np.arange(4000) >= 50)
    found = finding(judged(rows(1, x=values)), "x")
    assert (found.verdict, found.component) == ("drifted", "missing")


def test_few_values_in_both_are_undetermined() -> None:
    values = pa.array(np.random.default_rng(9).normal(size=4000), mask=np.arange(4000) >= 50)
    profile = Profile.of(GRID, rows(0, x=values))
    found = finding(compare(Baseline(profile, (), WEIGHTS), profile), "x")
    assert (found.verdict, found.reason) == ("undetermined", "TOO_FEW_VALUES")


@pytest.mark.parametrize("count", [0, 1, 199])
def test_window_of_too_few_rows_is_undetermined(count: int) -> None:
    report = judged(rows(1, count, shift=3.0))
    assert (report.verdict, report.reason) == ("undetermined", "TOO_FEW_ROWS")
    assert report.undetermined_weight == pytest.approx(1.0)
    assert not report.calibrated


def test_no_baseline_is_undetermined() -> None:
    report = judged(rows(1), None)
    assert (report.verdict, report.reason) == ("undetermined", "NO_BASELINE")
    assert {feature.reason for feature in report.features} == {Reason.NO_BASELINE}


def test_score_that_the_baseline_never_saw_is_undetermined_alone() -> None:
    baseline = Baseline(Profile.of(GRID, rows(0).drop_columns(["score"])), (), WEIGHTS)
    report = judged(rows(1), baseline)
    assert (report.verdict, finding(report, "score").reason) == ("stable", "NO_BASELINE")


def test_window_without_scores_is_undetermined_in_the_score() -> None:
    assert finding(judged(rows(1).drop_columns(["score"])), "score").reason == "ABSENT"


def test_flood_of_categories_is_undetermined() -> None:
    flood = pa.array([f"id {i}" for i in range(12_000)])
    found = finding(judged(rows(1, 12_000, c=flood)), "c")
    assert (found.verdict, found.reason) == ("undetermined", "HIGH_CARDINALITY")


def test_constant_columns_that_stay_are_stable_and_that_move_have_drifted() -> None:
    constant = Baseline(Profile.of(GRID, rows(0, x=pa.array(np.full(4000, 2.0)))), (), WEIGHTS)
    same = finding(judged(rows(1, x=pa.array(np.full(4000, 2.0))), constant), "x")
    moved = finding(judged(rows(1, x=pa.array(np.full(4000, 3.0))), constant), "x")
    assert (same.verdict, same.q_value, same.effects["js"]) == ("stable", 1.0, 0.0)
    assert (moved.verdict, moved.effects["js"]) == ("drifted", 1.0)


def test_other_grid_is_refused() -> None:
    other = Grid.from_table(rows(0, shift=9.0), KINDS)
    with pytest.raises(Conflict, match="on the project's grid"):
        compare(BASELINE, Profile.of(other, rows(1)))


def test_slices_teach_how_much_a_feature_wobbles() -> None:
    rng = np.random.default_rng(11)
    weeks = [Profile.of(GRID, rows(100 + i, shift=float(rng.normal()) * 0.15)) for i in range(12)]
    wobbly = Baseline(Profile.merged(weeks), tuple(weeks), WEIGHTS)
    window = rows(1, shift=0.2)
    calibrated = judged(window, wobbly)
    assert finding(calibrated, "x").verdict == "stable"
    assert calibrated.calibrated
    assert finding(judged(window, Baseline(wobbly.profile, (), WEIGHTS)), "x").verdict == "drifted"
    assert finding(judged(rows(1, shift=0.9), wobbly), "x").verdict == "drifted"


def test_seven_slices_are_too_few_to_learn_from() -> None:
    weeks = [Profile.of(GRID, rows(100 + i)) for i in range(7)]
    assert not judged(rows(1), Baseline(Profile.merged(weeks), tuple(weeks), WEIGHTS)).calibrated


def test_detectable_shift_shrinks_with_more_rows() -> None:
    few, many = (finding(judged(rows(1, count)), "x").detectable_shift for count in (300, 4000))
    assert few is not None
    assert many is not None
    assert many < few < 0.5


def test_report_is_json_with_the_promised_keys() -> None:
    report = judged(rows(1, shift=0.5, y=pa.nulls(4000, pa.float64())))
    data = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert data["rows"] == {"baseline": 4000, "current": 4000}
    assert set(data) >= {
        "verdict",
        "features",
        "weight",
        "undetermined_weight",
        "alpha",
        "calibrated",
        "grid",
    }
    promised = {"name", "kind", "verdict", "reason", "weight", "q_value", "effect", "tolerance", "calibrated"}
    for feature in data["features"]:
        assert set(feature) >= promised | {"component", "detectable_shift", "effects"}
        assert set(feature["effects"]) >= {"psi", "js", "ks", "missing", "unseen", "out_of_range"}
    verdicts = [feature["verdict"] for feature in data["features"]]
    assert verdicts[:2] == ["drifted", "undetermined"]


def test_q_values_follow_benjamini_and_hochberg() -> None:
    p_values = [0.001, 0.2, 0.01, 0.9, 0.04]
    assert corrected(p_values) == pytest.approx([0.005, 0.25, 0.025, 0.9, 0.2 / 3])
    assert corrected([]) == []
