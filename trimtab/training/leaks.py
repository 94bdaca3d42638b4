"""Columns that give the label away: one raw column that alone tells the answer is no skill but a leak.

Such a column is the label under another name, or is filled in once the outcome is known; no request will have
it. Measured on the fit rows, before any model: cheap, and independent of what a model makes of the column.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trimtab.performance import roc_auc
from trimtab.training.job import Job
from trimtab.training.rows import Rows
from trimtab.training.scoring import Floats

SAMPLE_ROWS = 20_000
SUSPECT = 0.999
SHOWN = 5
FOLDS = 5
# Where a column is known for a handful of rows only, it separates them by chance.
FEWEST_KNOWN = 30
LOWEST = np.finfo(np.float64).min


def find_leaks(job: Job, rows: Rows) -> list[dict[str, Any]]:
    """Return the columns that alone tell most about the label: the worst five, and all above 0.999.

    `auc` is the column's own (of the values for numbers, of the other folds' label rate for categories),
    `correlation` the absolute one with the label; `named` says that the column is called as the label or the
    prediction's id is.
    """
    # Rows lie in the order of time; every n-th of them is the same sample each time, of all days alike.
    chosen = np.arange(0, len(rows), -(-len(rows) // SAMPLE_ROWS))
    frame, label = rows.frame.iloc[chosen], rows.label[chosen] == 1
    denied = {_plain(job.columns[name]) for name in ("label", "prediction_id")}
    found = [_of_number(name, frame[name].to_numpy(), label) for name in job.recipe.numeric]
    found += [_of_category(name, frame[name], label) for name in job.recipe.categorical]
    for one in found:
        one["named"] = _plain(one["column"]) in denied
    found.sort(key=_strength, reverse=True)
    suspects = sum(_strength(one) > SUSPECT for one in found)
    return found[: max(SHOWN, suspects)]


def _of_number(name: str, values: Floats, label: NDArray[np.bool_]) -> dict[str, Any]:
    known = np.isfinite(values)
    # Nulls are a value of their own: a column that is filled in only where the answer is yes leaks by that.
    areas = [_area(label, np.nan_to_num(values, nan=LOWEST))]
    correlation = None
    if _is_enough(label[known]):
        correlation = _correlation(values[known], label[known])
        if not known.all():
            areas.append(_area(label[known], values[known]))
    return {"column": name, "auc": max(areas), "correlation": correlation}


def _of_category(name: str, values: "pd.Series[Any]", label: NDArray[np.bool_]) -> dict[str, Any]:
    codes, kinds = pd.factorize(values, use_na_sentinel=False)
    fold = np.arange(len(codes)) % FOLDS
    cells = codes * FOLDS + fold
    shape = (len(kinds), FOLDS)
    count = np.bincount(cells, minlength=len(kinds) * FOLDS).reshape(shape)
    hits = np.bincount(cells, weights=label, minlength=len(kinds) * FOLDS).reshape(shape)
    others = count.sum(axis=1, keepdims=True) - count
    rates = np.full(shape, label.mean())
    # Without the row's own fold, a value that occurs once says nothing: an id is not taken for a leak.
    np.divide(hits.sum(axis=1, keepdims=True) - hits, others, out=rates, where=others > 0)
    return {"column": name, "auc": roc_auc(label, rates[codes, fold]) or 0.5, "correlation": None}


def _area(label: NDArray[np.bool_], values: Floats) -> float:
    area = roc_auc(label, values)
    return 0.5 if area is None else max(area, 1 - area)


def _correlation(values: Floats, label: NDArray[np.bool_]) -> float | None:
    largest = np.abs(values).max()
    apart = values / largest - np.mean(values / largest) if largest > 0 else values
    spread = np.sqrt(np.mean(apart**2))
    if not spread > 0:
        return None
    return float(abs(np.mean(apart * (label - label.mean())) / (spread * label.std())))


def _is_enough(label: NDArray[np.bool_]) -> bool:
    hits = int(label.sum())
    return min(hits, len(label) - hits) >= FEWEST_KNOWN


def _strength(one: dict[str, Any]) -> float:
    return 2.0 if one["named"] else max(one["auc"], one["correlation"] or 0.0)


def _plain(name: str) -> str:
    return name.casefold().replace("_", "").replace("-", "").replace(" ", "")
