"""Train a classifier to tell current rows from those of the baseline, and score it on rows yet to come."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from trimtab.errors import BadInput
from trimtab.performance.measures import roc_auc
from trimtab.profile.keys import Floats
from trimtab.separation.encoding import Encoded
from trimtab.separation.verdict import BlockScore, Separation, judge

type Places = npt.NDArray[np.intp]

BLOCKS = 20
FEWEST_BLOCKS = 6
FEWEST_ROWS = 200  # a side


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """An AUC of at most `tolerance` does not matter; `seed` makes a run repeatable."""

    tolerance: float = 0.55
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0.5 <= self.tolerance < 1:
            raise BadInput(f"the tolerance is {self.tolerance!r}; give an AUC from 0.5 up to 1, such as 0.55")


def separate(rows: Encoded, blocks: Places, settings: Settings) -> tuple[Separation, dict[str, float]]:
    """Return how well the rows are told apart, and how much AUC is lost without each column.

    `blocks` numbers each row's block from 0, in the order of time on both sides. The first half of them only
    trains; each of the others is scored by a classifier trained on all before it, and then trains the next.
    A column's loss is measured on scored blocks with its values shuffled.
    """
    # A laptop's libraries: no Lambda imports them.
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    untrained = HistGradientBoostingClassifier(
        max_iter=50,
        learning_rate=0.15,
        max_leaf_nodes=15,
        l2_regularization=1.0,
        categorical_features=list(rows.is_category),
        class_weight="balanced",
        early_stopping=False,
        random_state=settings.seed,
    )
    count = int(blocks.max()) + 1
    scores: list[BlockScore] = []
    losses: list[list[float]] = []
    random = np.random.default_rng(settings.seed)
    # Blocks are small, and sums do not depend on the number of cores then.
    with threadpool_limits(1, user_api="openmp"):
        for block in range(count // 2, count):
            model = _trained(untrained, rows, blocks < block)
            scored = blocks == block
            truth, values = rows.is_current[scored], rows.matrix[scored]
            auc = _auc(truth, model, values)
            scores.append(BlockScore(auc, int((~truth).sum()), int(truth.sum())))
            losses.append([auc - _auc(truth, model, one) for one in _shuffled(rows, values, random)])
    weights = [score.baseline * score.current / (score.baseline + score.current) for score in scores]
    lost = np.average(losses, axis=0, weights=weights)
    return judge(scores, settings.tolerance), dict(zip(rows.names, lost.tolist(), strict=True))


def blocks_of_rows(rows: int, count: int) -> Places:
    """Cut rows into blocks of equal size, in their order.

    >>> blocks_of_rows(7, 3).tolist()
    [0, 0, 0, 1, 1, 2, 2]
    """
    return np.arange(rows) * count // max(1, rows)


def blocks_of_days(days: npt.NDArray[np.int64], count: int) -> Places:
    """Cut rows, whose days are given, into blocks of about as many days each; a day is never divided.

    >>> blocks_of_days(np.array([3, 3, 4, 8, 9]), 2).tolist()
    [0, 0, 0, 1, 1]
    """
    different, places = np.unique(days, return_inverse=True)
    return blocks_of_rows(len(different), count)[places]


def _trained(model: Any, rows: Encoded, chosen: npt.NDArray[np.bool_]) -> Any:
    values = rows.matrix[chosen]
    # Trees cannot be grown on a column without any value, but on one that is everywhere the same.
    values[:, np.isnan(values).all(axis=0)] = 0.0
    return model.fit(values, rows.is_current[chosen])


def _auc(truth: npt.NDArray[np.bool_], model: Any, values: Floats) -> float:
    # None would mean that a side has no row, but a block has some of each.
    return cast(float, roc_auc(truth, model.decision_function(values)))


def _shuffled(rows: Encoded, values: Floats, random: np.random.Generator) -> Iterator[Floats]:
    """Yield the values with one column of the data shuffled, column by column."""
    owners = np.array(rows.owners)
    for owner in range(len(rows.names)):
        changed = values.copy()
        mine = np.flatnonzero(owners == owner)
        changed[:, mine] = values[random.permutation(len(values))][:, mine]
        yield changed
