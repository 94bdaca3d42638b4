"""Drift that no single column shows, from the second moments of profiles: no raw row is needed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trimtab.drift.distributions import t_quantile
from trimtab.profile.keys import Floats
from trimtab.profile.second_moments import SecondMoments

EXPLAINED = 0.65  # of the variance, by the components that are kept
_LEVEL = 0.99
_SMALLEST = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Multivariate:
    """How the numeric columns move together, then and now.

    `reconstruction` is the share of the variance that the baseline's main components leave unexplained, over
    the baseline's own; `limit` what one more slice of the baseline would stay under, None without slices.
    `correlation_change` is the largest change of a correlation, between the columns of `pair`, and
    `correlation_limit` likewise. They inform; the verdict does not depend on them.
    """

    components: int
    reconstruction: float
    limit: float | None
    correlation_change: float
    correlation_limit: float | None
    pair: tuple[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as JSON-able data."""
        return {
            "components": self.components,
            "reconstruction": self.reconstruction,
            "reconstruction_limit": self.limit,
            "correlation_change": self.correlation_change,
            "correlation_limit": self.correlation_limit,
            "pair": list(self.pair),
        }


def compare_moments(
    baseline: SecondMoments | None,
    current: SecondMoments | None,
    slices: Sequence[SecondMoments],
    minimum_slices: int,
) -> Multivariate | None:
    """Compare second moments; None where one side has none, or fewer than two columns vary."""
    if baseline is None or current is None or baseline.rows < 2 or current.rows < 2:
        return None
    varying = np.flatnonzero(np.diag(baseline.covariances) > _SMALLEST)
    if len(varying) < 2:
        return None
    main = _main_components(_standardised(baseline, baseline, varying))
    own = _unexplained(main, _standardised(baseline, baseline, varying))
    errors = [_unexplained(main, _standardised(baseline, part, varying)) / own for part in slices]
    changes = [_largest_change(baseline, part, varying)[0] for part in slices]
    change, first, second = _largest_change(baseline, current, varying)
    enough = len(slices) >= max(2, minimum_slices)
    return Multivariate(
        components=main.shape[1],
        reconstruction=_unexplained(main, _standardised(baseline, current, varying)) / own,
        limit=_prediction_limit(errors) if enough else None,
        correlation_change=change,
        correlation_limit=_prediction_limit(changes) if enough else None,
        pair=(baseline.names[first], baseline.names[second]),
    )


def _standardised(baseline: SecondMoments, moments: SecondMoments, varying: Any) -> Floats:
    """Return mean squares and products around the baseline's means, in the baseline's standard deviations."""
    apart = (moments.means - baseline.means)[varying]
    deviations = np.sqrt(np.diag(baseline.covariances)[varying])
    squares = moments.covariances[np.ix_(varying, varying)] + np.outer(apart, apart)
    result: Floats = squares / np.outer(deviations, deviations)
    return result


def _main_components(correlations: Floats) -> Floats:
    values, vectors = np.linalg.eigh(correlations)
    explained = np.cumsum(values[::-1]) / values.sum()
    # One component at least is left out, or there would be no error to speak of.
    kept = min(int(np.searchsorted(explained, EXPLAINED)) + 1, len(values) - 1)
    main: Floats = vectors[:, ::-1][:, :kept]
    return main


def _unexplained(main: Floats, squares: Floats) -> float:
    return max(_SMALLEST, float(np.trace(squares) - np.trace(main.T @ squares @ main)))


def _largest_change(baseline: SecondMoments, other: SecondMoments, varying: Any) -> tuple[float, int, int]:
    apart = np.abs(_correlations(other, varying) - _correlations(baseline, varying))
    first, second = np.unravel_index(int(np.argmax(apart)), apart.shape)
    return float(apart[first, second]), int(varying[first]), int(varying[second])


def _correlations(moments: SecondMoments, varying: Any) -> Floats:
    covariances = moments.covariances[np.ix_(varying, varying)]
    deviations = np.sqrt(np.maximum(np.diag(covariances), _SMALLEST))
    correlations: Floats = covariances / np.outer(deviations, deviations)
    np.fill_diagonal(correlations, 1.0)
    return correlations


def _prediction_limit(values: Sequence[float]) -> float:
    array = np.array(values)
    reach = t_quantile(_LEVEL, len(array) - 1) * np.sqrt(1 + 1 / len(array))
    return float(array.mean() + reach * array.std(ddof=1))
