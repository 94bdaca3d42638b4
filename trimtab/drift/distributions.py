"""Upper tails of the chi-square, noncentral chi-square and Student's t distributions, without scipy.

Sums of positive terms only, so that small tails keep their relative accuracy; whole degrees of freedom only.
"""

import math

import numpy as np

from trimtab.profile.keys import Floats

_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)
_SMALLEST_LOG = -745.0  # exp of less is zero


def chi2_sf(x: float, df: int) -> float:
    """Return the probability that a chi-square variable with `df` degrees of freedom exceeds `x`.

    >>> round(chi2_sf(3.841458820694124, 1), 12)
    0.05
    """
    if x <= 0:
        return 1.0
    half, shape = x / 2, df / 2
    start = 0.5 if df % 2 else 1.0
    # Q(shape, half) = Q(start, half) + the Poisson-like terms start .. shape - 1, all of them positive.
    base = math.erfc(math.sqrt(half)) if df % 2 else math.exp(-half)
    spread = 12 * math.sqrt(half) + 60
    lowest = start + max(0.0, math.floor(min(half, shape) - spread - start))
    highest = min(shape - 1, start + math.ceil(half + spread))
    if highest < lowest:
        return min(1.0, base) if lowest == start else 1.0
    terms = np.exp(_log_poisson(np.arange(lowest, highest + 0.5), half))
    return min(1.0, (base if lowest == start else 0.0) + float(terms.sum()))


_NO_NONCENTRALITY = 1e-200  # below it the central tail is exact, and logarithms would fail


def ncx2_sf(x: float, df: int, ncp: float) -> float:
    """Return the probability that a noncentral chi-square variable exceeds `x`; `ncp` is its noncentrality.

    >>> round(ncx2_sf(10.0, 4, 0.0), 12) == round(chi2_sf(10.0, 4), 12)
    True
    >>> round(ncx2_sf(10.0, 4, 3.0), 6)
    0.216237
    """
    if ncp < _NO_NONCENTRALITY:
        return chi2_sf(x, df)
    if x <= 0:
        return 1.0
    if _log_chernoff(x, df, ncp) < _SMALLEST_LOG:
        return 0.0
    mean = ncp / 2
    # A mixture of central tails with Poisson weights; far out, their product peaks at sqrt(ncp x) / 2.
    peaks = (mean, max(mean, math.sqrt(ncp * x) / 2))
    low = max(0, math.floor(peaks[0] - 12 * math.sqrt(peaks[0]) - 20))
    high = math.ceil(peaks[1] + 12 * math.sqrt(peaks[1]) + 60)
    weights = np.exp(_log_poisson(np.arange(low, high + 1, dtype=np.float64), mean))
    steps = np.exp(_log_poisson(df / 2 + np.arange(low, high, dtype=np.float64), x / 2))
    tails = chi2_sf(x, df + 2 * low) + np.concatenate(([0.0], np.cumsum(steps)))
    return min(1.0, float(weights @ tails))


def t_quantile(level: float, df: int) -> float:
    """Return the quantile of Student's t distribution at a level of 0.5 or more.

    >>> round(t_quantile(0.975, 10), 6)
    2.228139
    """
    low, high = 0.0, 1.0
    while t_cdf(high, df) < level:
        low, high = high, high * 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if t_cdf(middle, df) < level else (low, middle)
    return (low + high) / 2


def t_cdf(t: float, df: int) -> float:
    """Return the cumulative probability of Student's t distribution, a finite trigonometric series.

    >>> round(t_cdf(2.228139, 10), 6), round(t_cdf(-2.228139, 10), 6)
    (0.975, 0.025)
    """
    if t < 0:
        return 1 - t_cdf(-t, df)
    angle = math.atan2(t, math.sqrt(df))
    sine, squared = math.sin(angle), math.cos(angle) ** 2
    odd = df % 2 == 1
    term = math.cos(angle) if odd else 1.0
    total = term if df > 1 else 0.0
    for k in range(3 if odd else 2, df - 1, 2):
        term *= squared * (k - 1) / k
        total += term
    between = 2 / math.pi * (angle + sine * total) if odd else sine * total
    return 0.5 + between / 2


def _log_chernoff(x: float, df: int, ncp: float) -> float:
    """Return an upper bound of the logarithm of the tail."""
    if x <= df + ncp:
        return 0.0
    v = (df + math.sqrt(df * df + 4 * x * ncp)) / (2 * x)
    t = (1 - v) / 2
    return ncp * t / v - df / 2 * math.log(v) - t * x


def _log_poisson(k: Floats, mean: float) -> Floats:
    """Return log(mean^k exp(-mean) / Gamma(k + 1)) for values of k that rise by one."""
    steps = np.log(mean / k[1:])
    return _log_poisson_at(float(k[0]), mean) + np.concatenate(([0.0], np.cumsum(steps)))


def _log_poisson_at(k: float, mean: float) -> float:
    """Return one such logarithm by Loader's saddle point, which does not cancel."""
    if k < 16:
        return k * math.log(mean) - mean - math.lgamma(k + 1)
    square = 1 / (k * k)
    tail = 1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188))
    stirling = (1 / 12 - square * tail) / k
    return -stirling - _deviance(k, mean) - _HALF_LOG_TWO_PI - 0.5 * math.log(k)


def _deviance(k: float, mean: float) -> float:
    """Return k log(k / mean) + mean - k without cancellation near k = mean."""
    distance = k - mean
    ratio = distance / (k + mean)
    if abs(ratio) >= 0.1:
        return k * math.log(k / mean) - distance
    # 2 k atanh(ratio) - distance, by the series of atanh: its first term is taken together with the distance.
    square, power, series = ratio * ratio, ratio, 0.0
    for odd in range(3, 27, 2):
        power *= square
        series += power / odd
    return distance * ratio + 2 * k * series
