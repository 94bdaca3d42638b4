"""Alarms say what silence means, whom they tell and what to do."""

import re
from pathlib import Path

import pytest

from tests.infrastructure.templates import Templates

SIGNALS = {
    "drift": "notBreaching",
    "decay": "notBreaching",
    "heartbeat": "breaching",
    "quarantine": "notBreaching",
    "refused": "notBreaching",
    "undetermined": "notBreaching",
    "dead-letters": "notBreaching",
    "workflow-failures": "notBreaching",
    "start-failures": "notBreaching",
}


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_every_signal_has_an_alarm_that_decides_what_silence_means(
    templates: Templates, environment: str
) -> None:
    found = {
        alarm.properties["AlarmName"]: alarm.properties["TreatMissingData"]
        for alarm in templates.resources("AWS::CloudWatch::Alarm", environment.capitalize())
    }
    assert found == {
        f"trimtab-{environment}-flights-{signal}": silence for signal, silence in SIGNALS.items()
    }


def test_every_alarm_tells_the_topic_and_names_its_runbook(templates: Templates) -> None:
    for alarm in templates.resources("AWS::CloudWatch::Alarm"):
        environment, signal = re.fullmatch(
            r"trimtab-(\w+)-flights-([a-z-]+)", alarm.properties["AlarmName"]
        ).groups()  # type: ignore[union-attr]
        topic = f"arn:${{AWS::Partition}}:sns:us-east-1:${{AWS::AccountId}}:trimtab-{environment}-alerts"
        assert alarm.properties["AlarmActions"] == [topic]
        assert alarm.properties["ActionsEnabled"] is True
        assert alarm.properties["AlarmDescription"].endswith(f"docs/runbook.md#{signal}")


def test_runbook_has_a_section_for_every_alarm(root: Path) -> None:
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("#").strip().lower()).replace(" ", "-")
        for line in (root / "docs/runbook.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("#")
    }
    assert set(SIGNALS) <= headings


def test_workflow_failures_counts_every_machine(templates: Templates) -> None:
    alarm = templates.one("AWS::CloudWatch::Alarm", AlarmName="trimtab-dev-flights-workflow-failures")
    total, *parts = alarm.properties["Metrics"]
    watched = {
        (part["MetricStat"]["Metric"]["MetricName"], dimension["Value"].rpartition("-")[2])
        for part in parts
        for dimension in part["MetricStat"]["Metric"]["Dimensions"]
    }
    machines = ("ingest", "train", "deploy", "monitor")
    assert watched == {
        (metric, machine) for metric in ("ExecutionsFailed", "ExecutionsTimedOut") for machine in machines
    }
    assert total["Expression"] == "SUM(METRICS())"
    assert [part["ReturnData"] for part in alarm.properties["Metrics"]] == [True] + [False] * len(parts)


def test_heartbeat_forgives_the_day_that_has_just_begun(templates: Templates) -> None:
    alarm = templates.one("AWS::CloudWatch::Alarm", AlarmName="trimtab-dev-flights-heartbeat").properties
    assert (alarm["Period"], alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (86_400, 2, 2)
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
