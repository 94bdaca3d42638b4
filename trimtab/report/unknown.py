"""What a window's report says of features that could not be judged: why, and what would have been seen."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from trimtab.drift.settings import noticeable
from trimtab.report.markup import Content, Markup, tag
from trimtab.report.page import section, table
from trimtab.report.words import number, percent

type Facts = Mapping[str, Any]

REASONS = {
    "TOO_FEW_ROWS": "too few rows to judge",
    "TOO_FEW_VALUES": "enough rows, but too many of them are null",
    "ALL_NULL": "no value at all, on one side or on both",
    "NO_BASELINE": "the champion has no baseline to compare with",
    "HIGH_CARDINALITY": "too many different values, most of them there once",
    "ABSENT": "the column did not come in this window",
    "OFF_GRID": "too many values where the project's grid tells none apart; fit the grid again",
    "COARSE_BASELINE": "the baseline knows it from a sketch that is worth too few rows",
}
_FEW = ("TOO_FEW_ROWS", "TOO_FEW_VALUES")


def could_not_be_determined(report: Facts) -> Markup | None:
    """List the features without a verdict, each with its reason and the smallest shift that would show."""
    unknown = [part for part in report["features"] if part["verdict"] == "undetermined"]
    if not unknown:
        return None
    columns = [("Feature", ""), ("Why", ""), ("Weight", "right"), ("Would have been seen", "right")]
    rows: list[list[Content]] = [
        [tag("code", part["name"]), _why(part), percent(part["weight"], 1), _seen(part, report)]
        for part in sorted(unknown, key=lambda part: (-part["weight"], part["name"]))
    ]
    return section(
        "What could not be determined",
        table("What could not be determined", columns, rows, kind="cards"),
        lead="Undetermined is not stable: nothing is claimed about these.",
    )


def smallest_shift(part: Facts, report: Facts) -> float | None:
    """Return the shift, in standard deviations, that these values would have revealed four times in five.

    It is what the rule for judged features would need, had it been applied to so few; None where a side has
    no value, or where values cannot be compared at all.
    """
    if part["reason"] not in _FEW:
        return None
    now, nulls = report["rows"]["current"], part["effects"].get("missing")
    change = part["effects"].get("missing_change")
    if nulls is None or change is None:
        return None
    present = now * (1 - nulls), report["rows"]["baseline"] * (1 - nulls + change)
    if min(present) < 1:
        return None
    reach = noticeable(report["alpha"], max(1, len(report["features"])))
    return math.sqrt(report["default_tolerance"]) + reach * math.sqrt(sum(1 / rows for rows in present))


def _why(part: Facts) -> Content:
    reason = str(part["reason"])
    return tag("span", f"{REASONS.get(reason, 'it cannot be compared')} ", tag("code", reason))


def _seen(part: Facts, report: Facts) -> str:
    shift = part.get("detectable_shift") or smallest_shift(part, report)
    return "nothing" if shift is None else f"a shift of {number(shift, 2)} sd"


def main_reason(report: Facts) -> str:
    """Say why the model's verdict is undetermined."""
    return REASONS.get(str(report["reason"]), "not enough of it can be judged")


def share_judged(features: Sequence[Facts]) -> str:
    """Say how many features were judged."""
    return f"{sum(part['verdict'] != 'undetermined' for part in features)} of {len(features)}"
