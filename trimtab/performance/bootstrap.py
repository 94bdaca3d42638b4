"""Intervals of the AUC by resampling whole days: rows of a day are alike, they are not independent."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trimtab.errors import BadInput
from trimtab.performance.measures import Floats, Labels, labels_and_scores

FEWEST_BLOCKS = 5  # fewer days say next to nothing about other days


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over resamples, the interval that holds `confidence` of them, and their share above chance.

    Chance is 0 for the difference of two models and 0.5 for the AUC of one.
    """

    mean: float
    low: float
    high: float
    confidence: float
    share_positive: float
    blocks: int

    def to_dict(self) -> dict[str, Any]:
        """Return the interval as JSON-able data."""
        return asdict(self)


def day_block_bootstrap(
    blocks: npt.ArrayLike,
    labels: npt.ArrayLike,
    score_a: npt.ArrayLike,
    score_b: npt.ArrayLike | None = None,
    *,
    resamples: int = 500,
    seed: int = 0,
    confidence: float = 0.95,
    fewest_blocks: int = FEWEST_BLOCKS,
) -> Interval | None:
    """Return the interval of the AUC of `score_a`, or of how far it is above that of `score_b`.

    `blocks` names each row's day, in any type that sorts. None if there are fewer than `fewest_blocks` days
    or hardly a resample has both classes. Raises BadInput for labels and scores that are none.

    >>> days = np.repeat(np.arange(6), 2)
    >>> day_block_bootstrap(days, [0, 1] * 6, [0.2, 0.7] * 6).to_dict()["low"]
    1.0
    """
    if resamples < 2 or not 0 < confidence < 1:
        raise BadInput("give two or more resamples and a confidence between 0 and 1")
    truth, scores = labels_and_scores(labels, *([score_a] if score_b is None else [score_a, score_b]))
    days, day = np.unique(np.asarray(blocks), return_inverse=True)
    if len(day) != len(truth):
        raise BadInput(f"{len(day)} days for {len(truth)} labels; give the day of each row")
    if len(days) < fewest_blocks:
        return None
    weights = _draws(len(days), resamples, seed)
    areas = [_areas(day, len(days), truth, score, weights) for score in scores]
    values, chance = (areas[0], 0.5) if len(areas) == 1 else (areas[0] - areas[1], 0.0)
    values = values[np.isfinite(values)]
    if len(values) < resamples / 2:
        return None
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    share = float((values > chance).mean())
    return Interval(float(values.mean()), float(low), float(high), confidence, share, len(days))


def _draws(days: int, resamples: int, seed: int) -> Floats:
    """Return how often each resample draws each day."""
    drawn = np.random.default_rng(seed).integers(0, days, size=(resamples, days))
    flat = (drawn + np.arange(resamples)[:, None] * days).ravel()
    return np.bincount(flat, minlength=resamples * days).reshape(resamples, days).astype(np.float64)


def _areas(day: npt.NDArray[np.intp], days: int, truth: Labels, score: Floats, weights: Floats) -> Floats:
    """Return the AUC of each resample, given how often it draws each day; NaN where one class is missing."""
    wins = _wins(day, days, truth, score)
    positives = weights @ np.bincount(day[truth], minlength=days)
    negatives = weights @ np.bincount(day[~truth], minlength=days)
    with np.errstate(divide="ignore", invalid="ignore"):
        areas: Floats = ((weights @ wins) * weights).sum(axis=1) / (positives * negatives)
    return areas


def _wins(day: npt.NDArray[np.intp], days: int, truth: Labels, score: Floats) -> Floats:
    """Count, per pair of days, how often a positive of one scores above a negative of the other; ties half.

    A resample's AUC is a quadratic form of this table: no resample touches a row.
    """
    order = np.argsort(score, kind="stable")
    day, truth, score = day[order], truth[order], score[order]
    positive_day, positive_score = day[truth], score[truth]
    negative_day, negative_score = day[~truth], score[~truth]
    wins = np.empty((days, days))
    for other in range(days):
        rivals = negative_score[negative_day == other]
        below = np.searchsorted(rivals, positive_score, side="left")
        up_to = np.searchsorted(rivals, positive_score, side="right")
        wins[:, other] = np.bincount(positive_day, weights=(below + up_to) / 2, minlength=days)
    return wins
