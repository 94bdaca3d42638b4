"""Sizes of differences between two sets of counts, for people to read: they decide nothing by themselves."""

import numpy as np
import numpy.typing as npt

from trimtab.drift.histograms import Groups, regroup
from trimtab.profile import NumericCounts
from trimtab.profile.keys import Floats, mean_offsets

BINS = 20
CATEGORIES = 50


def psi(baseline: Floats, current: Floats) -> float:
    """Return the population stability index of counts in the same bins; it is symmetric.

    Half a row is added to every bin of either side, so that an empty bin counts as rare, not as impossible.

    >>> round(psi(np.array([50.0, 50.0]), np.array([25.0, 75.0])), 3)
    0.269
    """
    p = (baseline + 0.5) / (baseline.sum() + 0.5 * len(baseline))
    q = (current + 0.5) / (current.sum() + 0.5 * len(current))
    return max(0.0, float(((p - q) * np.log(p / q)).sum()))


def js_distance(baseline: Floats, current: Floats) -> float:
    """Return the Jensen-Shannon distance of counts in the same bins, to base 2: from 0 to 1.

    >>> js_distance(np.array([5.0, 0.0]), np.array([0.0, 7.0]))
    1.0
    """
    p, q = baseline / baseline.sum(), current / current.sum()
    middle = (p + q) / 2
    divergence = (_entropy_terms(p, middle) + _entropy_terms(q, middle)) / 2
    return float(np.sqrt(np.clip(divergence, 0.0, 1.0)))


def hellinger(baseline: Floats, current: Floats) -> float:
    """Return the Hellinger distance of counts in the same bins: from 0 to 1.

    >>> hellinger(np.array([5.0, 0.0]), np.array([0.0, 7.0]))
    1.0
    """
    roots = np.sqrt(baseline / baseline.sum()) - np.sqrt(current / current.sum())
    return min(1.0, float(np.sqrt(roots @ roots / 2)))


def l_infinity(baseline: Floats, current: Floats) -> float:
    """Return the largest difference of shares in the same bins.

    >>> l_infinity(np.array([1.0, 1.0]), np.array([1.0, 3.0]))
    0.25
    """
    return float(np.abs(baseline / baseline.sum() - current / current.sum()).max())


def chi_square(baseline: Floats, current: Floats) -> tuple[float, int]:
    """Return Pearson's two-sample chi-square of counts in the same bins, and its degrees of freedom.

    >>> chi_square(np.array([10.0, 20.0]), np.array([20.0, 20.0]))[1]
    1
    """
    first, second = baseline.sum(), current.sum()
    pooled = baseline + current
    held = pooled > 0
    apart = baseline[held] * second - current[held] * first
    return float((apart**2 / pooled[held]).sum() / (first * second)), max(0, int(held.sum()) - 1)


def ks(baseline: Floats, current: Floats) -> float:
    """Return the Kolmogorov-Smirnov statistic of counts in ordered cells.

    >>> ks(np.array([1.0, 1.0]), np.array([0.0, 2.0]))
    0.5
    """
    apart = np.cumsum(baseline) / baseline.sum() - np.cumsum(current) / current.sum()
    return min(1.0, float(np.abs(apart).max()))


def wasserstein(baseline: NumericCounts, current: NumericCounts) -> float | None:
    """Return the Wasserstein distance in standard deviations of the baseline; None if that is zero.

    Finite values only; each cell stands at the mean of its values.
    """
    first, second = baseline.sums, current.sums
    if not len(first.cells) or not len(second.cells):
        return None
    x, y = mean_offsets(first), mean_offsets(second)
    p, q = first.counts / first.counts.sum(), second.counts / second.counts.sum()
    # Sums of products, not products of vectors: those of long ones wake up threads that cost more.
    deviation = float(np.sqrt((p * (x - (p * x).sum()) ** 2).sum()))
    # A cell is the finest difference that the profile can tell apart.
    if deviation * 1024 < 1:
        return None
    places = np.concatenate((x, y))
    order = np.argsort(places, kind="stable")
    apart = np.cumsum(np.concatenate((p, -q))[order])[:-1]
    return float((np.abs(apart) * np.diff(places[order])).sum()) / deviation


def numeric_bins(baseline: Floats, current: Floats) -> tuple[Floats, Floats]:
    """Regroup cells to the baseline's quantiles, with a bin per heavy tie and one for all out of range."""
    shares = baseline / baseline.sum()
    heavy = shares > 1 / BINS
    light = np.where(heavy, 0.0, shares)
    total = float(light.sum())
    wanted = max(1, round(BINS * total))
    middle = (np.cumsum(light) - light / 2) / total if total > 0 else np.zeros(len(light))
    groups: Groups = np.clip((middle * wanted).astype(np.intp), 0, wanted - 1)
    groups[heavy] = wanted + np.arange(int(heavy.sum()))
    groups[_outside(baseline)] = wanted + len(groups)
    return regroup(groups, baseline), regroup(groups, current)


def category_bins(baseline: Floats, current: Floats) -> tuple[Floats, Floats]:
    """Regroup categories: the baseline's `CATEGORIES` largest, the rest of them, and those it has not."""
    rank = np.empty(len(baseline), dtype=np.intp)
    rank[np.argsort(-baseline, kind="stable")] = np.arange(len(baseline))
    groups: Groups = np.minimum(rank, CATEGORIES)
    groups[baseline == 0] = CATEGORIES + 1
    return regroup(groups, baseline), regroup(groups, current)


def out_of_range(baseline: Floats, current: Floats) -> float:
    """Return the share of current values in cells below the baseline's lowest or above its highest."""
    return float(current[_outside(baseline)].sum() / current.sum())


def unseen(baseline: Floats, current: Floats) -> float:
    """Return the share of current values in categories that the baseline has not."""
    return float(current[baseline == 0].sum() / current.sum())


def _outside(baseline: Floats) -> npt.NDArray[np.bool_]:
    inside = np.flatnonzero(baseline)
    outside = np.ones(len(baseline), dtype=np.bool_)
    outside[inside[0] : inside[-1] + 1] = False
    return outside


def _entropy_terms(p: Floats, middle: Floats) -> float:
    held = p > 0
    return float((p[held] * np.log2(p[held] / middle[held])).sum())
