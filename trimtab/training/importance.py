"""How much a model's ranking owes to each raw column, averaged over blocks of time.

One permutation on one hold-out is a knife edge; five folds of whole days, each judged by a model that has not
seen them, are steadier. The same models give fitting rows scores that their own labels did not shape.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from trimtab.errors import BadInput
from trimtab.performance import roc_auc
from trimtab.training.job import Recipe
from trimtab.training.rows import Rows
from trimtab.training.scoring import Floats, Predict, checked_scores

Fit = Callable[[pd.DataFrame, NDArray[np.int8], Recipe], Any]
Positions = NDArray[np.int64]
FIT_ROWS = 10_000
JUDGE_ROWS = 2_000
SCORED_ROWS = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Importances:
    """Weights of the raw columns (they sum to 1), and out-of-fold scores of fitting rows, else NaN."""

    weights: dict[str, float]
    scores: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fold:
    losses: Floats
    scored: Positions
    scores: Floats


class Weighing:
    """Importances in the making: a task for each fold, so that idle processors can take them."""

    def __init__(self, folds: Sequence[Future[_Fold]], names: Sequence[str], rows: int) -> None:
        """Take the folds' tasks; `rows` counts the fitting rows."""
        self._folds, self._names, self._rows = folds, names, rows

    def result(self) -> Importances:
        """Wait for the folds and average them; raises what a fold raised."""
        folds = [fold.result() for fold in self._folds]
        # Clipped after averaging: chance, which also gains, must not add up to weight.
        losses = np.maximum(np.sum([fold.losses for fold in folds], axis=0), 0.0)
        total = losses.sum()
        shares = losses / total if total > 0 else np.full(len(self._names), 1 / len(self._names))
        scores = np.full(self._rows, np.nan)
        for fold in folds:
            scores[fold.scored] = fold.scores
        return Importances(weights=dict(zip(self._names, shares.tolist(), strict=True)), scores=scores)


def weigh(rows: Rows, recipe: Recipe, folds: int, fit: Fit, predict: Predict, executor: Executor) -> Weighing:
    """Weigh the raw columns by the AUC that is lost when a column's values are shuffled within a fold.

    Each fold is a task of its own for `executor`; it fits on at most 10,000 rows, judges on 2,000 and scores
    4,000: cost hardly grows with the data. A column that loses nothing weighs 0; if none loses anything, all
    weigh the same.
    """
    names = recipe.numeric + recipe.categorical

    def fold(number: int, start: int, end: int) -> _Fold:
        random = np.random.default_rng([recipe.seed, number])
        others = np.r_[0:start, end : len(rows)]
        model = _fit_sample(rows, _sample(others, FIT_ROWS, random), recipe, fit)
        scored = _evenly(start, end, SCORED_ROWS)
        scores = checked_scores(predict(model, rows.frame.iloc[scored]), len(scored))
        judged = _sample(np.arange(len(scored)), JUDGE_ROWS, random)
        losses, label = np.zeros(len(names)), rows.label[scored[judged]]
        if len(np.unique(label)) == 2:
            shuffled = _shuffled(rows.frame.iloc[scored[judged]], names, random)
            shuffled_scores = checked_scores(predict(model, shuffled), len(shuffled))
            losses = _losses(label, scores[judged], shuffled_scores.reshape(len(names), -1))
        return _Fold(losses=losses, scored=scored, scores=scores)

    tasks = [executor.submit(fold, number, *ends) for number, ends in enumerate(_folds(rows, folds))]
    return Weighing(tasks, names, len(rows))


def _folds(rows: Rows, folds: int) -> list[tuple[int, int]]:
    """Cut the rows into blocks of whole days, as positions."""
    days = np.unique(rows.days)
    if len(days) < folds:
        raise BadInput(
            f"the fit rows cover {len(days)} days, too few for {folds} folds; upload more days, "
            "or lower gate.importance_folds in project.toml"
        )
    firsts = [block[0] for block in np.array_split(days, folds)]
    starts = np.searchsorted(rows.days, firsts).tolist()
    return list(zip(starts, [*starts[1:], len(rows)], strict=True))


def _sample(positions: Positions, most: int, random: np.random.Generator) -> Positions:
    if len(positions) <= most:
        return positions
    return np.sort(random.choice(positions, most, replace=False))


def _evenly(start: int, end: int, most: int) -> Positions:
    """Return positions spread evenly over a block of rows in time's order, so that each week has a share."""
    return np.unique(np.linspace(start, end - 1, min(most, end - start)).round().astype(np.int64))


def _fit_sample(rows: Rows, positions: Positions, recipe: Recipe, fit: Fit) -> Any:
    label = rows.label[positions]
    if len(np.unique(label)) < 2:
        raise BadInput("the fit rows without one fold of days have one label only; upload data of more days")
    # On so few rows threads wait for each other longer than they work. The limit is this thread's own.
    with threadpool_limits(1, user_api="openmp"):
        return fit(rows.frame.iloc[positions].reset_index(drop=True), label, recipe)


def _shuffled(frame: pd.DataFrame, names: tuple[str, ...], random: np.random.Generator) -> pd.DataFrame:
    """Stack one copy of the rows for each column, with that column's values shuffled."""
    copies = [frame.assign(**{name: random.permutation(frame[name].to_numpy())}) for name in names]
    return pd.concat(copies, ignore_index=True)


def _losses(label: NDArray[np.int8], scores: Floats, shuffled: Floats) -> Floats:
    areas = [roc_auc(label, each) for each in (scores, *shuffled)]
    intact, *lost = [area for area in areas if area is not None]
    return np.array([intact - area for area in lost])
