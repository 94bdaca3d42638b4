"""Decide an alarm's state from its data points, the way CloudWatch documents it.

Everything here is pure. Data points are floats or None for missing, oldest first.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
Missing = Literal["missing", "ignore", "breaching", "notBreaching"]

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
WORDS = {
    "GreaterThanThreshold": "greater than",
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}
# CloudWatch's documentation of missing data looks at five periods for an alarm of three.
EXTRA_PERIODS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Hold what an alarm compares: M of N periods against a threshold."""

    comparison: str
    threshold: float
    evaluation_periods: int
    datapoints_to_alarm: int
    treat_missing_data: Missing = "missing"

    def is_breaching(self, value: float) -> bool:
        """Tell whether a value lies on the alarming side of the threshold."""
        return OPERATORS[self.comparison](value, self.threshold)


def decide(points: Sequence[float | None], rule: Rule, current: State) -> State:
    """Return the state that these points call for; `points` is the whole evaluation range, oldest first.

    >>> above = "GreaterThanThreshold"
    >>> rule = Rule(comparison=above, threshold=0, evaluation_periods=1, datapoints_to_alarm=1)
    >>> decide([None, None, 1.0], rule, "OK")
    'ALARM'
    """
    real = [value for value in points if value is not None]
    if len(real) >= rule.evaluation_periods:
        return _by_count(_breaching(real[-rule.evaluation_periods :], rule), rule)
    lacking = rule.evaluation_periods - len(real)
    breaching = _breaching(real, rule)
    match rule.treat_missing_data:
        case "breaching":
            return _by_count(breaching + lacking, rule)
        case "notBreaching":
            return _by_count(breaching, rule)
        case "ignore":
            return _by_real_points(points, rule, current, premature=current, empty=current)
        case "missing":
            return _by_real_points(points, rule, current, premature="ALARM", empty="INSUFFICIENT_DATA")


def _breaching(values: Sequence[float], rule: Rule) -> int:
    return sum(rule.is_breaching(value) for value in values)


def _by_count(breaching: int, rule: Rule) -> State:
    return "ALARM" if breaching >= rule.datapoints_to_alarm else "OK"


def _by_real_points(
    points: Sequence[float | None], rule: Rule, current: State, *, premature: State, empty: State
) -> State:
    """Judge fewer points than the alarm wants, where missing ones say nothing by themselves."""
    real = [value for value in points if value is not None]
    if not real:
        return empty
    breaching = _breaching(real, rule)
    if breaching >= rule.datapoints_to_alarm:
        return "ALARM"
    if breaching < len(real):
        return "OK"
    # Only breaching points and gaps: CloudWatch waits until the oldest is as old as the alarm asks for.
    oldest = next(index for index, value in enumerate(points) if value is not None)
    return premature if len(points) - oldest >= rule.datapoints_to_alarm else current


def boundary_after(instant: float, step: float, offset: float = 0.0) -> float:
    """Return the first evaluation strictly after an instant; evaluations lie at offset + k * step.

    >>> boundary_after(60.0, 60.0)
    120.0
    """
    return ((instant - offset) // step + 1) * step + offset
