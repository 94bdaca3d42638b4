"""How a model did in a window whose labels are known, and whether that is worse than was expected."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trimtab.performance.bootstrap import day_block_bootstrap
from trimtab.performance.measures import brier, brier_skill, labels_and_scores, roc_auc


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """Measures of one window; None for each that its rows do not allow.

    `auc_low` and `auc_high` bound the AUC at `confidence`, by whole days. `skill` is the Brier score against
    the window's own base rate, `base_rate` the share of positive labels.
    """

    rows: int
    blocks: int
    base_rate: float | None
    auc: float | None
    auc_low: float | None
    auc_high: float | None
    confidence: float
    brier: float | None
    skill: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the measures as JSON-able data; there is never a NaN in it."""
        return asdict(self)


def measure(
    labels: npt.ArrayLike,
    scores: npt.ArrayLike,
    blocks: npt.ArrayLike,
    *,
    minimum_rows: int = 200,
    resamples: int = 500,
    seed: int = 0,
    confidence: float = 0.95,
) -> Performance:
    """Measure scores against labels; `blocks` names each row's day.

    Below `minimum_rows` the AUC has no bounds, so that nothing is concluded from it. Raises BadInput for
    labels other than 0 and 1 and for scores that are not finite.

    >>> found = measure([0, 1] * 200, [0.2, 0.7] * 200, np.repeat(np.arange(8), 50))
    >>> found.auc, found.auc_low, found.base_rate
    (1.0, 1.0, 0.5)
    """
    truth, (score,) = labels_and_scores(labels, scores)
    bounds = None
    if len(truth) >= minimum_rows:
        bounds = day_block_bootstrap(
            blocks, truth, score, resamples=resamples, seed=seed, confidence=confidence
        )
    return Performance(
        rows=len(truth),
        blocks=len(np.unique(np.asarray(blocks))),
        base_rate=float(truth.mean()) if len(truth) else None,
        auc=roc_auc(truth, score),
        auc_low=bounds.low if bounds else None,
        auc_high=bounds.high if bounds else None,
        confidence=confidence,
        brier=brier(truth, score),
        skill=brier_skill(truth, score),
    )


def decayed(performance: Performance, expected_auc: float | None, max_drop: float) -> bool | None:
    """Tell whether even the upper bound of the AUC lies more than `max_drop` below what was expected.

    None when it cannot be told: too few rows or days, one class, or nothing expected.

    >>> found = measure([0, 1] * 200, [0.2, 0.7] * 200, np.repeat(np.arange(8), 50))
    >>> decayed(found, expected_auc=0.9, max_drop=0.02)
    False
    """
    if expected_auc is None or performance.auc_high is None:
        return None
    return performance.auc_high < expected_auc - max_drop
