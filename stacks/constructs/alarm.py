"""An alarm that says what silence means, whom it tells and where its runbook is."""

from dataclasses import dataclass, field
from typing import Any, Literal

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.target import Target

RUNBOOK = "docs/runbook.md"
HOUR, DAY = 3600, 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What an alarm watches: one metric, or several added up."""

    name: str
    meaning: str
    statistic: Literal["Maximum", "Minimum", "Sum"]
    threshold: float
    silence: Literal["breaching", "notBreaching"]
    metric: str = ""
    namespace: str = "Trimtab"
    dimensions: dict[str, str] = field(default_factory=dict)
    added_up: tuple[tuple[str, dict[str, str]], ...] = ()
    comparison: str = "GreaterThanOrEqualToThreshold"
    period_seconds: int = HOUR
    periods: int = 1
    by_the_clock: bool = False


def alarm(scope: Construct, id: str, *, target: Target, signal: Signal) -> cloudwatch.CfnAlarm:
    """Make the alarm of a signal; the topic of alerts hears when it goes off."""
    return cloudwatch.CfnAlarm(
        scope,
        id,
        alarm_name=target.alarm_name(signal.name),
        alarm_description=f"{signal.meaning} What to do: {RUNBOOK}#{signal.name}",
        alarm_actions=[target.topic_arn],
        actions_enabled=True,
        comparison_operator=signal.comparison,
        threshold=signal.threshold,
        evaluation_periods=signal.periods,
        datapoints_to_alarm=signal.periods,
        treat_missing_data=signal.silence,
        evaluation_window=_whole_periods() if signal.by_the_clock else None,
        **(_sum_of(signal) if signal.added_up else _single(signal)),
    )


def _whole_periods() -> cloudwatch.CfnAlarm.EvaluationWindowProperty:
    # A sliding window would reach back over silence to older points, and go off days later than it says.
    window = cloudwatch.CfnAlarm.WallClockWindowProperty(timezone="UTC")
    return cloudwatch.CfnAlarm.EvaluationWindowProperty(wall_clock_window=window)


def _single(signal: Signal) -> dict[str, Any]:
    dimensions = [
        cloudwatch.CfnAlarm.DimensionProperty(name=key, value=value)
        for key, value in signal.dimensions.items()
    ]
    return {
        "namespace": signal.namespace,
        "metric_name": signal.metric,
        "dimensions": dimensions,
        "statistic": signal.statistic,
        "period": signal.period_seconds,
    }


def _sum_of(signal: Signal) -> dict[str, Any]:
    """Add metrics up; SUM counts those that report and is silent only when all are."""
    queries = [
        cloudwatch.CfnAlarm.MetricDataQueryProperty(
            id=f"m{position}",
            return_data=False,
            metric_stat=cloudwatch.CfnAlarm.MetricStatProperty(
                metric=cloudwatch.CfnAlarm.MetricProperty(
                    namespace=signal.namespace,
                    metric_name=metric,
                    dimensions=[
                        cloudwatch.CfnAlarm.DimensionProperty(name=key, value=value)
                        for key, value in dimensions.items()
                    ],
                ),
                period=signal.period_seconds,
                stat=signal.statistic,
            ),
        )
        for position, (metric, dimensions) in enumerate(signal.added_up)
    ]
    total = cloudwatch.CfnAlarm.MetricDataQueryProperty(
        id="total", expression="SUM(METRICS())", label=signal.name, return_data=True
    )
    return {"metrics": [total, *queries]}
