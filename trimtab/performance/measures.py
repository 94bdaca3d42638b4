"""How good scores of a binary label are, in numpy alone; None stands for what cannot be computed."""

from typing import cast

import numpy as np
import numpy.typing as npt

from trimtab.errors import BadInput

type Floats = npt.NDArray[np.float64]
type Labels = npt.NDArray[np.bool_]

_CLIP = 1e-15  # keeps the logarithm of a score of 0 or 1 finite


def labels_and_scores(labels: npt.ArrayLike, *scores: npt.ArrayLike) -> tuple[Labels, list[Floats]]:
    """Return labels as booleans and scores as float64.

    Raises BadInput for labels other than 0 and 1, scores that are not finite, and unequal lengths.
    """
    truth = np.asarray(labels)
    columns = [np.asarray(column, dtype=np.float64) for column in scores]
    if truth.ndim != 1 or any(column.shape != truth.shape for column in columns):
        raise BadInput(
            f"{len(truth)} labels and {[len(c) for c in columns]} scores; give one score per label"
        )
    if truth.dtype != np.bool_:
        if not bool(np.all((truth == 0) | (truth == 1))):
            raise BadInput("labels other than 0 and 1; leave out the rows whose label is not known yet")
        truth = truth == 1
    if not all(np.isfinite(column).all() for column in columns):
        raise BadInput("scores that are not finite numbers; the model's output is damaged")
    return cast(Labels, truth), columns


def roc_auc(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float | None:
    """Return the area under the ROC curve, ties counting half; None if there is one class only.

    >>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    truth, (score,) = labels_and_scores(labels, scores)
    positives = int(truth.sum())
    negatives = len(truth) - positives
    if not positives or not negatives:
        return None
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    sizes = np.diff(np.append(starts, len(ordered)))
    midranks = np.repeat(starts + (sizes + 1) / 2, sizes)
    concordant = midranks[truth[order]].sum() - positives * (positives + 1) / 2
    return float(concordant / (positives * negatives))


def brier(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float | None:
    """Return the mean squared error of the scores as probabilities; None for no rows.

    >>> brier([0, 1], [0.0, 0.5])
    0.125
    """
    truth, (score,) = labels_and_scores(labels, scores)
    return float(np.mean((score - truth) ** 2)) if len(truth) else None


def brier_skill(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float | None:
    """Return the share of the labels' variance that the scores explain: 1 at best, 0 for the bare base rate.

    Measured against the base rate of these very rows, for the Brier score itself moves with it. None if there
    is one class only.

    >>> brier_skill([0, 1], [0.0, 0.5])
    0.5
    """
    truth, (score,) = labels_and_scores(labels, scores)
    if truth.all() or not truth.any():
        return None
    rate = float(truth.mean())
    return 1.0 - float(np.mean((score - truth) ** 2)) / (rate * (1 - rate))


def log_loss(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float | None:
    """Return the mean negative logarithm of the probability given to what happened; None for no rows.

    >>> round(log_loss([0, 1], [0.5, 0.5]), 6)
    0.693147
    """
    truth, (score,) = labels_and_scores(labels, scores)
    if not len(truth):
        return None
    given = np.clip(np.where(truth, score, 1 - score), _CLIP, 1.0)
    return float(-np.log(given).mean())
