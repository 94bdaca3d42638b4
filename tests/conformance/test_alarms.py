"""Alarms: states as CloudWatch documents them, at the clock's time, with events and actions."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud import LocalCloud
from localcloud.alarm_rules import Rule, decide
from localcloud.metric_math import Expression, Unsupported

Queue = Callable[[str], tuple[str, str]]
Messages = Callable[[str], list[Any]]
MISSING = ("missing", "ignore", "breaching", "notBreaching")
KEEP = "keep"


# The tables of CloudWatch's documentation: oldest first, 0 within the threshold, X beyond it, - missing.
@pytest.mark.parametrize(
    ("points", "needed", "expected"),
    [
        ("0-X-X", 3, ("OK", "OK", "OK", "OK")),
        ("0----", 3, ("OK", "OK", "OK", "OK")),
        ("-----", 3, ("INSUFFICIENT_DATA", KEEP, "ALARM", "OK")),
        ("0XX-X", 3, ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("--X--", 3, ("ALARM", KEEP, "ALARM", "OK")),
        ("----X", 3, (KEEP, KEEP, "ALARM", "OK")),
        ("0-X-X", 2, ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("00X0X", 2, ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("0-X--", 2, ("OK", "OK", "ALARM", "OK")),
        ("----0", 2, ("OK", "OK", "ALARM", "OK")),
        ("---X-", 2, ("ALARM", KEEP, "ALARM", "OK")),
    ],
)
@pytest.mark.parametrize("current", ["OK", "ALARM", "INSUFFICIENT_DATA"])
def test_missing_data_is_treated_as_documented(
    points: str, needed: int, expected: tuple[str, ...], current: Any
) -> None:
    values = [{"0": 0.0, "X": 9.0, "-": None}[mark] for mark in points]
    for treatment, state in zip(MISSING, expected, strict=True):
        rule = Rule(
            comparison="GreaterThanThreshold",
            threshold=1.0,
            evaluation_periods=3,
            datapoints_to_alarm=needed,
            treat_missing_data=treatment,  # type: ignore[arg-type]
        )
        assert decide(values, rule, current) == (current if state == KEEP else state), treatment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b", [1.0, None, None]),
        ("SUM([a, b])", [1.0, 2.0, 3.0]),
        ("MAX(METRICS())", [1.0, 2.0, 3.0]),
        ("FILL(a, 0) + FILL(b, REPEAT)", [1.0, 2.0, 5.0]),
        ("IF(b > 0, a / b, 0)", [0.0, None, None]),
        ("IF(FILL(b, 0) > 1 AND 1, 7, -1)", [-1.0, 7.0, -1.0]),
        ("SUM(FILL(METRICS(), 0)) * 100", [100.0, 200.0, 300.0]),
        ("a / b", [None, None, None]),
        ("5", [5.0, 5.0, 5.0]),
    ],
)
def test_metric_math_is_worked_out(text: str, expected: list[float | None]) -> None:
    series: dict[str, list[float | None]] = {"a": [1.0, None, 3.0], "b": [0.0, 2.0, None]}
    assert Expression(text).evaluate(series, 3) == expected


@pytest.mark.parametrize("text", ["ANOMALY_DETECTION_BAND(a)", "a +", "__import__('os')"])
def test_other_metric_math_is_refused(text: str) -> None:
    with pytest.raises(Unsupported):
        Expression(text)


def put(cloud: LocalCloud, name: str, **more: Any) -> None:
    settings = {
        "Namespace": name,
        "MetricName": "Signal",
        "Statistic": "Maximum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
        **more,
    }
    if "Metrics" in settings:
        for key in ("Namespace", "MetricName", "Statistic", "Period"):
            del settings[key]
    cloud.client("cloudwatch").put_metric_alarm(AlarmName=name, **settings)


def report(cloud: LocalCloud, namespace: str, value: float, metric: str = "Signal") -> None:
    data = [{"MetricName": metric, "Value": value}]
    cloud.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=data)


def state(cloud: LocalCloud, name: str) -> str:
    answer = cloud.client("cloudwatch").describe_alarms(AlarmNames=[name])
    value: str = answer["MetricAlarms"][0]["StateValue"]
    return value


def advance(cloud: LocalCloud, **span: float) -> None:
    cloud.advance_to(cloud.now() + timedelta(**span), 30)


def test_a_new_alarm_has_no_data_and_soon_a_state(cloud: LocalCloud) -> None:
    put(cloud, "new")
    assert state(cloud, "new") == "INSUFFICIENT_DATA"
    advance(cloud, minutes=1)
    assert state(cloud, "new") == "OK"


def test_an_alarm_needs_m_of_n_periods(cloud: LocalCloud) -> None:
    put(cloud, "m-of-n", EvaluationPeriods=3, DatapointsToAlarm=2)
    advance(cloud, minutes=1)
    seen = []
    for value in (1, 0, 1, 0, 0):
        report(cloud, "m-of-n", value)
        advance(cloud, minutes=1)
        seen.append(state(cloud, "m-of-n"))
    assert seen == ["OK", "OK", "ALARM", "OK", "OK"]


def test_the_heartbeat_alarm_fires_when_data_stop(cloud: LocalCloud) -> None:
    day = 86_400
    beat = {"ComparisonOperator": "LessThanThreshold", "TreatMissingData": "breaching", "Period": day}
    put(cloud, "heartbeat", **beat)
    for _ in range(3):
        report(cloud, "heartbeat", 1)
        advance(cloud, days=1)
        assert state(cloud, "heartbeat") == "OK"
    advance(cloud, days=4)
    assert state(cloud, "heartbeat") == "ALARM"
    report(cloud, "heartbeat", 1)
    advance(cloud, minutes=1)
    assert state(cloud, "heartbeat") == "OK"


def test_a_wall_clock_window_judges_each_day_when_it_is_over(cloud: LocalCloud) -> None:
    midnight = (cloud.now() + timedelta(days=1)).replace(hour=0, minute=0, second=0)
    cloud.advance_to(midnight, 30)
    beat = {"ComparisonOperator": "LessThanThreshold", "TreatMissingData": "breaching", "Period": 86_400}
    put(cloud, "daily", **beat, EvaluationWindow={"WallClockWindow": {}})
    advance(cloud, hours=12)
    report(cloud, "daily", 1)
    assert state(cloud, "daily") == "INSUFFICIENT_DATA"
    advance(cloud, hours=12)
    assert state(cloud, "daily") == "OK"
    advance(cloud, hours=23)
    assert state(cloud, "daily") == "OK"
    advance(cloud, hours=1)
    assert state(cloud, "daily") == "ALARM"


def test_a_change_of_state_is_an_event_a_message_and_history(
    cloud: LocalCloud, make_queue: Queue, messages: Messages
) -> None:
    event_url, event_arn = make_queue("alarm-events")
    mail_url, mail_arn = make_queue("alarm-mail")
    topic = cloud.client("sns").create_topic(Name="alerts")["TopicArn"]
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=mail_arn)
    events = cloud.client("events")
    pattern = {"source": ["aws.cloudwatch"], "detail": {"alarmName": ["told"], "state": {"value": ["ALARM"]}}}
    events.put_rule(Name="told", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="told", Targets=[{"Id": "1", "Arn": event_arn}])
    put(cloud, "told", AlarmActions=[topic], OKActions=[topic], AlarmDescription="why")
    advance(cloud, minutes=1)
    report(cloud, "told", 2)
    advance(cloud, minutes=1)
    (event,) = messages(event_url)
    assert event["detail-type"] == "CloudWatch Alarm State Change"
    assert event["resources"] == [f"arn:aws:cloudwatch:{cloud.region}:{cloud.account}:alarm:told"]
    detail = event["detail"]
    assert set(detail) == {"alarmName", "configuration", "previousState", "state"}
    assert detail["previousState"]["value"] == "OK"
    assert detail["state"]["reason"].startswith("Threshold Crossed: 1 datapoint [2.0 (")
    assert json.loads(detail["state"]["reasonData"])["recentDatapoints"] == [2.0]
    (metric,) = detail["configuration"]["metrics"]
    assert metric["metricStat"]["metric"] == {"namespace": "told", "name": "Signal", "dimensions": {}}
    told = [json.loads(mail["Message"]) for mail in messages(mail_url)]
    assert [mail["NewStateValue"] for mail in told] == ["OK", "ALARM"]
    assert told[1]["Trigger"]["MetricName"] == "Signal"
    items = cloud.client("cloudwatch").describe_alarm_history(AlarmName="told")["AlarmHistoryItems"]
    assert [item["HistorySummary"] for item in items] == [
        "Alarm updated from OK to ALARM",
        "Alarm updated from INSUFFICIENT_DATA to OK",
        'Alarm "told" created',
    ]


def test_an_alarm_calls_a_function(
    cloud: LocalCloud, make_function: Callable[..., str], make_queue: Queue, messages: Messages
) -> None:
    url, _ = make_queue("called")
    source = f"""
import json, boto3
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl={url!r}, MessageBody=json.dumps(event))
"""
    put(cloud, "calling", AlarmActions=[make_function("called", source)])
    report(cloud, "calling", 1)
    advance(cloud, minutes=1)
    (event,) = messages(url)
    assert event["source"] == "aws.cloudwatch"
    assert event["alarmData"]["state"]["value"] == "ALARM"


def test_set_alarm_state_acts_and_lasts_until_the_next_evaluation(
    cloud: LocalCloud, make_queue: Queue, messages: Messages
) -> None:
    url, arn = make_queue("by-hand")
    topic = cloud.client("sns").create_topic(Name="by-hand")["TopicArn"]
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    put(cloud, "by-hand", AlarmActions=[topic])
    advance(cloud, minutes=1)
    cloudwatch = cloud.client("cloudwatch")
    cloudwatch.set_alarm_state(AlarmName="by-hand", StateValue="ALARM", StateReason="testing")
    cloud.settle(20)
    assert state(cloud, "by-hand") == "ALARM"
    assert len(messages(url)) == 1
    advance(cloud, minutes=1)
    assert state(cloud, "by-hand") == "OK"
    cloudwatch.disable_alarm_actions(AlarmNames=["by-hand"])
    cloudwatch.set_alarm_state(AlarmName="by-hand", StateValue="ALARM", StateReason="testing")
    cloud.settle(20)
    assert messages(url) == []


def test_an_update_keeps_the_state_and_a_deleted_alarm_is_quiet(cloud: LocalCloud) -> None:
    put(cloud, "kept")
    report(cloud, "kept", 5)
    advance(cloud, minutes=1)
    put(cloud, "kept", Threshold=4.0)
    assert state(cloud, "kept") == "ALARM"
    cloud.client("cloudwatch").delete_alarms(AlarmNames=["kept"])
    report(cloud, "kept", 5)
    advance(cloud, minutes=1)
    assert cloud.client("cloudwatch").describe_alarms(AlarmNames=["kept"])["MetricAlarms"] == []


def test_metric_math_over_two_metrics_raises_one_alarm(cloud: LocalCloud) -> None:
    def query(identity: str, metric: str) -> dict[str, Any]:
        stat = {"Metric": {"Namespace": "math", "MetricName": metric}, "Period": 60, "Stat": "Sum"}
        return {"Id": identity, "MetricStat": stat, "ReturnData": False}

    metrics = [query("failed", "Failed"), query("timed", "TimedOut")]
    put(cloud, "math", Metrics=[*metrics, {"Id": "all", "Expression": "SUM([failed, timed])"}])
    report(cloud, "math", 0, "Failed")
    advance(cloud, minutes=1)
    assert state(cloud, "math") == "OK"
    report(cloud, "math", 1, "TimedOut")
    advance(cloud, minutes=1)
    assert state(cloud, "math") == "ALARM"


def test_a_queues_depth_is_watched(cloud: LocalCloud, make_queue: Queue) -> None:
    url, _ = make_queue("dead-letters")
    put(
        cloud,
        "dead-letters",
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Dimensions=[{"Name": "QueueName", "Value": "dead-letters"}],
        Period=300,
    )
    advance(cloud, minutes=1)
    assert state(cloud, "dead-letters") == "OK"
    cloud.client("sqs").send_message(QueueUrl=url, MessageBody="x")
    advance(cloud, minutes=1)
    assert state(cloud, "dead-letters") == "ALARM"
    advance(cloud, hours=6)
    assert state(cloud, "dead-letters") == "ALARM"
    cloud.client("sqs").purge_queue(QueueUrl=url)
    advance(cloud, minutes=30)
    assert state(cloud, "dead-letters") == "OK"


@pytest.mark.parametrize(
    "wrong",
    [
        {"Period": 86_400, "EvaluationPeriods": 8},
        {"EvaluationPeriods": 2, "DatapointsToAlarm": 3},
        {"TreatMissingData": "notbreaching"},
        {"Period": 45},
    ],
)
def test_an_alarm_that_cloudwatch_refuses_is_refused(cloud: LocalCloud, wrong: dict[str, Any]) -> None:
    with pytest.raises(ClientError):
        put(cloud, "refused", **wrong)
    assert cloud.client("cloudwatch").describe_alarms(AlarmNames=["refused"])["MetricAlarms"] == []


def test_an_alarm_is_looked_at_only_when_its_outcome_can_change(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    from localcloud.alarm_evaluator import Evaluator

    put(cloud, "idle")
    advance(cloud, minutes=1)
    looked: list[tuple[str, datetime]] = []
    original = Evaluator._evaluate

    def counting(self: Evaluator, entry: Any, now: float) -> None:
        looked.append((entry.alarm.name, cloud.now()))
        original(self, entry, now)

    monkeypatch.setattr(Evaluator, "_evaluate", counting)
    advance(cloud, days=7)
    assert [at for name, at in looked if name == "idle"] == []
    report(cloud, "idle", 0)
    advance(cloud, days=7)
    assert 0 < len([at for name, at in looked if name == "idle"]) < 10
