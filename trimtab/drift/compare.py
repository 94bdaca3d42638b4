"""Compare a window with a baseline: test every feature, correct for their number, weigh, judge."""

import math
from collections.abc import Mapping, Sequence

from trimtab.drift.baseline import Baseline
from trimtab.drift.examine import Examined, examine
from trimtab.drift.multivariate import compare_moments
from trimtab.drift.report import Feature, Reason, Report, Verdict
from trimtab.drift.settings import Settings, noticeable
from trimtab.errors import BadInput, Conflict
from trimtab.profile import Profile

_ROUNDING = 1e-9  # weights are sums of floats: 0.25 must reach 0.25


def compare(
    baseline: Baseline | None,
    current: Profile,
    settings: Settings | None = None,
    *,
    season: str | None = None,
) -> Report:
    """Judge a window's profile against a baseline, or against its slices of the same season if one is named.

    A feature has drifted when its q-value is at most alpha and its effect exceeds its tolerance; the model
    has when such features carry `min_weight`. Without a baseline the verdict is undetermined: NO_BASELINE.
    Raises Conflict when profile and baseline lie on unequal grids.
    """
    settings = settings or Settings()
    if baseline is None:
        baseline = Baseline(Profile.empty(current.grid))
    if baseline.profile.grid.id != current.grid.id:
        raise Conflict(
            f"window and baseline lie on unequal grids, {current.grid.id[:12]} and "
            f"{baseline.profile.grid.id[:12]}; profile both on the project's grid"
        )
    if season is not None:
        baseline = baseline.of_season(season)
    features = _judge(_examine(baseline, current, settings), settings)
    drifted = math.fsum(feature.weight for feature in features if feature.verdict == "drifted")
    unknown = math.fsum(feature.weight for feature in features if feature.verdict == "undetermined")
    verdict: Verdict = "stable"
    if drifted >= settings.min_weight - _ROUNDING:
        verdict = "drifted"
    elif unknown > settings.max_undetermined_weight + _ROUNDING:
        verdict = "undetermined"
    judged = [feature for feature in features if feature.verdict != "undetermined"]
    moments = [part.moments for part in baseline.slices if part.moments is not None]
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
        multivariate=compare_moments(
            baseline.profile.moments, current.moments, moments, settings.minimum_slices
        ),
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


def _examine(baseline: Baseline, current: Profile, settings: Settings) -> list[Examined]:
    columns = current.grid.columns
    unknown = sorted(set(settings.columns) - set(columns))
    if unknown:
        raise BadInput(f"settings name column {unknown[0]!r}, which is not profiled; correct or remove it")
    ignored = {name for name, override in settings.columns.items() if override.ignore}
    shares = _shares(baseline.shares, settings, ignored)
    return [
        examine(
            name,
            columns[name].kind,
            shares[name],
            baseline.profile.columns[name],
            current.columns[name],
            window_rows=current.rows,
            tolerance=settings.tolerance_of(name),
            minimum_rows=settings.minimum_rows,
            wobbles=baseline.wobbles(name, settings.minimum_rows, settings.minimum_slices),
            equivalent_rows=baseline.equivalent_rows.get(name),
        )
        for name in sorted(shares)
    ]


def _shares(shares: Mapping[str, float], settings: Settings, ignored: set[str]) -> dict[str, float]:
    weights = {}
    for name, share in shares.items():
        if name not in ignored:
            override = settings.columns.get(name)
            weights[name] = share if override is None or override.weight is None else override.weight
    total = math.fsum(weights.values())
    if not total > 0:
        return {name: 1 / len(weights) for name in weights}
    return {name: weight / total for name, weight in weights.items()}


def _judge(examined: Sequence[Examined], settings: Settings) -> tuple[Feature, ...]:
    p_values = {item.name: item.p_value for item in examined}
    tested = {name: p for name, p in p_values.items() if p is not None}
    q_values = dict(zip(tested, corrected(list(tested.values())), strict=True))
    features = [_feature(item, q_values.get(item.name), len(tested), settings) for item in examined]
    order = {"drifted": 0, "undetermined": 1, "stable": 2}
    return tuple(sorted(features, key=lambda part: (order[part.verdict], -_matter(part), part.name)))


def _feature(item: Examined, q_value: float | None, tested: int, settings: Settings) -> Feature:
    loudest = item.loudest
    effect = tolerance = usual = None
    if loudest is not None:
        effect = max(0.0, loudest.component.effect)
        usual = loudest.wobble.effect if loudest.wobble else 0.0
        tolerance = max(item.tolerance, usual)
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
        component=loudest.component.name if loudest else None,
        effect=effect,
        tolerance=tolerance,
        calibrated=item.calibrated,
        detectable_shift=_detectable_shift(item, tested, settings.alpha),
        effects=item.effects,
    )


def _detectable_shift(item: Examined, tested: int, alpha: float) -> float | None:
    location = next((part for part in item.tested or () if part.component.name == "location"), None)
    if location is None:
        return None
    reach = noticeable(alpha, tested)
    chance = 1 / location.component.rows
    beyond_tolerance = math.sqrt(item.tolerance) + reach * math.sqrt(chance)
    usual = location.wobble.effect if location.wobble else 0.0
    return max(beyond_tolerance, reach * math.sqrt(chance + usual))


def _matter(feature: Feature) -> float:
    """Return how much a change matters: the feature's weight times what its effect is over its tolerance."""
    over = (feature.effect or 0.0) - (feature.tolerance or 0.0)
    return feature.weight * over if over > 0 else over


def _main_reason(features: Sequence[Feature]) -> Reason | None:
    weights: dict[Reason, float] = {}
    for feature in features:
        if feature.reason is not None:
            weights[feature.reason] = weights.get(feature.reason, 0.0) + feature.weight
    return max(weights, key=lambda reason: (weights[reason], reason), default=None)
