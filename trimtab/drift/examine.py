"""Examine one feature: what can be compared, which tests apply, and the sizes of the differences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trimtab.drift import effects
from trimtab.drift.components import Component, combined, components_of, missing_component
from trimtab.drift.distributions import chi2_sf
from trimtab.drift.histograms import side_by_side
from trimtab.drift.report import Reason
from trimtab.drift.wobble import Wobble
from trimtab.profile import CategoricalCounts, Counts, NumericCounts
from trimtab.profile.keys import HIGH_END, LOW_END, Floats

EFFECTS = (
    "psi", "js", "ks", "wasserstein", "hellinger", "l_infinity", "chi_square", "chi_square_p",
    "missing", "missing_change", "unseen", "out_of_range", "length_ks",
)  # fmt: skip
_COARSE = 0.02  # of the values, from which the ends of the grid hide too much
_IDENTIFIERS = 0.5  # distinct values per row, from which a column is a list of ids
_ROWS_TO_TELL, _NEARLY_ALL = 200, 0.95


@dataclass(frozen=True, slots=True)
class Tested:
    """One test of a feature, with the p-value that counts: the larger of two.

    The change must be more than what matters and more than the column does by itself.
    """

    component: Component
    p_value: float
    wobble: Wobble | None


@dataclass(frozen=True, slots=True)
class Examined:
    """A feature before its p-value is corrected for the number of features.

    `tested` is None if nothing could be, and empty if all values are one and the same.
    """

    name: str
    kind: str
    weight: float
    reason: Reason | None
    tolerance: float
    calibrated: bool
    tested: Sequence[Tested] | None
    effects: Mapping[str, float | None]

    @property
    def p_value(self) -> float | None:
        """Return the p-value of all tests together."""
        if self.tested is None:
            return None
        return combined(part.p_value for part in self.tested) if self.tested else 1.0

    @property
    def loudest(self) -> Tested | None:
        """Return the test that is least explained by chance, tolerance and wobble."""
        return min(self.tested or (), key=lambda part: (part.p_value, -part.component.effect), default=None)


def examine(
    name: str,
    kind: str,
    weight: float,
    baseline: Counts,
    current: Counts,
    *,
    window_rows: int,
    tolerance: float,
    minimum_rows: int,
    wobbles: Mapping[str, Wobble] | None,
    equivalent_rows: int | None = None,
) -> Examined:
    """Examine a feature; `wobbles` is None where there are too few slices to have learned from.

    `equivalent_rows` is how many rows the baseline's values are worth where they come from a sketch: its
    shares are tested as those of so many rows.
    """
    reason = _reason(baseline, current, window_rows, minimum_rows, equivalent_rows)
    counts = None
    if baseline.present and current.present:
        counts = side_by_side([baseline, current])
    sizes = _effects(kind, baseline, current, counts)
    tested: list[Tested] | None = None
    if min(baseline.rows, current.rows) >= minimum_rows and reason != Reason.ALL_NULL:
        components = missing_component((baseline.missing, baseline.rows), (current.missing, current.rows))
        if reason is None and counts is not None:
            first, second = counts
            if equivalent_rows is not None:
                first = first * (equivalent_rows / first.sum())
            components += components_of(kind, first, second)
        tested = [_tested(part, tolerance, wobbles) for part in components]
    return Examined(name, kind, weight, reason, tolerance, wobbles is not None, tested, sizes)


def looks_like_ids(distinct: int, present: int) -> bool:
    """Tell whether so many distinct values among some rows are ids: nearly every row has its own.

    >>> looks_like_ids(990, 1000), looks_like_ids(90, 100)
    (True, False)
    """
    return present >= _ROWS_TO_TELL and distinct > _NEARLY_ALL * present


def _tested(component: Component, tolerance: float, wobbles: Mapping[str, Wobble] | None) -> Tested:
    p_value = component.p_value(tolerance)
    wobble = wobbles.get(component.name) if wobbles else None
    if wobble is not None:
        p_value = max(p_value, wobble.p_value(component))
    return Tested(component, p_value, wobble)


def _reason(
    baseline: Counts, current: Counts, window_rows: int, minimum_rows: int, equivalent_rows: int | None
) -> Reason | None:
    """Tell why the values of a feature cannot be compared, if they cannot: the first reason that holds."""
    reasons = {
        Reason.NO_BASELINE: not baseline.rows,
        Reason.ABSENT: not current.rows and window_rows > 0,
        Reason.TOO_FEW_ROWS: min(baseline.rows, current.rows) < minimum_rows,
        Reason.ALL_NULL: not baseline.present or not current.present,
        Reason.HIGH_CARDINALITY: _is_identifier(baseline) or _is_identifier(current),
        Reason.OFF_GRID: min(_off_grid(baseline), _off_grid(current)) > _COARSE,
        Reason.COARSE_BASELINE: equivalent_rows is not None and equivalent_rows < minimum_rows,
        Reason.TOO_FEW_VALUES: min(baseline.present, current.present) < minimum_rows,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _is_identifier(counts: Counts) -> bool:
    """Tell whether a column has too many categories to name, and most of them once: ids always drift."""
    if not isinstance(counts, CategoricalCounts) or not counts.is_overflowed:
        return False
    return counts.distinct > _IDENTIFIERS * counts.present


def _off_grid(counts: Counts) -> float:
    """Return the share of values beyond the ends of the grid, where all of them are one cell."""
    if not isinstance(counts, NumericCounts) or not counts.present:
        return 0.0
    cells, rows, _ = counts.sums
    return float(rows[(cells == LOW_END) | (cells == HIGH_END)].sum()) / counts.present


def _effects(kind: str, baseline: Counts, current: Counts, counts: Floats | None) -> dict[str, float | None]:
    sizes: dict[str, float | None] = dict.fromkeys(EFFECTS)
    if current.rows:
        sizes["missing"] = current.missing / current.rows
        if baseline.rows:
            sizes["missing_change"] = current.missing / current.rows - baseline.missing / baseline.rows
    if counts is None:
        return sizes
    first, second = counts
    if isinstance(baseline, NumericCounts) and isinstance(current, NumericCounts):
        bins = effects.numeric_bins(first, second)
        sizes["ks"] = effects.ks(first, second)
        sizes["wasserstein"] = effects.wasserstein(baseline, current)
        sizes["out_of_range"] = effects.out_of_range(first, second)
    elif kind == "timestamp":
        bins = first.reshape(7, 24).sum(axis=0), second.reshape(7, 24).sum(axis=0)
    else:
        bins = effects.category_bins(first, second)
        sizes["length_ks"] = _of_lengths(baseline, current)
        if not (_is_hashed(baseline) or _is_hashed(current)):
            sizes["unseen"] = effects.unseen(first, second)
    statistic, df = effects.chi_square(*bins)
    return sizes | {
        "psi": effects.psi(*bins),
        "js": effects.js_distance(*bins),
        "hellinger": effects.hellinger(*bins),
        "l_infinity": effects.l_infinity(*bins),
        "chi_square": statistic,
        "chi_square_p": chi2_sf(statistic, df) if df else 1.0,
    }


def _of_lengths(baseline: Counts, current: Counts) -> float | None:
    if not isinstance(baseline, CategoricalCounts) or not isinstance(current, CategoricalCounts):
        return None
    return effects.ks(baseline.lengths.astype(np.float64), current.lengths.astype(np.float64))


def _is_hashed(counts: Counts) -> bool:
    return isinstance(counts, CategoricalCounts) and counts.is_overflowed
