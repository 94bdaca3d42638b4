"""Say why an alarm is in its state, in CloudWatch's words and as its machine-readable reason."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from localcloud.alarm_rules import WORDS, Rule
from localcloud.alarm_spec import Spec

Points = list[tuple[float, float | None]]  # (start of the period in seconds since the epoch, value)


def explain(spec: Spec, points: Points, state: str, now: float) -> tuple[str, str]:
    """Return the reason and the reason data of a state that these points led to."""
    real = [(start, value) for start, value in points if value is not None][-spec.rule.evaluation_periods :]
    reason = _threshold(spec.rule, real, state) if real else _nothing(spec.rule)
    statistics = {watched.statistic for watched in spec.metrics.values()}
    data = {
        "version": "1.0",
        "queryDate": _stamp(now),
        **({"startDate": _stamp(real[0][0])} if real else {}),
        **({"statistic": statistics.pop()} if len(spec.metrics) == 1 else {}),
        "period": spec.period,
        "recentDatapoints": [value for _, value in real],
        "threshold": spec.rule.threshold,
        "evaluatedDatapoints": [{"timestamp": _stamp(start), "value": value} for start, value in real[::-1]],
    }
    return reason, json.dumps(data)


def _threshold(rule: Rule, real: list[tuple[float, float]], state: str) -> str:
    breaching = [point for point in real if rule.is_breaching(point[1])]
    shown = breaching if state == "ALARM" and breaching else real
    values = ", ".join(f"{value} ({_day(start)})" for start, value in shown[::-1])
    count = len(shown)
    verb = f"{'were' if count > 1 else 'was'}{'' if state == 'ALARM' else ' not'}"
    return (
        f"Threshold Crossed: {count} {_plural(count, 'datapoint')} [{values}] {verb} "
        f"{WORDS[rule.comparison]} the threshold ({rule.threshold})."
    )


def _nothing(rule: Rule) -> str:
    count = rule.evaluation_periods
    gap = f"no datapoints were received for {count} {_plural(count, 'period')}"
    treated = {"breaching": "Breaching", "notBreaching": "NonBreaching"}.get(rule.treat_missing_data)
    if treated is None:
        return f"Insufficient Data: {gap}."
    verb = "were" if count > 1 else "was"
    filled = f"{count} missing {_plural(count, 'datapoint')} {verb} treated as [{treated}]"
    return f"Threshold Crossed: {gap} and {filled}."


def _plural(count: int, noun: str) -> str:
    return noun if count == 1 else noun + "s"


def _day(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%d/%m/%y %H:%M:%S")


def _stamp(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
