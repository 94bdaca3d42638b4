"""The tails of three distributions against scipy, over ranges far beyond those of a drift report."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from trimtab.drift.distributions import chi2_sf, ncx2_sf, t_quantile


def test_chi_square_tail_agrees_from_one_to_a_hundred_thousand_degrees() -> None:
    rng = np.random.default_rng(0)
    for _ in range(500):
        df = int(np.exp(rng.uniform(0, 11.5)))
        x = max(0.0, df + rng.normal() * 8 * math.sqrt(2 * df))
        expected = float(stats.chi2.sf(x, df))
        assert chi2_sf(x, df) == pytest.approx(expected, rel=1e-10, abs=1e-290)


def test_noncentral_tail_agrees_up_to_a_noncentrality_of_a_million() -> None:
    rng = np.random.default_rng(1)
    for _ in range(400):
        df, ncp = int(np.exp(rng.uniform(0, 7))), float(np.exp(rng.uniform(-7, 14)))
        x = max(1e-3, df + ncp + rng.normal() * 5 * math.sqrt(2 * df + 4 * ncp))
        expected = float(stats.ncx2.sf(x, df, ncp))
        assert ncx2_sf(x, df, ncp) == pytest.approx(expected, rel=1e-9, abs=1e-13)


def test_deep_tail_of_the_noncentral_agrees_with_its_definition() -> None:
    x, df, ncp = 400.0, 4, 30.0
    weights = stats.poisson.pmf(np.arange(400), ncp / 2)
    expected = float(weights @ stats.chi2.sf(x, df + 2 * np.arange(400)))
    assert expected < 1e-40
    assert ncx2_sf(x, df, ncp) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("level", [0.6, 0.9, 0.995, 0.9999])
def test_quantile_of_t_agrees(level: float) -> None:
    for df in (1, 2, 3, 4, 7, 8, 25, 52, 365):
        assert t_quantile(level, df) == pytest.approx(float(stats.t.ppf(level, df)), rel=1e-9)


@pytest.mark.parametrize(
    ("x", "df", "ncp", "expected"),
    [
        (0.0, 4, 5.0, 1.0),
        (-1.0, 1, 0.0, 1.0),
        (1e-320, 1, 1e-320, 1.0),
        (1e12, 4, 1e3, 0.0),
        (1e8, 4, 1e8, 0.5),
        (1e300, 16, 1.0, 0.0),
    ],
)
def test_extremes_stay_probabilities(x: float, df: int, ncp: float, expected: float) -> None:
    assert ncx2_sf(x, df, ncp) == pytest.approx(expected, abs=1e-3)


def test_tail_falls_as_x_grows_and_rises_with_the_noncentrality() -> None:
    tails = [ncx2_sf(x, 4, 50.0) for x in np.linspace(0.1, 300, 200)]
    assert all(later <= earlier for earlier, later in itertools.pairwise(tails))
    shifted = [ncx2_sf(60.0, 4, ncp) for ncp in np.linspace(0, 200, 100)]
    assert all(later >= earlier for earlier, later in itertools.pairwise(shifted))
