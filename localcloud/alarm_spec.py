"""Read what an alarm watches out of moto's record of it, and refuse what CloudWatch refuses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from moto.cloudwatch.exceptions import ValidationError
from moto.cloudwatch.models import Alarm, Dimension, MetricDataQuery

from localcloud.alarm_rules import EXTRA_PERIODS, OPERATORS, Missing, Rule, boundary_after
from localcloud.metric_math import Expression, Unsupported
from localcloud.metrics import MetricKey

DAY, WEEK = 86_400, 604_800
FIRST_MONDAY = 4 * DAY  # the epoch was a Thursday; weeks are aligned to Monday
STATISTICS = re.compile(r"Sum|Average|Minimum|Maximum|SampleCount|p\d{1,2}(\.\d+)?|p100")
MISSING = ("missing", "ignore", "breaching", "notBreaching")


@dataclass(frozen=True, slots=True)
class Watched:
    """Name one metric that an alarm reads, and how."""

    key: MetricKey
    statistic: str
    unit: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """Hold an alarm's metrics, its math and its rule, ready to evaluate."""

    metrics: Mapping[str, Watched]
    expressions: Mapping[str, Expression]
    returned: str
    period: int
    rule: Rule
    is_wall_clock: bool

    @property
    def periods(self) -> int:
        """Return how many periods an evaluation looks at.

        A sliding window reaches for older points when some are missing; a wall-clock window judges each
        period by itself.
        """
        return self.rule.evaluation_periods + (0 if self.is_wall_clock else EXTRA_PERIODS)

    def next_evaluation(self, instant: float) -> float:
        """Return the first evaluation strictly after an instant."""
        if self.is_wall_clock:
            return boundary_after(instant, self.period, FIRST_MONDAY if self.period == WEEK else 0.0)
        if self.period < 60:
            return boundary_after(instant, 10)
        spans_days = self.period * self.rule.evaluation_periods > DAY
        return boundary_after(instant, 3_600 if spans_days else 60)


def spec_of(alarm: Alarm, window: Mapping[str, Any] | None) -> Spec:
    """Return what this alarm watches; raise moto's ValidationError for what CloudWatch would refuse."""
    try:
        metrics, expressions, returned, period = _inputs(alarm)
    except Unsupported as problem:
        raise ValidationError(str(problem)) from problem
    spec = Spec(
        metrics=metrics,
        expressions=expressions,
        returned=returned,
        period=period,
        rule=_rule(alarm),
        is_wall_clock=_is_wall_clock(window),
    )
    _refuse_long_windows(spec)
    return spec


def _inputs(alarm: Alarm) -> tuple[dict[str, Watched], dict[str, Expression], str, int]:
    if not alarm.metric_data_queries:
        key = _key(alarm.namespace, alarm.metric_name, alarm.dimensions)
        statistic = _statistic(alarm.statistic or alarm.extended_statistic)
        return {"m1": Watched(key, statistic, alarm.unit)}, {}, "m1", int(alarm.period)
    metrics: dict[str, Watched] = {}
    expressions: dict[str, Expression] = {}
    periods = {int(query.period) for query in alarm.metric_data_queries if query.period}
    for query in alarm.metric_data_queries:
        if query.metric_stat is None:
            expressions[query.id] = Expression(query.expression or "")
            continue
        stat = query.metric_stat
        key = _key(stat.metric.namespace, stat.metric.metric_name, stat.metric.dimensions)
        metrics[query.id] = Watched(key, _statistic(stat.stat), stat.unit)
        periods.add(int(stat.period))
    returned = [query.id for query in alarm.metric_data_queries if _returns(query)]
    if len(returned) != 1:
        raise ValidationError("Exactly one element of the metrics list should return data.")
    if len(periods) != 1:
        raise ValidationError("Period must be consistent across all metrics in the metrics list.")
    return metrics, expressions, returned[0], periods.pop()


def _returns(query: MetricDataQuery) -> bool:
    return str(query.return_data).lower() != "false"  # absent means true


def _key(namespace: str, name: str, dimensions: list[Dimension]) -> MetricKey:
    return MetricKey(namespace, name, frozenset((str(item.name), str(item.value)) for item in dimensions))


def _statistic(name: str | None) -> str:
    if name is None or not STATISTICS.fullmatch(name):
        raise ValidationError(f"The local cloud does not compute the statistic {name!r} for alarms.")
    return name


def _rule(alarm: Alarm) -> Rule:
    if alarm.comparison_operator not in OPERATORS:
        raise ValidationError(f"The local cloud has no comparison {alarm.comparison_operator!r}.")
    periods = int(alarm.evaluation_periods)
    needed = int(alarm.datapoints_to_alarm or periods)
    if not 1 <= needed <= periods:
        raise ValidationError("DatapointsToAlarm must be between 1 and EvaluationPeriods.")
    missing = alarm.treat_missing_data or "missing"
    if missing not in MISSING:
        raise ValidationError(f"TreatMissingData is {missing!r}; it must be one of {', '.join(MISSING)}.")
    if alarm.threshold is None:
        raise ValidationError("Threshold is required: the local cloud has no anomaly detection.")
    return Rule(
        comparison=alarm.comparison_operator,
        threshold=float(alarm.threshold),
        evaluation_periods=periods,
        datapoints_to_alarm=needed,
        treat_missing_data=cast(Missing, missing),
    )


def _is_wall_clock(window: Mapping[str, Any] | None) -> bool:
    if not window or "WallClockWindow" not in window:
        return False
    zone = (window["WallClockWindow"] or {}).get("Timezone", "UTC")
    if zone not in ("UTC", "Etc/UTC", "+00:00"):
        raise ValidationError(f"The local cloud aligns wall clock windows to UTC only, not to {zone!r}.")
    return True


def _refuse_long_windows(spec: Spec) -> None:
    if spec.period % 60 and spec.period not in (10, 20, 30):
        raise ValidationError("Period must be 10, 20, 30 or a multiple of 60.")
    longest = DAY if spec.period < 3_600 else WEEK
    if spec.period * spec.rule.evaluation_periods > longest:
        raise ValidationError(
            f"Metrics cannot be checked across more than {'a day' if longest == DAY else 'seven days'} "
            f"(EvaluationPeriods * Period must be <= {longest})."
        )
