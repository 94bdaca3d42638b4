"""What happens when an alarm changes state: its history, the event on the bus, and its actions."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moto.cloudwatch.models import Alarm, MetricDataQuery

from localcloud.bridges import aware, iso_seconds
from localcloud.context import Context

LOG = logging.getLogger("localcloud.alarms")
TITLE = "CloudWatch Alarm State Change"
PLACES = {"us-east-1": "US East (N. Virginia)"}  # as CloudWatch calls a region in its notifications


@dataclass(frozen=True, slots=True)
class Standing:
    """Hold an alarm's state with its reason, as it was at one moment."""

    value: str
    reason: str
    reason_data: str
    since: datetime

    @classmethod
    def of(cls, alarm: Alarm) -> Standing:
        """Return how an alarm stands now."""
        return cls(
            alarm.state_value, alarm.state_reason, alarm.state_reason_data, alarm.state_updated_timestamp
        )

    def as_event(self) -> dict[str, Any]:
        """Write it as events carry it."""
        written = {"value": self.value, "reason": self.reason, "timestamp": _stamp(self.since)}
        if self.reason_data and self.reason_data != "{}":
            written["reasonData"] = self.reason_data
        return written


def state_changed(context: Context, alarm: Alarm, before: Standing, *, period: int) -> None:
    """Emit the event and perform the actions of an alarm that has just changed its state."""
    after = Standing.of(alarm)
    detail = {
        "alarmName": alarm.name,
        "configuration": configuration(alarm),
        "previousState": before.as_event(),
        "state": after.as_event(),
    }
    context.emit_event("aws.cloudwatch", TITLE, detail, [alarm.alarm_arn])
    if not alarm.actions_enabled:
        return
    for arn in _actions(alarm, after.value):
        context.clock.spawn(_act, context, alarm, arn, before, period, name=f"alarm action of {alarm.name}")


def _actions(alarm: Alarm, state: str) -> Sequence[str]:
    if state == "ALARM":
        return alarm.alarm_actions or ()
    return (alarm.ok_actions if state == "OK" else alarm.insufficient_data_actions) or ()


def _act(context: Context, alarm: Alarm, arn: str, before: Standing, period: int) -> None:
    service = arn.split(":")[2]
    if service == "sns":
        subject = f'{alarm.state_value}: "{alarm.name}" in {_place(context.region)}'[:100]
        message = json.dumps(notification(context, alarm, before, period))
        context.client("sns").publish(TopicArn=arn, Subject=subject, Message=message)
    elif service == "lambda":
        payload = json.dumps(_for_function(context, alarm, before))
        context.client("lambda").invoke(FunctionName=arn, InvocationType="Event", Payload=payload)
    else:
        LOG.warning("the action %s of the alarm %s has no local counterpart: nothing done", arn, alarm.name)


def notification(context: Context, alarm: Alarm, before: Standing, period: int) -> dict[str, Any]:
    """Write what CloudWatch sends to a topic."""
    trigger: dict[str, Any] = {
        "Period": period,
        "EvaluationPeriods": alarm.evaluation_periods,
        "DatapointsToAlarm": alarm.datapoints_to_alarm or alarm.evaluation_periods,
        "ComparisonOperator": alarm.comparison_operator,
        "Threshold": alarm.threshold,
        "TreatMissingData": alarm.treat_missing_data or "missing",
        "EvaluateLowSampleCountPercentile": "",
    }
    if alarm.metric_data_queries:
        trigger["Metrics"] = [_notified_query(query) for query in alarm.metric_data_queries]
    else:
        trigger |= {
            "MetricName": alarm.metric_name,
            "Namespace": alarm.namespace,
            "StatisticType": "Statistic",
            "Statistic": (alarm.statistic or alarm.extended_statistic or "").upper(),
            "Unit": alarm.unit,
            "Dimensions": [{"value": item.value, "name": item.name} for item in alarm.dimensions],
        }
    return {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": context.account,
        "AlarmConfigurationUpdatedTimestamp": _stamp(alarm.configuration_updated_timestamp),
        "NewStateValue": alarm.state_value,
        "NewStateReason": alarm.state_reason,
        "StateChangeTime": _stamp(alarm.state_updated_timestamp),
        "Region": _place(context.region),
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": before.value,
        "OKActions": list(alarm.ok_actions),
        "AlarmActions": list(alarm.alarm_actions or ()),
        "InsufficientDataActions": list(alarm.insufficient_data_actions),
        "Trigger": trigger,
    }


def _for_function(context: Context, alarm: Alarm, before: Standing) -> dict[str, Any]:
    return {
        "source": "aws.cloudwatch",
        "alarmArn": alarm.alarm_arn,
        "accountId": context.account,
        "time": iso_seconds(alarm.state_updated_timestamp),
        "region": context.region,
        "alarmData": {
            "alarmName": alarm.name,
            "state": Standing.of(alarm).as_event(),
            "previousState": before.as_event(),
            "configuration": configuration(alarm),
        },
    }


def configuration(alarm: Alarm) -> dict[str, Any]:
    """Write what an alarm watches as its events do."""
    described = {"description": alarm.description} if alarm.description else {}
    if alarm.metric_data_queries:
        return {**described, "metrics": [_query(query) for query in alarm.metric_data_queries]}
    metric = {
        "namespace": alarm.namespace,
        "name": alarm.metric_name,
        "dimensions": {item.name: item.value for item in alarm.dimensions},
    }
    stat = {"metric": metric, "period": alarm.period, "stat": alarm.statistic or alarm.extended_statistic}
    identity = str(uuid.uuid5(uuid.NAMESPACE_URL, alarm.alarm_arn))
    return {**described, "metrics": [{"id": identity, "metricStat": stat, "returnData": True}]}


def _query(query: MetricDataQuery) -> dict[str, Any]:
    written: dict[str, Any] = {"id": query.id, "returnData": _returns(query)}
    if query.expression:
        written["expression"] = query.expression
    if query.label:
        written["label"] = query.label
    if (stat := query.metric_stat) is not None:
        metric = {
            "namespace": stat.metric.namespace,
            "name": stat.metric.metric_name,
            "dimensions": {item.name: item.value for item in stat.metric.dimensions},
        }
        written["metricStat"] = {"metric": metric, "period": stat.period, "stat": stat.stat}
    return written


def _notified_query(query: MetricDataQuery) -> dict[str, Any]:
    written: dict[str, Any] = {"Id": query.id, "ReturnData": _returns(query)}
    if query.expression:
        written["Expression"] = query.expression
    if query.label:
        written["Label"] = query.label
    if (stat := query.metric_stat) is not None:
        metric = {
            "Namespace": stat.metric.namespace,
            "MetricName": stat.metric.metric_name,
            "Dimensions": [{"value": item.value, "name": item.name} for item in stat.metric.dimensions],
        }
        written["MetricStat"] = {"Metric": metric, "Period": stat.period, "Stat": stat.stat}
    return written


def _returns(query: MetricDataQuery) -> bool:
    return str(query.return_data).lower() != "false"  # absent means true


def _place(region: str) -> str:
    return PLACES.get(region, region)


def _stamp(instant: datetime) -> str:
    return aware(instant).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
