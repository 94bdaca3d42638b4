"""The baseline that production is compared with: the rows a model was made from, on the project's grid."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from trimtab.drift import Baseline
from trimtab.profile import Grid, Profile
from trimtab.training.rows import Days, Split
from trimtab.training.scoring import Floats

SCORE = "score"
WEEK_DAYS = 7


def make_baseline(
    split: Split, scores: Floats, weights: Mapping[str, float], grid: Mapping[str, Any]
) -> Baseline:
    """Profile the rows with scores that their own labels did not shape, whole and by week.

    `scores` belong to the fit rows (out of fold, NaN where none was asked for) and then to the held-out ones;
    both are in the baseline, because production follows on the latter. Weeks are counted back from the last
    day: the days before the first whole week are in the profile but in no slice, because a slice of two days
    would teach that any mix of weekdays is normal.
    """
    fixed = Grid.from_dict(grid)
    data = pa.concat_tables([split.fit.raw, split.holdout.raw])
    bounds = _week_starts(np.r_[split.fit.days, split.holdout.days])
    weeks = [_profile(fixed, data, scores, start, end) for start, end in itertools.pairwise(bounds)]
    rest = _profile(fixed, data, scores, 0, bounds[0])
    return Baseline(Profile.merged([rest, *weeks]), tuple(weeks), with_score(weights))


def _profile(grid: Grid, data: pa.Table, scores: Floats, start: int, end: int) -> Profile:
    """Profile rows from position `start` until before `end`; a row without a score counts in no score."""
    rows, ours = data.slice(start, end - start), scores[start:end]
    has_score = ~np.isnan(ours)
    scored = rows.take(np.flatnonzero(has_score)).append_column(SCORE, pa.array(ours[has_score]))
    parts = (scored, rows.take(np.flatnonzero(~has_score)))
    return Profile.merged(Profile.of(grid, part, second_moments=True) for part in parts)


def with_score(weights: Mapping[str, float]) -> dict[str, float]:
    """Give the prediction the weight of the heaviest column, and scale all weights to sum to 1.

    The prediction sums up every column, so it counts as much as the most important of them; no more, because
    a change that matters shows in the columns too.

    >>> with_score({"a": 0.75, "b": 0.25})
    {'a': 0.42857142857142855, 'b': 0.14285714285714285, 'score': 0.42857142857142855}
    """
    heaviest = max(weights.values())
    total = sum(weights.values()) + heaviest
    return {**{name: weight / total for name, weight in weights.items()}, SCORE: heaviest / total}


def _week_starts(days: Days) -> list[int]:
    """Return the positions where the whole weeks begin, and the end."""
    end = int(days[-1]) + 1
    whole = (end - int(days[0])) // WEEK_DAYS * WEEK_DAYS
    bounds: list[int] = np.searchsorted(days, np.arange(end - whole, end + 1, WEEK_DAYS)).tolist()
    return bounds
