"""The tests behind a feature's verdict: what each of them measures, and how likely it is by chance.

Every test is a (noncentral) chi-square: its null hypothesis is not "no difference" but "a difference of at
most the tolerance", so that a million rows do not turn an irrelevant one into an alarm. Differences are
measured against the average of both samples' shares, which makes an effect independent of the samples' sizes.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from trimtab.drift.distributions import chi2_sf, ncx2_sf
from trimtab.drift.histograms import equal_mass_groups, regroup
from trimtab.profile.keys import Floats

FINE_GROUPS = 256
COARSE_GROUPS = 16
CATEGORIES = 50
POLYNOMIALS = 4
FEWEST_EXPECTED = 5.0
_LARGEST_P = 0.9
_SMALLEST_P = 1e-300


@dataclass(frozen=True, slots=True)
class Component:
    """One test's statistic: a chi-square of `df` degrees of freedom, plus `rows` times the true effect."""

    name: str
    statistic: float
    df: int
    rows: float  # effective number of rows, n m / (n + m)

    @property
    def effect(self) -> float:
        """Return the effect less what chance adds on average; below zero when chance explains all of it."""
        return (self.statistic - self.df) / self.rows

    def p_value(self, tolerance: float) -> float:
        """Return how likely so large a statistic is when the true effect is the tolerance."""
        if tolerance <= 0:
            return chi2_sf(self.statistic, self.df)
        return ncx2_sf(self.statistic, self.df, self.rows * tolerance)


class Shares(NamedTuple):
    """Both samples' shares per cell, and the effective number of rows."""

    baseline: Floats
    current: Floats
    rows: float
    fewest: float  # rows of the smaller sample

    @property
    def average(self) -> Floats:
        """Return the average of both shares."""
        return (self.baseline + self.current) / 2


def components_of(kind: str, baseline: Floats, current: Floats) -> list[Component]:
    """Test the values of a feature, as counts side by side."""
    if kind == "numeric":
        return numeric_components(baseline, current)
    if kind == "timestamp":
        return timestamp_components(baseline, current)
    return categorical_components(baseline, current)


def numeric_components(baseline: Floats, current: Floats) -> list[Component]:
    """Test counts in ordered cells: location, shape (four polynomials), and the histogram as a whole."""
    shares = _fine_shares(baseline, current)
    return [*_smooth(shares), *_omnibus(shares)]


def categorical_components(baseline: Floats, current: Floats) -> list[Component]:
    """Test counts of categories: by rank, the largest categories one by one, and the unseen ones."""
    # Ranks come from the pooled counts: those of one sample alone would favour it, and alarm without drift.
    order = np.argsort(-(baseline + current), kind="stable")
    first, second = baseline[order], current[order]
    smooth = _smooth(_fine_shares(first, second))
    fewest = min(first.sum(), second.sum())
    expected = (first + second) * fewest / (first.sum() + second.sum())
    kept = max(1, min(CATEGORIES, int((expected >= FEWEST_EXPECTED).sum())))
    groups = np.minimum(np.arange(len(first)), kept)
    largest = _shares(regroup(groups, first), regroup(groups, second))
    return [*smooth, *_chi_square("histogram", largest), *_unseen(baseline, current)]


def timestamp_components(baseline: Floats, current: Floats) -> list[Component]:
    """Test rows per hour of the week: by the hour of the day, and by the day of the week."""
    found: list[Component] = []
    for name, axis in (("hour", 0), ("weekday", 1)):
        first, second = (counts.reshape(7, 24).sum(axis=axis) for counts in (baseline, current))
        held = (first + second) > 0
        found += _chi_square(name, _shares(first[held], second[held]))
    return found


def missing_component(baseline: tuple[int, int], current: tuple[int, int]) -> list[Component]:
    """Test the shares of missing rows; each sample is given as (missing, all rows)."""
    (missing, first), (lacking, second) = baseline, current
    return _share("missing", missing / first, lacking / second, first * second / (first + second))


def combined(p_values: Iterable[float]) -> float:
    """Combine dependent tests by the Cauchy combination; a test that sees nothing cannot silence the others.

    >>> round(combined([0.001, 1.0, 1.0]), 4)
    0.0031
    """
    scores = [_cauchy_score(min(p, _LARGEST_P)) for p in p_values]
    mean = sum(scores) / len(scores)
    p = 1 / (math.pi * mean) if mean > 1e8 else 0.5 - math.atan(mean) / math.pi
    return min(1.0, max(p, _SMALLEST_P))


def _cauchy_score(p: float) -> float:
    return 1 / (math.pi * max(p, _SMALLEST_P)) if p < 1e-8 else math.tan((0.5 - p) * math.pi)


def _shares(baseline: Floats, current: Floats) -> Shares:
    first, second = float(baseline.sum()), float(current.sum())
    rows = first * second / (first + second)
    return Shares(baseline / first, current / second, rows, min(first, second))


def _fine_shares(baseline: Floats, current: Floats) -> Shares:
    average = (baseline / baseline.sum() + current / current.sum()) / 2
    groups = equal_mass_groups(average, FINE_GROUPS)
    return _shares(regroup(groups, baseline), regroup(groups, current))


def _smooth(shares: Shares) -> list[Component]:
    """Neyman's smooth test: differences along polynomials of the rank, orthonormal under the average."""
    weights = shares.average
    if len(weights) < 2:
        return []
    ranks = np.cumsum(weights) - weights / 2
    roots = np.sqrt(weights)[:, None]
    powers = np.vander(2 * ranks - 1, min(POLYNOMIALS, len(weights) - 1) + 1, increasing=True)
    basis, triangle = np.linalg.qr(powers * roots)
    diagonal = np.abs(np.diag(triangle))
    basis = (basis / roots)[:, diagonal > 1e-8 * diagonal[0]][:, 1:]
    squares = shares.rows * ((shares.current - shares.baseline) @ basis) ** 2
    if not len(squares):
        return []
    location = Component("location", float(squares[0]), 1, shares.rows)
    return [location, Component("shape", float(squares.sum()), len(squares), shares.rows)]


def _omnibus(shares: Shares) -> list[Component]:
    average = shares.average
    groups = equal_mass_groups(average, COARSE_GROUPS)
    first, second = regroup(groups, shares.baseline), regroup(groups, shares.current)
    # Between heavy ties a group can be nearly empty, where no chi-square holds: join it to a neighbour.
    joined = np.zeros(len(first), dtype=np.intp)
    number, mass = 0, 0.0
    for i, share in enumerate((first + second) / 2):
        joined[i] = number
        mass += share
        if mass * shares.fewest >= FEWEST_EXPECTED:
            number, mass = number + 1, 0.0
    joined = np.minimum(joined, max(0, number - 1))
    grouped = Shares(regroup(joined, first), regroup(joined, second), shares.rows, shares.fewest)
    return _chi_square("histogram", grouped)


def _chi_square(name: str, shares: Shares) -> list[Component]:
    if len(shares.baseline) < 2:
        return []
    statistic = shares.rows * ((shares.current - shares.baseline) ** 2 / shares.average).sum()
    return [Component(name, float(statistic), len(shares.baseline) - 1, shares.rows)]


def _unseen(baseline: Floats, current: Floats) -> list[Component]:
    """Test the share of unseen categories against what chance leaves unseen; only more than that counts."""
    first, second = float(baseline.sum()), float(current.sum())
    pooled = baseline + current
    # The chance that every row of a category falls into the current sample, rows being drawn at random.
    chance = (second / (first + second)) ** pooled
    expected, variance = float(pooled @ chance), float(pooled**2 @ (chance * (1 - chance)))
    clustering = max(1.0, variance / expected) if expected > 0 else 1.0
    observed = float(current[baseline == 0].sum())
    if observed <= expected:
        return [Component("unseen", 0.0, 1, second / clustering)]
    return _share("unseen", expected / second, observed / second, second / clustering)


def _share(name: str, baseline: float, current: float, rows: float) -> list[Component]:
    """Compare two shares, with Yates' correction: small counts are no chi-square."""
    average = (baseline + current) / 2
    if not 0 < average < 1:
        return []
    apart = max(0.0, abs(current - baseline) - 0.5 / rows)
    return [Component(name, rows * apart**2 / (average * (1 - average)), 1, rows)]
