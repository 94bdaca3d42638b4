"""How much a feature moves by itself from window to window, learned from slices of the baseline.

A slice is compared with all others, test by test. A test's statistic is a chi-square plus rows times what the
slice really moved; what is more than chance explains is the wobble. A window is then judged against chance at
its own number of rows plus that wobble, with the uncertainty of a wobble known from a few slices only.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trimtab.drift.components import (
    FINE_GROUPS,
    Component,
    components_of,
    missing_component,
)
from trimtab.drift.histograms import equal_mass_groups, regroup, side_by_side
from trimtab.profile import Counts, NumericCounts
from trimtab.profile.keys import Floats

# A standard normal variable in steps, by which the uncertainty is averaged over.
_NORMAL = np.linspace(-4.5, 4.5, 37)
_DENSITY = np.exp(-(_NORMAL**2) / 2) / np.exp(-(_NORMAL**2) / 2).sum()
_LEAST = 0.1  # of the statistic that chance alone gives on average


@dataclass(frozen=True, slots=True)
class Wobble:
    """What slices showed in one test: their mean effect (below zero where chance is enough) and rows."""

    mean_effect: float
    rows: float  # effective rows of a slice against the others
    slices: int  # one more than are free to move

    @property
    def effect(self) -> float:
        """Return the squared shift that is usual between windows."""
        return max(0.0, self.mean_effect)

    def p_value(self, component: Component) -> float:
        """Return how likely so large a statistic is in a window that wobbles as the slices did.

        The wobble is taken as normal along one direction: the worst case, for its tail is the heaviest.
        """
        df = component.df
        mean = max(df + self.rows * self.mean_effect, _LEAST * df)
        # One slice less than there are is free: each is compared with the others, so their moves sum to zero.
        freedom = (self.slices - 1) * _freedom(mean - df, df)
        # Given what the slices showed, the true mean of their statistic is `mean * freedom / chi-square`.
        possible = mean / _chi2_over_df(_NORMAL, freedom)
        extra = component.rows / self.rows * np.maximum(0.0, possible - df)
        # Far out that direction is alone: a chi-square of one degree, on top of what is usual in the others.
        alone = max(0.0, component.statistic - (df - 1)) / (1 + extra)
        tails = np.array([math.erfc(math.sqrt(value / 2)) for value in alone.tolist()])
        if df > 1:
            # Wilson and Hilferty: the cube root of a chi-square over its degrees is nearly normal.
            spread = 2 / (9 * _freedom(extra, df))
            z = (np.cbrt(component.statistic / (df + extra)) - (1 - spread)) / np.sqrt(spread)
            body = np.array([math.erfc(value / math.sqrt(2)) / 2 for value in z.tolist()])
            tails = np.maximum(body, tails) if component.statistic > df else body
        return min(1.0, float(tails @ _DENSITY))


def learn_wobble(
    kind: str, slices: Sequence[Counts], minimum_rows: int, seasons: Sequence[str] = ()
) -> Mapping[str, Wobble]:
    """Learn one feature's wobble by test; slices of too few rows teach nothing.

    Where `seasons` names that of each slice, a slice is compared with the others of its own.
    """
    found: dict[str, list[tuple[float, float]]] = {}
    alike = _alike(slices, minimum_rows, seasons)
    for useful in alike:
        _compare_each(kind, useful, found)
    learned = {}
    for name, effects in found.items():
        # A slice without a test, such as one in which no value is missing, did not move.
        total = math.fsum(rows for _, rows in effects)
        mean = math.fsum(effect * rows for effect, rows in effects) / total
        # The moves sum to zero within each season, so each season has one slice that is not free.
        free = max(1, len(effects) - len(alike))
        learned[name] = Wobble(mean, total / len(effects), free + 1)
    return learned


def _alike(slices: Sequence[Counts], minimum_rows: int, seasons: Sequence[str]) -> list[list[Counts]]:
    """Group the slices of enough rows by season; a season of one slice has nothing to compare it with."""
    groups: dict[str, list[Counts]] = {}
    for part, season in zip(slices, seasons or [""] * len(slices), strict=True):
        if part.present >= minimum_rows:
            groups.setdefault(season, []).append(part)
    return [group for group in groups.values() if len(group) > 1]


def _compare_each(kind: str, useful: list[Counts], found: dict[str, list[tuple[float, float]]]) -> None:
    """Compare each slice with all others, and file the effects and rows of the tests by their names."""
    table = side_by_side(useful)
    if isinstance(useful[0], NumericCounts):
        table = _coarser(table)
    everything = table.sum(axis=0)
    rows, missing = sum(part.rows for part in useful), sum(part.missing for part in useful)
    for part, counts in zip(useful, table, strict=True):
        components = components_of(kind, everything - counts, counts)
        others = (missing - part.missing, rows - part.rows)
        components += missing_component(others, (part.missing, part.rows))
        for component in components:
            found.setdefault(component.name, []).append((component.effect, component.rows))


def _coarser(table: Floats) -> Floats:
    """Regroup cells to quantiles of all slices together, many for the tests and few for their time."""
    pooled = table.sum(axis=0)
    groups = equal_mass_groups(pooled / pooled.sum(), 4 * FINE_GROUPS)
    return np.array([regroup(groups, counts) for counts in table])


def _freedom[T: (float, Floats)](extra: T, df: int) -> T:
    """Return the degrees of freedom of a scaled chi-square like one of `df` with `extra` in one direction."""
    extra = np.maximum(0.0, extra)
    freedom: T = (df + extra) ** 2 / ((1 + extra) ** 2 + df - 1)
    return freedom


def _chi2_over_df(z: Floats, df: float) -> Floats:
    spread = 2 / (9 * df)
    quantiles: Floats = np.maximum(1 - spread + z * math.sqrt(spread), 0.05) ** 3
    return quantiles
