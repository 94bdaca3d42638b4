"""Compare a window with a baseline: test every feature, correct for their number, weigh, judge."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from trimtab.drift import effects
from trimtab.drift.baseline import Baseline
from trimtab.drift.components import Component, combined, missing_component
from trimtab.drift.histograms import side_by_side
from trimtab.drift.report import Feature, Reason, Report, Verdict
from trimtab.drift.settings import Settings
from trimtab.drift.tolerance import Tolerance, components_of, learn_tolerance
from trimtab.errors import Conflict
from trimtab.profile import CategoricalCounts, Counts, NumericCounts, Profile

_POWER = 0.8  # of noticing a shift of `detectable_shift`
_ROUNDING = 1e-9  # weights are sums of floats: 0.25 must reach 0.25


@dataclass(frozen=True, slots=True)
class _Examined:
    """A feature before its p-value is corrected for the number of features."""

    name: str
    kind: str
    weight: float
    reason: Reason | None
    tolerance: Tolerance
    components: Sequence[Component] | None  # None if nothing could be tested
    effects: Mapping[str, float | None]

    @property
    def p_value(self) -> float | None:
        if self.components is None:
            return None
        if not self.components:  # one and the same value everywhere
            return 1.0
        return combined(part.p_value(self.tolerance.of(part.name)) for part in self.components)

    @property
    def loudest(self) -> Component | None:
        """Return the test that is least explained by chance and tolerance."""
        return min(
            self.components or (),
            key=lambda part: (part.p_value(self.tolerance.of(part.name)), -part.effect),
            default=None,
        )


def compare(baseline: Baseline | None, current: Profile, settings: Settings | None = None) -> Report:
    """Judge a window's profile against a baseline.

    A feature has drifted when its q-value is at most alpha and its effect exceeds its tolerance; the model
    has when such features carry `min_weight`. Without a baseline the verdict is undetermined: NO_BASELINE.
    Raises Conflict when profile and baseline lie on unequal grids.
    """
    settings = settings or Settings()
    columns = current.grid.columns
    if baseline is None:
        baseline = Baseline(Profile.empty(current.grid))
    if baseline.profile.grid.id != current.grid.id:
        raise Conflict(
            f"window and baseline lie on unequal grids, {current.grid.id[:12]} and "
            f"{baseline.profile.grid.id[:12]}; profile both on the project's grid"
        )
    examined = [_examine(name, columns[name].kind, baseline, current, settings) for name in sorted(columns)]
    features = _judge(examined, settings)
    drifted = math.fsum(feature.weight for feature in features if feature.verdict == "drifted")
    unknown = math.fsum(feature.weight for feature in features if feature.verdict == "undetermined")
    verdict: Verdict = "stable"
    if drifted >= settings.min_weight - _ROUNDING:
        verdict = "drifted"
    elif unknown > settings.max_undetermined_weight + _ROUNDING:
        verdict = "undetermined"
    judged = [feature for feature in features if feature.verdict != "undetermined"]
    return Report(
        verdict=verdict,
        reason=_main_reason(features) if verdict == "undetermined" else None,
        baseline_rows=baseline.profile.rows,
        current_rows=current.rows,
        weight=drifted,
        undetermined_weight=unknown,
        alpha=settings.alpha,
        calibrated=bool(judged) and all(feature.calibrated for feature in judged),
        grid=current.grid.id,
        features=features,
    )


def corrected(p_values: Sequence[float]) -> list[float]:
    """Return q-values by Benjamini and Hochberg: the false discovery rate at which each would be a discovery.

    >>> corrected([0.01, 0.04, 0.03])
    [0.03, 0.04, 0.04]
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    q_values = [1.0] * len(p_values)
    smallest = 1.0
    for rank in range(len(order), 0, -1):
        i = order[rank - 1]
        smallest = min(smallest, p_values[i] * len(order) / rank)
        q_values[i] = smallest
    return q_values


def _examine(name: str, kind: str, baseline: Baseline, current: Profile, settings: Settings) -> _Examined:
    first, second = baseline.profile.columns[name], current.columns[name]
    reason = _reason(first, second, current.rows, settings.minimum_rows)
    tolerance = Tolerance(settings.tolerance, {}, calibrated=False)
    components: list[Component] | None = None
    if min(first.rows, second.rows) >= settings.minimum_rows and reason != Reason.ALL_NULL:
        tolerance = learn_tolerance(kind, [part.columns[name] for part in baseline.slices], settings)
        components = missing_component((first.missing, first.rows), (second.missing, second.rows))
        if reason is None:
            components += components_of(kind, *side_by_side([first, second]))
    sizes = _effects(first, second)
    return _Examined(name, kind, baseline.shares[name], reason, tolerance, components, sizes)


def _reason(baseline: Counts, current: Counts, window_rows: int, minimum_rows: int) -> Reason | None:
    """Tell why the values of a feature cannot be compared, if they cannot: the first reason that holds."""
    reasons = {
        Reason.NO_BASELINE: not baseline.rows,
        Reason.ABSENT: not current.rows and window_rows > 0,
        Reason.TOO_FEW_ROWS: min(baseline.rows, current.rows) < minimum_rows,
        Reason.ALL_NULL: not baseline.present or not current.present,
        Reason.HIGH_CARDINALITY: _is_overflowed(baseline) or _is_overflowed(current),
        Reason.TOO_FEW_VALUES: min(baseline.present, current.present) < minimum_rows,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _effects(baseline: Counts, current: Counts) -> dict[str, float | None]:
    names = ("psi", "js", "ks", "wasserstein", "missing", "missing_change", "unseen", "out_of_range")
    sizes: dict[str, float | None] = dict.fromkeys(names)
    if current.rows:
        sizes["missing"] = current.missing / current.rows
        if baseline.rows:
            sizes["missing_change"] = current.missing / current.rows - baseline.missing / baseline.rows
    if not baseline.present or not current.present or _is_overflowed(baseline) or _is_overflowed(current):
        return sizes
    first, second = side_by_side([baseline, current])
    if isinstance(baseline, NumericCounts) and isinstance(current, NumericCounts):
        bins = effects.numeric_bins(first, second)
        sizes["ks"] = effects.ks(first, second)
        sizes["wasserstein"] = effects.wasserstein(baseline, current)
        sizes["out_of_range"] = effects.out_of_range(first, second)
    else:
        bins = effects.category_bins(first, second)
        sizes["unseen"] = effects.unseen(first, second)
    return sizes | {"psi": effects.psi(*bins), "js": effects.js_distance(*bins)}


def _judge(examined: Sequence[_Examined], settings: Settings) -> tuple[Feature, ...]:
    p_values = {item.name: item.p_value for item in examined}
    tested = {name: p for name, p in p_values.items() if p is not None}
    q_values = dict(zip(tested, corrected(list(tested.values())), strict=True))
    features = [_feature(item, q_values.get(item.name), len(tested), settings) for item in examined]
    order = {"drifted": 0, "undetermined": 1, "stable": 2}
    return tuple(sorted(features, key=lambda part: (order[part.verdict], _lack(part), part.name)))


def _feature(item: _Examined, q_value: float | None, tested: int, settings: Settings) -> Feature:
    loudest = item.loudest
    effect = max(0.0, loudest.effect) if loudest else None
    tolerance = item.tolerance.of(loudest.name) if loudest else None
    found = q_value is not None and q_value <= settings.alpha
    verdict: Verdict = "undetermined" if item.reason else "stable"
    # Too many nulls are drift, whether or not enough values are left to compare.
    if found and effect is not None and tolerance is not None and effect > tolerance:
        verdict = "drifted"
    return Feature(
        name=item.name,
        kind=item.kind,
        verdict=verdict,
        reason=item.reason if verdict == "undetermined" else None,
        weight=item.weight,
        q_value=q_value,
        component=loudest.name if loudest else None,
        effect=effect,
        tolerance=tolerance,
        calibrated=item.tolerance.calibrated,
        detectable_shift=_detectable_shift(item, tested, settings.alpha),
        effects=item.effects,
    )


def _detectable_shift(item: _Examined, tested: int, alpha: float) -> float | None:
    location = next((part for part in item.components or () if part.name == "location"), None)
    if location is None:
        return None
    normal = NormalDist()
    reach = normal.inv_cdf(1 - alpha / tested / 2) + normal.inv_cdf(_POWER)
    return math.sqrt(item.tolerance.of("location")) + reach / math.sqrt(location.rows)


def _lack(feature: Feature) -> float:
    """Return how far a feature's effect lies under its tolerance; negative where it is over."""
    return (feature.tolerance or 0.0) - (feature.effect or 0.0)


def _main_reason(features: Sequence[Feature]) -> Reason | None:
    weights: dict[Reason, float] = {}
    for feature in features:
        if feature.reason is not None:
            weights[feature.reason] = weights.get(feature.reason, 0.0) + feature.weight
    return max(weights, key=lambda reason: (weights[reason], reason), default=None)


def _is_overflowed(counts: Counts) -> bool:
    return isinstance(counts, CategoricalCounts) and counts.is_overflowed
