"""Starting runs: the same event is one run."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lambdas.start_run import handler as start_run
from tests.unit import shop
from trimtab import names
from trimtab.aws import clients, settings
from trimtab.errors import BadInput, Conflict

SUBJECT = {"bucket": shop.DATA, "key": "landing/shop/data/a b+é.csv", "version_id": "v1"}
EVENT = {"machine": "ingest", "time": shop.TIME, "subject": SUBJECT}


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a Step Functions client; the shop's ingest machine exists."""
    for name, value in shop.VARIABLES.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        clients._client.cache_clear()
        settings.function_settings.cache_clear()
        client = boto3.client("stepfunctions")
        client.create_state_machine(
            name="trimtab-dev-shop-ingest",
            definition='{"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}',
            roleArn=f"arn:aws:iam::{shop.ACCOUNT}:role/states",
        )
        yield client
    clients._client.cache_clear()
    settings.function_settings.cache_clear()


def start(**changes: Any) -> dict[str, Any]:
    """Deliver the event with changes."""
    return start_run.handler({**EVENT, **changes}, shop.CONTEXT)


def executions(client: Any) -> list[dict[str, Any]]:
    """List the ingest machine's executions."""
    arn = f"arn:aws:states:{shop.REGION}:{shop.ACCOUNT}:stateMachine:trimtab-dev-shop-ingest"
    found: list[dict[str, Any]] = client.list_executions(stateMachineArn=arn)["executions"]
    return found


def test_F01_the_same_event_delivered_many_times_is_one_run(states: Any) -> None:
    answers = [start(time=f"2013-02-01T06:00:{second:02d}Z") for second in range(10)]
    assert [answer["started"] for answer in answers] == [True] + [False] * 9
    assert len({answer["execution_arn"] for answer in answers}) == 1
    (execution,) = executions(states)
    values = json.loads(states.describe_execution(executionArn=execution["executionArn"])["input"])
    assert values == {
        **SUBJECT, "project": "shop", "environment": "dev", "machine": "ingest", "time": shop.TIME
    }  # fmt: skip


def test_another_version_of_the_same_key_is_another_run(states: Any) -> None:
    start()
    start(subject={**SUBJECT, "version_id": "v2"})
    assert len(executions(states)) == 2


def test_a_name_that_is_taken_by_another_subject_is_a_conflict(
    states: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "execution", lambda machine, subject: "ingest-same")
    start()
    with pytest.raises(Conflict, match="exists with another subject"):
        start(subject={**SUBJECT, "version_id": "v2"})


@pytest.mark.parametrize("changes", [{"machine": "destroy"}, {"subject": {}}, {"subject": "x"}])
def test_an_event_that_no_rule_makes_is_bad_input(changes: dict[str, Any], states: Any) -> None:
    with pytest.raises(BadInput, match="no machine"):
        start(**changes)


def test_a_naive_time_is_refused(states: Any) -> None:
    with pytest.raises(ValueError, match="has no zone"):
        start(time="2013-02-01T06:00:00")


@pytest.mark.parametrize("name", ["start_run", "commit_dataset", "record_failure"])
def test_small_functions_import_neither_pandas_nor_pyarrow(name: str) -> None:
    code = (
        f"import sys, importlib; importlib.import_module('lambdas.{name}.handler');"
        "heavy = ('pandas', 'pyarrow', 'numpy', 'pandera', 'pydantic');"
        "print([module for module in heavy if module in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
