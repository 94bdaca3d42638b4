"""Distributions of a feature then and now, coarse enough to draw, from the profiles that were compared."""

from typing import Any, cast

import numpy as np

from trimtab.profile import CategoricalCounts, NumericColumn, NumericCounts, Profile, TimestampCounts
from trimtab.profile.keys import Floats, mean_offsets

BINS = 24
CATEGORIES = 8
_TAIL = 0.005  # of the pooled rows, gathered in the outermost bins at either end


def picture(baseline: Profile, current: Profile, name: str) -> dict[str, Any] | None:
    """Return the shares of rows per bin or category, then and now; None where one side has no value.

    Nothing is judged by it: the bins are equally wide, for the eye.
    """
    then, now = baseline.columns[name], current.columns[name]
    column = baseline.grid.columns[name]
    if isinstance(column, NumericColumn):
        return _numeric(column, cast(NumericCounts, then), cast(NumericCounts, now))
    if isinstance(then, TimestampCounts):
        return _hours(then, cast(TimestampCounts, now))
    return _categorical(cast(CategoricalCounts, then), cast(CategoricalCounts, now))


def _numeric(column: NumericColumn, then: NumericCounts, now: NumericCounts) -> dict[str, Any] | None:
    if not len(then.sums.cells) or not len(now.sums.cells):
        return None
    values, masses = zip(_values(column, then), _values(column, now), strict=True)
    shares = [counts / counts.sum() for counts in masses]
    low, high = _range(np.concatenate(values), np.concatenate(shares))
    step = (high - low) / BINS or 1.0
    drawn = []
    for places, weights in zip(values, shares, strict=True):
        bins = np.clip(((places - low) / step).astype(np.int64), 0, BINS - 1)
        drawn.append(np.bincount(bins, weights=weights, minlength=BINS))
    return {
        "kind": "numeric",
        "low": low,
        "high": high,
        "baseline": _rounded(drawn[0]),
        "current": _rounded(drawn[1]),
    }


def _values(column: NumericColumn, counts: NumericCounts) -> tuple[Floats, Floats]:
    values = mean_offsets(counts.sums) * column.scale + float(column.center)
    return values, counts.sums.counts.astype(np.float64)


def _range(values: Floats, masses: Floats) -> tuple[float, float]:
    order = np.argsort(values, kind="stable")
    below = np.cumsum(masses[order]) / masses.sum()
    first = int(np.searchsorted(below, _TAIL))
    last = min(int(np.searchsorted(below, 1 - _TAIL)), len(order) - 1)
    return float(values[order[first]]), float(values[order[last]])


def _categorical(then: CategoricalCounts, now: CategoricalCounts) -> dict[str, Any] | None:
    before, after = sum(then.categories.values()), sum(now.categories.values())
    if not before or not after or then.other or now.other:
        return None
    shares = {
        name: (then.categories.get(name, 0) / before, now.categories.get(name, 0) / after)
        for name in {*then.categories, *now.categories}
    }
    # What changed most is drawn first; the rest is one bar, so that nothing is left out of the whole.
    order = sorted(shares, key=lambda name: (-abs(shares[name][0] - shares[name][1]), name))
    shown, rest = order[:CATEGORIES], order[CATEGORIES:]
    return {
        "kind": "categorical",
        "names": shown,
        "baseline": _rounded(shares[name][0] for name in shown),
        "current": _rounded(shares[name][1] for name in shown),
        "rest": {
            "categories": len(rest),
            "baseline": _sum(shares, rest, 0),
            "current": _sum(shares, rest, 1),
        },
    }


def _hours(then: TimestampCounts, now: TimestampCounts) -> dict[str, Any] | None:
    if not then.present or not now.present:
        return None
    by_hour = [counts.hours.reshape(7, 24).sum(axis=0) / counts.present for counts in (then, now)]
    ends = {"kind": "numeric", "low": 0.0, "high": 24.0}
    return ends | {"baseline": _rounded(by_hour[0]), "current": _rounded(by_hour[1])}


def _sum(shares: dict[str, tuple[float, float]], names: list[str], side: int) -> float:
    return round(sum(shares[name][side] for name in sorted(names)), 6)


def _rounded(shares: Any) -> list[float]:
    return [round(float(share), 6) for share in shares]
