"""The texts of the train and deploy machines: bounded, caught and closed, whatever happens in them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

WORKFLOWS = Path(__file__).parents[2] / "pipelines" / "workflows"
MACHINES = ("train", "deploy")
COMMON = {
    "Environment",
    "Project",
    "DataBucket",
    "ModelBucket",
    "TrainingRoleArn",
    "ServingRoleArn",
    "KeyArn",
}
FUNCTIONS = {
    "train": {"PlanTraining", "JudgeChallenger", "RegisterModel", "RecordFailure"},
    "deploy": {"PlanDeployment", "SmokeTest", "MoveChampion", "RecordFailure"},
}


def text(machine: str) -> str:
    return (WORKFLOWS / f"{machine}.asl.json").read_text(encoding="utf-8")


def states(machine: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(text(machine))["States"]
    return found


def followers(state: dict[str, Any]) -> set[str]:
    steps = [state, *state.get("Choices", []), *state.get("Catch", [])]
    return {step[name] for step in steps for name in ("Next", "Default") if name in step}


@pytest.mark.parametrize("machine", MACHINES)
def test_every_state_is_reached_and_leads_to_an_end(machine: str) -> None:
    known = states(machine)
    reached, ahead = set(), {json.loads(text(machine))["StartAt"]}
    while ahead:
        name = ahead.pop()
        reached.add(name)
        ahead |= followers(known[name]) - reached
    assert reached == set(known)
    for name, state in known.items():
        assert followers(state) or state["Type"] in ("Succeed", "Fail"), name


@pytest.mark.parametrize("machine", MACHINES)
def test_every_task_ends_in_time_and_every_error_is_recorded(machine: str) -> None:
    known = states(machine)
    for name, state in known.items():
        if state["Type"] != "Task":
            continue
        assert "TimeoutSeconds" in state or "TimeoutSecondsPath" in state, name
        assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name
        for retry in state.get("Retry", []):
            assert not {"States.ALL", "States.TaskFailed"} & set(retry["ErrorEquals"]), name
            assert "MaxAttempts" in retry, name
    ends = {"Failed", "FailedUnrecorded"}
    assert followers(known["RecordFailure"]) == ends
    assert {name for name, state in known.items() if state["Type"] == "Fail"} == ends
    assert [name for name, state in known.items() if followers(state) & ends] == ["RecordFailure"]


@pytest.mark.parametrize("machine", MACHINES)
def test_only_agreed_names_are_substituted(machine: str) -> None:
    used = set(re.findall(r"\$\{(\w+)\}", text(machine)))
    assert used <= COMMON | {"EventBusName"} | {f"{name}Function" for name in FUNCTIONS[machine]}
    assert {f"{name}Function" for name in FUNCTIONS[machine]} <= used


def test_F29_a_job_that_failed_or_was_stopped_is_not_trained_again() -> None:
    train = states("train")["Train"]
    retried = {error for retry in train["Retry"] for error in retry["ErrorEquals"]}
    assert all(error.startswith("SageMaker.") for error in retried)
    assert train["TimeoutSecondsPath"] == "$.plan.value.timeout_seconds"


def test_F31_a_job_name_in_use_is_adopted_and_each_attempt_has_its_own() -> None:
    train = states("train")["Train"]
    assert "$$.State.RetryCount" in train["Parameters"]["TrainingJobName.$"]
    [adoption] = [
        rule for rule in train["Catch"] if "SageMaker.ResourceInUseException" in rule["ErrorEquals"]
    ]
    assert adoption["Next"] == "CountFromZero"


def test_F35_whatever_fails_once_the_endpoint_has_changed_is_restored_first() -> None:
    known = states("deploy")
    for name in ("DescribeEndpoint", "SmokeTest", "MoveChampion"):
        assert known[name]["Catch"][-1]["Next"] == "PlanRestore", name
    assert known["NotInService"]["Next"] == "PlanRestore"


def test_the_pointer_moves_only_after_the_smoke_test() -> None:
    known = states("deploy")
    assert [name for name, state in known.items() if "MoveChampion" in followers(state)] == ["SmokeTest"]
    assert known["CreateModel"]["Parameters"]["EnableNetworkIsolation"] is True
    capture = known["CreateEndpointConfig"]["Parameters"]["DataCaptureConfig"]
    assert capture["CaptureContentTypeHeader"] == {"CsvContentTypes": ["text/csv"]}
