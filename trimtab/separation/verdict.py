"""What the scores of a classifier on rows that it has not seen say: the AUC, its interval and a verdict."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from trimtab.drift.distributions import t_cdf, t_quantile

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class BlockScore:
    """How well a classifier trained on earlier blocks told a block's rows apart; the rows of each side."""

    auc: float
    baseline: int
    current: int


@dataclass(frozen=True, slots=True)
class Separation:
    """How well the samples can be told apart: 0.5 is not at all, 1 is always.

    `low` and `high` bound the AUC with 95 % confidence; `p_value` is how likely so high an AUC is when
    nothing separates the samples.
    """

    verdict: Literal["drifted", "stable", "undetermined"]
    auc: float
    low: float
    high: float
    p_value: float


def judge(blocks: Sequence[BlockScore], tolerance: float) -> Separation:
    """Judge the scores of two or more blocks; an AUC of at most `tolerance` does not matter.

    Each block is scored by a classifier that has seen earlier blocks only. Where nothing separates the
    samples, its AUC is 0.5 on average whatever the classifier learned, and the sum over blocks is a
    martingale; cross-validation, in which folds take turns to train each other, has no such law, and alarms
    too often when its folds are taken for independent. Two spreads are known, and the larger counts: that of
    ranks drawn by chance (Mann and Whitney, 1947), and that which the blocks show, which is larger where rows
    of a block resemble each other.

    >>> found = judge([BlockScore(0.52, 100, 100), BlockScore(0.48, 100, 100)] * 4, 0.55)
    >>> found.verdict, round(found.auc, 3), round(found.low, 3), round(found.high, 3)
    ('stable', 0.5, 0.472, 0.528)
    """
    aucs = np.array([block.auc for block in blocks])
    first = np.array([block.baseline for block in blocks], dtype=np.float64)
    second = np.array([block.current for block in blocks], dtype=np.float64)
    weights = first * second / (first + second)
    weights /= weights.sum()
    count = len(blocks)
    auc = float(weights @ aucs)
    by_chance = math.sqrt(float(weights**2 @ ((first + second + 1) / (12 * first * second))))
    by_blocks = math.sqrt(float(weights**2 @ (aucs - auc) ** 2) * count / (count - 1))
    normal = NormalDist()
    tail = (1 + LEVEL) / 2
    half = max(normal.inv_cdf(tail) * by_chance, t_quantile(tail, count - 1) * by_blocks)
    above = auc - 0.5
    p_value = 1 - normal.cdf(above / by_chance)
    if by_blocks > 0:
        p_value = max(p_value, 1 - t_cdf(above / by_blocks, count - 1))
    low, high = max(0.0, auc - half), min(1.0, auc + half)
    verdict: Literal["drifted", "stable", "undetermined"] = "undetermined"
    if low > tolerance:
        verdict = "drifted"
    elif high <= tolerance:
        verdict = "stable"
    return Separation(verdict, auc, low, high, p_value)
