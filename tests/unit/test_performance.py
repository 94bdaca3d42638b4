"""Measures against scikit-learn, intervals by days, and the verdict on decay."""

import time
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.metrics import log_loss as reference_log_loss

from trimtab.errors import BadInput
from trimtab.performance import (
    Performance,
    brier,
    brier_skill,
    day_block_bootstrap,
    decayed,
    log_loss,
    measure,
    roc_auc,
)
from trimtab.performance.bootstrap import _areas

type Array = NDArray[Any]


def window(seed: int, count: int = 6000, days: int = 30, signal: float = 1.0) -> tuple[Array, Array, Array]:
    """Return labels, scores rounded so that there are ties, and days."""
    rng = np.random.default_rng(seed)
    day = rng.integers(0, days, count)
    chance = 1 / (1 + np.exp(-(rng.normal(size=count) * signal - 1.2 + rng.normal(size=days)[day] * 0.5)))
    return rng.random(count) < chance, np.round(chance, 2), day


@pytest.mark.parametrize("seed", range(5))
def test_measures_agree_with_scikit_learn(seed: int) -> None:
    labels, scores, _ = window(seed)
    assert roc_auc(labels, scores) == pytest.approx(float(roc_auc_score(labels, scores)), abs=1e-12)
    assert brier(labels, scores) == pytest.approx(float(brier_score_loss(labels, scores)), abs=1e-12)
    assert log_loss(labels, scores) == pytest.approx(float(reference_log_loss(labels, scores)), abs=1e-9)


def test_every_resample_has_the_weighted_area_of_scikit_learn() -> None:
    labels, scores, day = window(1, count=700, days=7)
    weights = np.random.default_rng(0).multinomial(7, [1 / 7] * 7, size=30).astype(np.float64)
    areas = _areas(day, 7, labels, scores, weights)
    expected = [roc_auc_score(labels, scores, sample_weight=times[day]) for times in weights]
    assert areas == pytest.approx(expected, abs=1e-9)


def test_skill_is_zero_for_the_base_rate_and_one_for_the_truth() -> None:
    labels, _, _ = window(2)
    assert brier_skill(labels, np.full(len(labels), labels.mean())) == pytest.approx(0.0, abs=1e-12)
    assert brier_skill(labels, labels.astype(float)) == 1.0


@pytest.mark.parametrize("labels", [[], [1], [0, 0, 0]])
def test_one_class_has_no_area_and_no_skill(labels: list[int]) -> None:
    scores = [0.5] * len(labels)
    assert roc_auc(labels, scores) is None
    assert brier_skill(labels, scores) is None


def test_no_rows_have_no_measures() -> None:
    assert (brier([], []), log_loss([], [])) == (None, None)


@pytest.mark.parametrize(
    ("labels", "scores", "complaint"),
    [
        ([0, 2], [0.1, 0.2], "labels other than"),
        ([0.0, float("nan")], [0.1, 0.2], "labels other than"),
        ([0, 1], [0.1, float("nan")], "not finite"),
        ([0, 1], [0.1], "one score per label"),
    ],
)
def test_wrong_input_is_refused(labels: list[float], scores: list[float], complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint):
        roc_auc(labels, scores)


def test_interval_by_days_is_wider_than_one_by_rows() -> None:
    labels, scores, day = window(3, days=15)
    by_day = day_block_bootstrap(day, labels, scores)
    by_row = day_block_bootstrap(np.arange(len(labels)) % 997, labels, scores)
    assert by_day is not None
    assert by_row is not None
    assert by_day.high - by_day.low > 1.3 * (by_row.high - by_row.low)
    area = roc_auc(labels, scores)
    assert area is not None
    assert by_day.low < area < by_day.high


def test_difference_of_two_models_is_paired() -> None:
    labels, scores, day = window(4)
    noise = np.random.default_rng(0).normal(size=len(labels)) * 0.05
    better = day_block_bootstrap(day, labels, scores, scores + noise, confidence=0.9)
    assert better is not None
    assert (better.low > 0, better.share_positive, better.confidence) == (True, 1.0, 0.9)
    same = day_block_bootstrap(day, labels, scores, scores)
    assert same is not None
    assert (same.mean, same.low, same.high, same.share_positive) == (0.0, 0.0, 0.0, 0.0)


def test_interval_follows_its_seed() -> None:
    labels, scores, day = window(5)
    first, again = (day_block_bootstrap(day, labels, scores, seed=1) for _ in range(2))
    assert first == again
    assert first != day_block_bootstrap(day, labels, scores, seed=2)


def test_days_may_be_dates_or_text() -> None:
    labels, scores, day = window(6)
    dates = np.datetime64("2013-03-01") + day
    found = {day_block_bootstrap(days, labels, scores) for days in (day, dates, dates.astype(str))}
    assert len(found) == 1


@pytest.mark.parametrize("days", [1, 4])
def test_few_days_have_no_interval(days: int) -> None:
    labels, scores, day = window(7, days=days)
    assert day_block_bootstrap(day, labels, scores) is None


def test_one_class_has_no_interval() -> None:
    _, scores, day = window(8)
    assert day_block_bootstrap(day, np.zeros(len(day)), scores) is None


def test_days_and_options_that_do_not_fit_are_refused() -> None:
    labels, scores, day = window(9)
    with pytest.raises(BadInput, match="day of each row"):
        day_block_bootstrap(day[1:], labels, scores)
    with pytest.raises(BadInput, match="confidence"):
        day_block_bootstrap(day, labels, scores, confidence=1.0)


def test_five_hundred_resamples_take_a_moment() -> None:
    labels, scores, day = window(10)
    start = time.perf_counter()
    day_block_bootstrap(day, labels, scores, scores**2, resamples=500)
    assert time.perf_counter() - start < 0.5


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    labels, scores, _ = window(11, count=400_000, days=2000)
    truth = roc_auc(labels, scores)
    assert truth is not None
    covered = 0
    for seed in range(60):
        sample_labels, sample_scores, day = window(1000 + seed, count=3000, days=25)
        found = day_block_bootstrap(day, sample_labels, sample_scores, resamples=200)
        assert found is not None
        covered += found.low <= truth <= found.high
    assert covered >= 48


def test_measures_of_a_window() -> None:
    labels, scores, day = window(12)
    found = measure(labels, scores, day)
    assert (found.rows, found.blocks) == (6000, 30)
    assert found.base_rate == pytest.approx(labels.mean())
    assert found.auc_low is not None
    assert found.auc is not None
    assert found.auc_high is not None
    assert found.auc_low < found.auc < found.auc_high
    assert set(found.to_dict()) >= {"auc", "auc_low", "auc_high", "brier", "skill", "rows", "base_rate"}


def test_window_of_few_rows_has_an_area_but_no_bounds() -> None:
    labels, scores, day = window(13, count=150)
    found = measure(labels, scores, day)
    assert found.auc is not None
    assert (found.auc_low, found.auc_high) == (None, None)
    assert decayed(found, 0.9, 0.01) is None


def test_window_without_rows_has_no_measures() -> None:
    found = measure([], [], [])
    assert (found.rows, found.auc, found.brier, found.skill, found.base_rate) == (0, None, None, None, None)


def performance(auc_high: float | None) -> Performance:
    return Performance(
        rows=5000,
        blocks=30,
        base_rate=0.2,
        auc=0.7,
        auc_low=0.68,
        auc_high=auc_high,
        confidence=0.95,
        brier=0.15,
        skill=0.1,
    )


@pytest.mark.parametrize(
    ("high", "expected", "verdict"),
    [(0.72, 0.74, False), (0.70, 0.74, True), (0.71, 0.74, False), (None, 0.74, None), (0.70, None, None)],
)
def test_decay_needs_the_upper_bound_below(
    high: float | None, expected: float | None, verdict: bool | None
) -> None:
    assert decayed(performance(high), expected, 0.03) is verdict
