"""The single tests behind a verdict, and how they are combined."""

import numpy as np
import pytest
from scipy import stats

from trimtab.drift.components import (
    Component,
    categorical_components,
    combined,
    missing_component,
    numeric_components,
)


def by_name(components: list[Component]) -> dict[str, Component]:
    return {component.name: component for component in components}


def test_location_of_equal_sizes_is_the_squared_rank_sum_test() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.multinomial(3000, np.full(40, 1 / 40)), rng.multinomial(3000, np.full(40, 1 / 40))
    cells = np.arange(40)
    test = stats.mannwhitneyu(
        np.repeat(cells, first), np.repeat(cells, second), use_continuity=False, method="asymptotic"
    )
    found = by_name(numeric_components(first.astype(np.float64), second.astype(np.float64)))
    assert found["location"].p_value(0.0) == pytest.approx(float(test.pvalue), rel=1e-3)
    assert found["location"].df == 1


def test_histogram_of_few_categories_of_equal_sizes_is_the_chi_square_test() -> None:
    first, second = np.array([400.0, 350.0, 250.0]), np.array([430.0, 310.0, 260.0])
    expected = stats.chi2_contingency(np.array([first, second]), correction=False)
    found = by_name(categorical_components(first, second))["histogram"]
    assert found.statistic == pytest.approx(float(expected.statistic), rel=1e-9)
    assert found.p_value(0.0) == pytest.approx(float(expected.pvalue), rel=1e-9)


def test_missing_share_of_equal_sizes_is_the_corrected_chi_square_test() -> None:
    expected = stats.chi2_contingency(np.array([[30, 970], [55, 945]]), correction=True)
    (found,) = missing_component((30, 1000), (55, 1000))
    assert found.p_value(0.0) == pytest.approx(float(expected.pvalue), rel=1e-9)


def test_nothing_missing_is_no_test() -> None:
    assert missing_component((0, 1000), (0, 500)) == []


def test_new_categories_beyond_those_that_chance_leaves_unseen_are_noticed() -> None:
    rng = np.random.default_rng(1)
    shares = 1 / np.arange(1, 2001)
    baseline = rng.multinomial(5000, shares / shares.sum()).astype(np.float64)
    same = rng.multinomial(5000, shares / shares.sum()).astype(np.float64)
    replaced = same.copy()
    rare = np.flatnonzero((same > 0) & (baseline > 0))[-150:]
    fresh = np.concatenate((np.zeros(2000), replaced[rare]))
    replaced[rare] = 0
    wider = np.concatenate((baseline, np.zeros(150)))
    before = by_name(categorical_components(baseline, same))["unseen"]
    after = by_name(categorical_components(wider, np.concatenate((replaced, np.zeros(150))) + fresh))[
        "unseen"
    ]
    assert before.p_value(0.0) > 0.01
    assert after.p_value(0.0) < 1e-4


def test_effect_does_not_depend_on_the_sizes() -> None:
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.45, 0.3, 0.25])
    effects = [
        by_name(categorical_components(rows * p, other * q))["histogram"].effect
        for rows, other in ((1e6, 1e6), (1e7, 1e6), (1e6, 1e8))
    ]
    assert effects == pytest.approx([effects[0]] * 3, rel=1e-2)


def test_p_value_at_the_tolerance_is_one_half_or_so() -> None:
    component = Component("location", 1000.0, 1, 10_000.0)
    assert component.p_value(0.1) == pytest.approx(0.5, abs=0.01)
    assert component.p_value(0.05) < 1e-15
    assert component.p_value(0.2) > 1 - 1e-12


@pytest.mark.parametrize(
    ("p_values", "low", "high"),
    [
        ([0.5, 0.5], 0.5, 0.5),
        ([1e-9, 1.0, 1.0, 1.0], 1e-9, 1e-8),
        ([0.0, 1.0], 1e-300, 1e-299),
        ([1.0, 1.0], 0.89, 1.0),
        ([0.03], 0.03 - 1e-12, 0.03 + 1e-12),
    ],
)
def test_combination_is_led_by_the_smallest(p_values: list[float], low: float, high: float) -> None:
    assert low <= combined(p_values) <= high
