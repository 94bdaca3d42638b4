"""How much a feature wobbles while nothing is wrong, learned from slices of the baseline."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trimtab.drift.components import (
    FINE_GROUPS,
    Component,
    categorical_components,
    missing_component,
    numeric_components,
)
from trimtab.drift.distributions import t_quantile
from trimtab.drift.histograms import equal_mass_groups, regroup, side_by_side
from trimtab.drift.settings import Settings
from trimtab.profile import CategoricalCounts, Counts
from trimtab.profile.keys import Floats


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The effects up to which a feature counts as stable, per test; `calibrated` if learned from slices."""

    default: float
    learned: Mapping[str, float]
    calibrated: bool

    def of(self, component: str) -> float:
        """Return the tolerance of one test."""
        return max(self.default, self.learned.get(component, 0.0))


def components_of(kind: str, baseline: Floats, current: Floats) -> list[Component]:
    """Test the values of a feature, as counts side by side."""
    return (
        numeric_components(baseline, current)
        if kind == "numeric"
        else categorical_components(baseline, current)
    )


def learn_tolerance(kind: str, slices: Sequence[Counts], settings: Settings) -> Tolerance:
    """Learn one feature's tolerance: the effect that one more slice stays under, each against all others.

    The shift of a slice is taken as normal with a spread estimated from the slices, so the limit for one more
    is that of Student's t at `prediction_level`. Slices of too few rows teach nothing; with fewer than
    `minimum_slices` useful ones the default holds and the result is not calibrated.
    """
    useful = [part for part in slices if part.present >= settings.minimum_rows and not _is_overflowed(part)]
    if len(useful) < settings.minimum_slices:
        return Tolerance(settings.tolerance, {}, calibrated=False)
    table = side_by_side(useful)
    if kind == "numeric":
        table = _coarser(table)
    everything = table.sum(axis=0)
    rows, missing = sum(part.rows for part in useful), sum(part.missing for part in useful)
    effects: dict[str, list[float]] = {}
    for part, counts in zip(useful, table, strict=True):
        others = (missing - part.missing, rows - part.rows)
        found = components_of(kind, everything - counts, counts)
        for component in [*found, *missing_component(others, (part.missing, part.rows))]:
            effects.setdefault(component.name, []).append(component.effect)
    reach = t_quantile((1 + settings.prediction_level) / 2, len(useful)) ** 2
    learned = {name: max(0.0, math.fsum(found) / len(useful)) * reach for name, found in effects.items()}
    return Tolerance(settings.tolerance, learned, calibrated=True)


def _coarser(table: Floats) -> Floats:
    """Regroup cells to quantiles of all slices together, many for the tests and few for their time."""
    pooled = table.sum(axis=0)
    groups = equal_mass_groups(pooled / pooled.sum(), 4 * FINE_GROUPS)
    return np.array([regroup(groups, counts) for counts in table])


def _is_overflowed(counts: Counts) -> bool:
    return isinstance(counts, CategoricalCounts) and counts.is_overflowed
