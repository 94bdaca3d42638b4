"""Schedules: due at exactly the instants that the expression names, with the scheduled time in the input."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from botocore.exceptions import ClientError

from localcloud import LocalCloud
from localcloud.cron import BadExpression, parse, parse_cron

Queue = Callable[[str], tuple[str, str]]
Messages = Callable[[str], list[Any]]
ROLE = "arn:aws:iam::123456789012:role/scheduler"


def instants(expression: str, start: datetime, count: int, zone: str = "UTC") -> list[str]:
    cron, found, at = parse_cron(expression), [], start
    for _ in range(count):
        due = cron.next_after(at, ZoneInfo(zone))
        assert due is not None
        found.append(due.strftime("%Y-%m-%d %H:%M"))
        at = due
    return found


START = datetime(2013, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 6 * * ? *", ["2013-01-01 06:00", "2013-01-02 06:00"]),
        ("0 0 1 * ? *", ["2013-02-01 00:00", "2013-03-01 00:00"]),
        ("0/20 8-9 ? * MON-FRI *", ["2013-01-01 08:00", "2013-01-01 08:20"]),
        ("15 10 ? * 6L 2013-2014", ["2013-01-25 10:15", "2013-02-22 10:15"]),
        ("0 12 ? * 2#1 *", ["2013-01-07 12:00", "2013-02-04 12:00"]),
        ("0 0 L * ? *", ["2013-01-31 00:00", "2013-02-28 00:00"]),
        ("0 0 1W * ? *", ["2013-02-01 00:00", "2013-03-01 00:00"]),
        ("0 0 29 2 ? *", ["2016-02-29 00:00", "2020-02-29 00:00"]),
        ("30 5 ? JAN,MAR SUN *", ["2013-01-06 05:30", "2013-01-13 05:30"]),
        ("0 0 ? * FRI-MON *", ["2013-01-04 00:00", "2013-01-05 00:00"]),
    ],
)
def test_cron_names_these_instants(expression: str, expected: list[str]) -> None:
    assert instants(expression, START, 2) == expected


def test_cron_follows_a_zone_over_the_change_of_clocks() -> None:
    march = datetime(2013, 3, 30, tzinfo=UTC)
    assert instants("30 2 * * ? *", march, 3, "Europe/Berlin") == [
        "2013-03-30 01:30",
        "2013-04-01 00:30",  # there was no half past two on the 31st
        "2013-04-02 00:30",
    ]


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 6 * * *)",
        "cron(0 6 * * * *)",
        "cron(0 25 * * ? *)",
        "rate(1 days)",
        "rate(5 minute)",
        "every day",
    ],
)
def test_what_aws_refuses_is_refused(expression: str) -> None:
    with pytest.raises(BadExpression):
        parse(expression)


def test_a_year_that_has_passed_is_never_due() -> None:
    assert parse_cron("0 0 1 1 ? 2012").next_after(START) is None


def schedule(cloud: LocalCloud, name: str, expression: str, arn: str, **settings: Any) -> None:
    target = {"Arn": arn, "RoleArn": ROLE, **settings.pop("Target", {})}
    cloud.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression=expression,
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=target,
        **settings,
    )


def test_schedules_fire_in_order_at_their_times(
    cloud: LocalCloud, make_queue: Queue, messages: Messages
) -> None:
    url, arn = make_queue("ticks")
    text = '{"name": "%s", "time": "<aws.scheduler.scheduled-time>", "id": "<aws.scheduler.execution-id>"}'
    schedule(cloud, "daily", "cron(0 6 * * ? *)", arn, Target={"Input": text % "daily"})
    schedule(cloud, "often", "rate(12 hours)", arn, Target={"Input": text % "often"})
    schedule(
        cloud,
        "berlin",
        "cron(0 7 * * ? *)",
        arn,
        Target={"Input": text % "berlin"},
        ScheduleExpressionTimezone="Europe/Berlin",
    )
    schedule(cloud, "off", "rate(1 hour)", arn, Target={"Input": text % "off"}, State="DISABLED")
    schedule(cloud, "once", "at(2013-01-02T03:04:05)", arn, Target={"Input": text % "once"})
    cloud.advance_to(START + timedelta(days=2), 20)
    found = [(one["time"], one["name"]) for one in messages(url)]
    assert sorted(found) == [
        ("2013-01-01T06:00:00Z", "berlin"),
        ("2013-01-01T06:00:00Z", "daily"),
        ("2013-01-01T12:00:00Z", "often"),
        ("2013-01-02T00:00:00Z", "often"),
        ("2013-01-02T03:04:05Z", "once"),
        ("2013-01-02T06:00:00Z", "berlin"),
        ("2013-01-02T06:00:00Z", "daily"),
        ("2013-01-02T12:00:00Z", "often"),
        ("2013-01-03T00:00:00Z", "often"),
    ]
    for name in ("daily", "often", "berlin", "off", "once"):
        cloud.client("scheduler").delete_schedule(Name=name)
    cloud.advance_to(START + timedelta(days=4), 20)
    assert messages(url) == []


def test_a_function_is_called_with_the_scheduled_time(
    cloud: LocalCloud, make_function: Callable[..., str], make_queue: Queue, messages: Messages
) -> None:
    url, _ = make_queue("called")
    source = (
        "import boto3, json\n\ndef handler(event, context):\n"
        f"    boto3.client('sqs').send_message(QueueUrl='{url}', MessageBody=json.dumps(event))\n"
    )
    function = make_function("scheduled", source)
    schedule(
        cloud, "call", "rate(1 day)", function, Target={"Input": '{"at": "<aws.scheduler.scheduled-time>"}'}
    )
    due = cloud.now() + timedelta(days=1)
    cloud.advance_to(due, 20)
    assert messages(url) == [{"at": due.strftime("%Y-%m-%dT%H:%M:%SZ")}]
    cloud.client("scheduler").delete_schedule(Name="call")


def test_what_cannot_be_delivered_lands_in_the_dead_letter_queue(
    cloud: LocalCloud, make_queue: Queue, messages: Messages
) -> None:
    url, arn = make_queue("schedule-dead-letters")
    gone = f"arn:aws:lambda:{cloud.region}:{cloud.account}:function:there-is-none"
    target = {"Input": '{"n": 1}', "DeadLetterConfig": {"Arn": arn}}
    schedule(cloud, "dead", "rate(1 hour)", gone, Target=target)
    cloud.advance_to(cloud.now() + timedelta(hours=1), 20)
    assert messages(url) == [{"n": 1}]
    cloud.client("scheduler").delete_schedule(Name="dead")


def test_scheduled_rules_fire_as_well(cloud: LocalCloud, make_queue: Queue, messages: Messages) -> None:
    url, arn = make_queue("rule-ticks")
    events = cloud.client("events")
    events.put_rule(Name="ticking", ScheduleExpression="rate(1 day)")
    events.put_targets(Rule="ticking", Targets=[{"Id": "T", "Arn": arn}])
    cloud.advance_to(cloud.now() + timedelta(days=2), 20)
    found = messages(url)
    assert [one["detail-type"] for one in found] == ["Scheduled Event"] * 2
    events.disable_rule(Name="ticking")


def test_a_bad_expression_is_refused_when_it_is_created(cloud: LocalCloud) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        schedule(cloud, "bad", "cron(0 99 * * ? *)", "arn:aws:sqs:us-east-1:123456789012:q")
