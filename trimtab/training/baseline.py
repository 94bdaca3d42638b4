"""The baseline that production is compared with: the rows a model was made from, on the project's grid."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from trimtab.drift import Baseline
from trimtab.monitoring.seasons import SeasonKind, is_of_days, season_between
from trimtab.profile import Grid, Profile
from trimtab.training.rows import Days, Split
from trimtab.training.scoring import Floats

SCORE = "score"
WEEK_DAYS = 7
MOST_DAYS = 26 * WEEK_DAYS  # that are slices by themselves, so that a baseline of years stays small


def make_baseline(
    split: Split,
    scores: Floats,
    weights: Mapping[str, float],
    grid: Mapping[str, Any],
    season: SeasonKind | None = None,
) -> Baseline:
    """Profile the rows with scores that their own labels did not shape, whole and in slices.

    `scores` belong to the fit rows (out of fold, NaN where none was asked for) and then to the held-out ones;
    both are in the baseline, because production follows on the latter. Slices are weeks, or the last half
    year's days where `season` tells days apart, each with the name of its season.
    """
    fixed = Grid.from_dict(grid)
    data = pa.concat_tables([split.fit.raw, split.holdout.raw])
    days = np.r_[split.fit.days, split.holdout.days]
    spans, places = _slices(days, season)
    slices = [_profile(fixed, data, scores, start, end) for start, end in places]
    rest = _profile(fixed, data, scores, 0, places[0][0] if places else len(data))
    whole = Profile.merged([rest, *slices])
    # Slices teach by their counts; where in its cell a value lies would be most of their bytes.
    rough = tuple(part.rounded() for part in slices)
    return Baseline(whole, rough, with_score(weights), tuple(_seasons(spans, season)))


def label_counts(split: Split, season: SeasonKind | None = None) -> dict[str, Any]:
    """Count rows and positive labels, whole and by slice, as later labels are compared with them."""
    label = np.r_[split.fit.label, split.holdout.label]
    spans, places = _slices(np.r_[split.fit.days, split.holdout.days], season)
    return {
        "rows": len(label),
        "positive": int(label.sum()),
        "slices": [[end - start, int(label[start:end].sum())] for start, end in places],
        "seasons": _seasons(spans, season),
    }


def _slices(days: Days, season: SeasonKind | None) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Return the slices as spans of days, and of positions."""
    spans = list(itertools.pairwise(_day_starts(days) if is_of_days(season) else _week_starts(days)))
    return spans, [(int(start), int(end)) for start, end in (np.searchsorted(days, span) for span in spans)]


def _seasons(spans: Sequence[tuple[int, int]], season: SeasonKind | None) -> list[str]:
    return [season_between(season, *span) for span in spans] if season else []


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
    """Return the days on which the whole weeks begin, counted back from the last day, and the day after it.

    The days before the first whole week are in no slice: one of two days would teach that any mix of weekdays
    is normal.
    """
    end = int(days[-1]) + 1
    whole = (end - int(days[0])) // WEEK_DAYS * WEEK_DAYS
    return list(range(end - whole, end + 1, WEEK_DAYS))


def _day_starts(days: Days) -> list[int]:
    """Return the last days of the data, and the day after them."""
    end = int(days[-1]) + 1
    return list(range(max(int(days[0]), end - MOST_DAYS), end + 1))
