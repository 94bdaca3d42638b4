"""Rules and schedules start runs, say what the run is about, and lose nothing."""

import json
import re
from typing import Any

import pytest

from localcloud.event_input import target_input
from tests.infrastructure.conftest import Larger
from tests.infrastructure.templates import Templates

TIME = "2013-03-05T06:00:00Z"
FUNCTION = "arn:${AWS::Partition}:lambda:us-east-1:${AWS::AccountId}:function:trimtab-dev-flights-start-run"
QUEUE = "arn:${AWS::Partition}:sqs:us-east-1:${AWS::AccountId}:trimtab-dev-dead-letters"
PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/trimtab-dev-flights/3"
UPLOAD = {
    "bucket": {"name": "b"},
    "object": {"key": 'landing/flights/data/a "b".csv', "version-id": "v1", "size": 3},
}
# What each rule makes of an event: machine and subject.
MESSAGES: dict[str, tuple[dict[str, Any], str, dict[str, str]]] = {
    "uploads": (
        UPLOAD,
        "ingest",
        {"bucket": "b", "key": 'landing/flights/data/a "b".csv', "version_id": "v1"},
    ),
    "dataset-committed": (
        {"dataset_id": "d1"},
        "train",
        {"reason": "data", "cause": "d1", "at": TIME},
    ),
    "drift-alarm": (
        {"alarmName": "trimtab-dev-flights-drift"},
        "train",
        {"reason": "drift", "cause": "trimtab-dev-flights-drift", "at": TIME},
    ),
    "decay-alarm": (
        {"alarmName": "trimtab-dev-flights-decay"},
        "train",
        {"reason": "decay", "cause": "trimtab-dev-flights-decay", "at": TIME},
    ),
    "retrain-requested": (
        {"cause": "2013-03"},
        "train",
        {"reason": "pending", "cause": "2013-03", "at": TIME},
    ),
    "approvals": (
        {"ModelPackageArn": PACKAGE},
        "deploy",
        {
            "action": "promote",
            "package_arn": PACKAGE,
            "actor": "registry",
            "reason": "approved in the model registry",
            "at": TIME,
        },
    ),
}


def rules(templates: Templates) -> dict[str, dict[str, Any]]:
    """Map the rules of the flights project in dev by purpose."""
    prefix = "trimtab-dev-flights-"
    return {
        rule.properties["Name"].removeprefix(prefix): rule.properties
        for rule in templates.resources("AWS::Events::Rule", "Dev-Flights")
    }


def test_rules_are_those_that_the_project_asks_for(templates: Templates, larger: Larger) -> None:
    assert set(rules(templates)) == set(MESSAGES)
    names = [
        rule.properties["Name"] for rule in larger.templates.resources("AWS::Events::Rule", "Dev-Orders")
    ]
    assert sorted(names) == [
        "trimtab-dev-orders-approvals",
        "trimtab-dev-orders-decay-alarm",
        "trimtab-dev-orders-retrain-requested",
        "trimtab-dev-orders-uploads",
    ]


@pytest.mark.parametrize("purpose", MESSAGES)
def test_rule_tells_start_run_machine_time_and_subject(templates: Templates, purpose: str) -> None:
    detail, machine, subject = MESSAGES[purpose]
    (target,) = rules(templates)[purpose]["Targets"]
    event = {"time": TIME, "detail": detail}
    message = json.loads(target_input(event, target, rule_arn="arn", rule_name=purpose))
    assert message == {"machine": machine, "time": TIME, "subject": subject}
    assert target["Arn"] == FUNCTION


def test_every_rule_keeps_what_it_cannot_deliver_and_may_call_its_target(templates: Templates) -> None:
    permissions = {
        (one.stack, one.properties["SourceArn"])
        for one in templates.resources("AWS::Lambda::Permission")
        if one.properties["Principal"] == "events.amazonaws.com"
    }
    found = list(templates.resources("AWS::Events::Rule"))
    assert found
    for rule in found:
        assert rule.properties["State"] == "ENABLED"
        for target in rule.properties["Targets"]:
            assert target["DeadLetterConfig"]["Arn"].endswith("-dead-letters")
            assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185}
        assert (rule.stack, f"${{{rule.id}.Arn}}") in permissions


def test_every_schedule_keeps_what_it_cannot_deliver_and_names_its_due_time(templates: Templates) -> None:
    found = {
        one.properties["Name"]: one.properties for one in templates.resources("AWS::Scheduler::Schedule")
    }
    assert sorted(found) == [
        "trimtab-dev-flights-monitor",
        "trimtab-dev-flights-train",
        "trimtab-prod-flights-monitor",
        "trimtab-prod-flights-train",
    ]
    for name, schedule in found.items():
        assert schedule["Target"]["DeadLetterConfig"]["Arn"].endswith("-dead-letters")
        assert schedule["ScheduleExpressionTimezone"] == "UTC"
        assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
        message = json.loads(schedule["Target"]["Input"].replace("<aws.scheduler.scheduled-time>", TIME))
        subject = (
            {"scheduled_time": TIME}
            if name.endswith("monitor")
            else {"reason": "schedule", "cause": TIME, "at": TIME}
        )
        assert message == {"machine": name.rpartition("-")[2], "time": TIME, "subject": subject}


def test_events_that_the_function_fails_on_are_kept_too(templates: Templates) -> None:
    function = templates.one("AWS::Lambda::Function", FunctionName="trimtab-dev-flights-start-run")
    assert function.properties["DeadLetterConfig"] == {"TargetArn": QUEUE}


def test_only_alarms_that_go_off_retrain(templates: Templates) -> None:
    for signal in ("drift", "decay"):
        pattern = rules(templates)[f"{signal}-alarm"]["EventPattern"]
        assert pattern["detail"] == {
            "alarmName": [f"trimtab-dev-flights-{signal}"],
            "state": {"value": ["ALARM"]},
        }


def test_names_fit_into_what_aws_allows(larger: Larger) -> None:
    named = {
        "AWS::Events::Rule": "Name",
        "AWS::Scheduler::Schedule": "Name",
        "AWS::Lambda::Function": "FunctionName",
        "AWS::StepFunctions::StateMachine": "StateMachineName",
    }
    longest = f"trimtab-{'e' * 10}-{'p' * 24}"
    for kind, field in named.items():
        for one in larger.templates.resources(kind):
            name = re.sub(r"^trimtab-\w+-(flights|orders)", longest, one.properties[field])
            assert name.startswith(longest)
            assert len(name) <= 64, name
