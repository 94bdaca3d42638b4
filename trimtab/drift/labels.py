"""Label drift: the labels of a window, once they have come, against those that the model was trained on.

Labels are a categorical column of two values; the rule is that of any other column.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from trimtab.drift.baseline import Baseline
from trimtab.drift.compare import compare
from trimtab.drift.settings import Settings
from trimtab.profile import CategoricalCounts, Grid, Profile
from trimtab.profile.grid import CategoricalColumn

_NAME = "label"
_GRID = Grid({_NAME: CategoricalColumn(_NAME)})
_TOLD = (
    "verdict", "reason", "effect", "tolerance", "calibrated", "q_value", "detectable_shift",
)  # fmt: skip


def compare_labels(
    trained: Mapping[str, Any], rows: int, positive: int, settings: Settings, season: str | None = None
) -> dict[str, Any]:
    """Judge a window's labels, of which `positive` are 1, as JSON-able data.

    `trained` is {rows, positive, slices: [[rows, positive]], seasons} of the model's training data.

    >>> trained = {"rows": 8000, "positive": 2000, "slices": [[1000, 250]] * 8, "seasons": []}
    >>> [compare_labels(trained, 1000, share, Settings())["verdict"] for share in (260, 500)]
    ['stable', 'drifted']
    """
    slices = tuple(_profile(*part) for part in trained["slices"])
    baseline = Baseline(_profile(trained["rows"], trained["positive"]), slices, {}, tuple(trained["seasons"]))
    if season is not None:
        baseline = baseline.of_season(season)
    (found,) = compare(baseline, _profile(rows, positive), replace(settings, columns={})).features
    then = baseline.profile
    return {
        **{name: getattr(found, name) for name in _TOLD},
        "share": positive / rows if rows else None,
        "trained_share": _positive(then) / then.rows if then.rows else None,
    }


def _profile(rows: int, positive: int) -> Profile:
    counts = {"0": int(rows) - int(positive), "1": int(positive)}
    held = {name: count for name, count in counts.items() if count}
    return Profile(_GRID, int(rows), {_NAME: CategoricalCounts(held)})


def _positive(profile: Profile) -> int:
    counts = profile.columns[_NAME]
    return counts.categories.get("1", 0) if isinstance(counts, CategoricalCounts) else 0
