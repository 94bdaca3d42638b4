"""State machines: waits and retries on the clock, AWS's error names, real jobs behind `.sync`, events."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from localcloud import LocalCloud
from tests.conformance import test_training as jobs

Make = Callable[..., str]
Queue = Callable[[str], tuple[str, str]]
Messages = Callable[[str], list[Any]]
HANDLER = """
class Transient(Exception): pass
class BadInput(Exception): pass
calls = {}

def handler(event, context):
    calls[event.get("id")] = calls.get(event.get("id"), 0) + 1
    if calls[event.get("id")] <= event.get("fail", 0):
        raise Transient("try again")
    if event.get("bad"):
        raise BadInput("no good")
    return event
"""


@pytest.fixture(scope="module")
def echo(cloud: LocalCloud, make_function: Make) -> str:
    """Return the name of a function that answers what it is asked, or fails as it is told."""
    make_function("echo", HANDLER, Timeout=10)
    return "echo"


@pytest.fixture(scope="module")
def machine(cloud: LocalCloud, role: str) -> Callable[..., str]:
    """Return a function that makes a machine of the given states and returns its ARN."""

    def make(name: str, start: str, states: dict[str, Any], **more: Any) -> str:
        definition = json.dumps({"StartAt": start, "States": states, **more})
        made = cloud.client("stepfunctions").create_state_machine(
            name=name, definition=definition, roleArn=role
        )
        arn: str = made["stateMachineArn"]
        return arn

    return make


def task(function: str, **more: Any) -> dict[str, Any]:
    end = {} if "Next" in more else {"End": True}
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload.$": "$"},
        "OutputPath": "$.Payload",
        "TimeoutSeconds": 60,
        **end,
        **more,
    }


def start(cloud: LocalCloud, arn: str, given: Any = None) -> str:
    started = cloud.client("stepfunctions").start_execution(
        stateMachineArn=arn, input=json.dumps(given or {})
    )
    cloud.settle(60)
    execution: str = started["executionArn"]
    return execution


def advance(cloud: LocalCloud, **span: float) -> None:
    cloud.advance_to(cloud.now() + timedelta(**span), 60)


def describe(cloud: LocalCloud, execution: str) -> dict[str, Any]:
    described: dict[str, Any] = cloud.client("stepfunctions").describe_execution(executionArn=execution)
    return described


def status(cloud: LocalCloud, execution: str) -> str:
    value: str = describe(cloud, execution)["status"]
    return value


def output(cloud: LocalCloud, execution: str) -> Any:
    described = describe(cloud, execution)
    assert described["status"] == "SUCCEEDED", described
    return json.loads(described["output"])


def test_a_wait_lasts_as_long_as_the_clock_says(cloud: LocalCloud, machine: Make) -> None:
    shown = {"entered.$": "$$.State.EnteredTime", "started.$": "$$.Execution.StartTime"}
    states = {
        "Wait": {"Type": "Wait", "Seconds": 3_600, "Next": "Tell"},
        "Tell": {"Type": "Pass", "Parameters": shown, "End": True},
    }
    began, real = cloud.now(), time.monotonic()
    execution = start(cloud, machine("waits", "Wait", states))
    assert cloud.clock.runnable() == []
    advance(cloud, seconds=3_599)
    assert status(cloud, execution) == "RUNNING"
    advance(cloud, seconds=1)
    told = output(cloud, execution)
    assert told["started"] == began.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert told["entered"] == cloud.now().strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert time.monotonic() - real < 10


def test_retries_back_off_on_the_clock(cloud: LocalCloud, machine: Make, echo: str) -> None:
    retry = {"ErrorEquals": ["Transient"], "IntervalSeconds": 60, "BackoffRate": 2, "MaxAttempts": 3}
    arn = machine("retries", "Call", {"Call": task(echo, Retry=[retry])})
    execution = start(cloud, arn, {"id": "retried", "fail": 2})
    advance(cloud, seconds=60 + 119)
    assert status(cloud, execution) == "RUNNING"
    advance(cloud, seconds=1)
    assert output(cloud, execution)["id"] == "retried"


def test_an_exceptions_class_is_the_errors_name(cloud: LocalCloud, machine: Make, echo: str) -> None:
    caught = [{"ErrorEquals": ["BadInput"], "Next": "Caught", "ResultPath": "$.error"}]
    states = {
        "Call": task(echo, Catch=caught),
        "Caught": {"Type": "Pass", "OutputPath": "$.error", "End": True},
    }
    error = output(cloud, start(cloud, machine("catches", "Call", states), {"id": "bad", "bad": True}))
    assert error["Error"] == "BadInput"
    assert json.loads(error["Cause"])["errorMessage"] == "no good"


def test_timeouts_are_judged_by_the_clock(cloud: LocalCloud, machine: Make, echo: str) -> None:
    whole = machine(
        "whole-times-out",
        "Wait",
        {"Wait": {"Type": "Wait", "Seconds": 3_600, "End": True}},
        TimeoutSeconds=100,
    )
    token = task(
        echo,
        Resource="arn:aws:states:::lambda:invoke.waitForTaskToken",
        Parameters={"FunctionName": echo, "Payload": {"token.$": "$$.Task.Token"}},
        OutputPath="$",
        TimeoutSeconds=100,
    )
    executions = [start(cloud, whole), start(cloud, machine("task-times-out", "Ask", {"Ask": token}))]
    advance(cloud, seconds=99)
    assert [status(cloud, execution) for execution in executions] == ["RUNNING", "RUNNING"]
    advance(cloud, seconds=1)
    assert [status(cloud, execution) for execution in executions] == ["TIMED_OUT", "FAILED"]
    assert describe(cloud, executions[1])["error"] == "States.Timeout"


def test_a_stopped_execution_stops_waiting(cloud: LocalCloud, machine: Make) -> None:
    arn = machine("stops", "Wait", {"Wait": {"Type": "Wait", "Seconds": 9_999_999, "End": True}})
    execution = start(cloud, arn)
    cloud.client("stepfunctions").stop_execution(executionArn=execution)
    cloud.settle(20)
    assert status(cloud, execution) == "ABORTED"


def test_maps_and_parallels_wait_together(cloud: LocalCloud, machine: Make, echo: str) -> None:
    branch = {"Wait": {"Type": "Wait", "Seconds": 10, "Next": "Call"}, "Call": task(echo)}
    inline = {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "Wait", "States": branch}
    states = {
        "Map": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "MaxConcurrency": 3,
            "ItemProcessor": inline,
            "End": True,
        }
    }
    each = {"Type": "Parallel", "Branches": [{"StartAt": "Wait", "States": branch}] * 2, "End": True}
    mapped = start(cloud, machine("maps", "Map", states), {"items": [{"id": n} for n in range(4)]})
    parallel = start(cloud, machine("parallels", "Each", {"Each": each}), {"id": "p"})
    assert cloud.clock.runnable() == []
    advance(cloud, seconds=19)
    assert (status(cloud, mapped), status(cloud, parallel)) == ("RUNNING", "SUCCEEDED")
    advance(cloud, seconds=1)
    assert output(cloud, mapped) == [{"id": n} for n in range(4)]
    assert output(cloud, parallel) == [{"id": "p"}, {"id": "p"}]
    empty = start(cloud, f"arn:aws:states:{cloud.region}:{cloud.account}:stateMachine:maps", {"items": []})
    assert output(cloud, empty) == []


def test_a_distributed_map_reads_a_list_from_s3(cloud: LocalCloud, machine: Make, echo: str) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="distributed")
    s3.put_object(Bucket="distributed", Key="shards.json", Body=json.dumps([{"shard": n} for n in range(5)]))
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Parameters": {"Bucket": "distributed", "Key.$": "$.key"},
    }
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Call",
        "States": {"Call": task(echo)},
    }
    selector = {"item.$": "$$.Map.Item.Value", "time.$": "$.time"}
    each = {"Type": "Map", "MaxConcurrency": 2, "ItemReader": reader, "ItemSelector": selector}
    arn = machine("distributed", "Map", {"Map": {**each, "ItemProcessor": processor, "End": True}})
    made = output(cloud, start(cloud, arn, {"key": "shards.json", "time": "t"}))
    assert made == [{"item": {"shard": n}, "time": "t"} for n in range(5)]


@pytest.mark.parametrize(
    ("tolerated", "ended"),
    [
        ({}, "FAILED"),
        ({"ToleratedFailureCount": 1}, "FAILED"),
        ({"ToleratedFailureCount": 2}, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 39.5}, "FAILED"),
        ({"ToleratedFailurePercentage": 40.5}, "SUCCEEDED"),
    ],
)
def test_a_distributed_map_fails_when_more_of_its_children_fail_than_it_tolerates(
    cloud: LocalCloud, machine: Make, tolerated: dict[str, Any], ended: str
) -> None:
    even = {"Variable": "$.fails", "BooleanEquals": True, "Next": "Fails"}
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Either",
        "States": {
            "Either": {"Type": "Choice", "Choices": [even], "Default": "Goes"},
            "Fails": {"Type": "Fail", "Error": "Broken", "Cause": "as told"},
            "Goes": {"Type": "Pass", "End": True},
        },
    }
    caught = [{"ErrorEquals": ["States.ExceedToleratedFailureThreshold"], "Next": "Failed"}]
    each = {"Type": "Map", "MaxConcurrency": 2, "ItemProcessor": processor, **tolerated}
    states = {
        "Map": {**each, "Catch": caught, "End": True},
        "Failed": {"Type": "Fail", "ErrorPath": "$.Error", "CausePath": "$.Cause"},
    }
    name = "-".join(["tolerates", *(f"{key}-{int(value)}" for key, value in tolerated.items())])
    execution = start(cloud, machine(name, "Map", states), [{"fails": n < 2} for n in range(5)])
    found = describe(cloud, execution)
    assert found["status"] == ended
    if ended == "FAILED":
        assert found["error"] == "States.ExceedToleratedFailureThreshold"
        assert found["cause"] == "The specified tolerated failure threshold was exceeded"
    runs = cloud.client("stepfunctions").list_map_runs(executionArn=execution)["mapRuns"]
    run = cloud.client("stepfunctions").describe_map_run(mapRunArn=runs[0]["mapRunArn"])
    assert (run["status"], run["itemCounts"]["failed"]) == (ended, 2)


@pytest.fixture(scope="module")
def train(cloud: LocalCloud, machine: Make) -> str:
    """Return a machine that runs the training job it is given."""
    jobs.put_inputs(cloud)
    training = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
        "Parameters": {f"{key}.$": f"$.{key}" for key in jobs.request("any")},
        "TimeoutSeconds": 3_600,
        "Catch": [
            {"ErrorEquals": ["SageMaker.ResourceInUseException"], "Next": "InUse"},
            {"ErrorEquals": ["States.TaskFailed"], "Next": "Failed"},
        ],
        "End": True,
    }
    states = {
        "Train": training,
        "InUse": {"Type": "Pass", "Result": "in use", "End": True},
        "Failed": {"Type": "Fail", "ErrorPath": "$.Error", "CausePath": "$.Cause"},
    }
    return machine("trains", "Train", states)


def test_sync_waits_for_the_real_job(cloud: LocalCloud, train: str) -> None:
    job = output(cloud, start(cloud, train, jobs.request("from-a-machine")))
    assert job["TrainingJobStatus"] == "Completed"
    assert job["ModelArtifacts"]["S3ModelArtifacts"].endswith("/from-a-machine/output/model.tar.gz")
    assert job["TrainingEndTime"] == int(cloud.clock.time() * 1000)
    assert output(cloud, start(cloud, train, jobs.request("from-a-machine"))) == "in use"


def test_a_failed_job_fails_its_task_with_its_description(cloud: LocalCloud, train: str) -> None:
    failed = describe(cloud, start(cloud, train, jobs.request("fails-in-a-machine", fail="1")))
    assert (failed["status"], failed["error"]) == ("FAILED", "States.TaskFailed")
    assert json.loads(failed["cause"])["FailureReason"].startswith("AlgorithmError")


def test_stopping_the_execution_stops_its_job(cloud: LocalCloud, train: str) -> None:
    stepfunctions, sagemaker = cloud.client("stepfunctions"), cloud.client("sagemaker")
    wanted = json.dumps(jobs.request("stopped-with-its-execution", sleep="1"))
    execution = stepfunctions.start_execution(stateMachineArn=train, input=wanted)["executionArn"]
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and len(cloud.clock.runnable()) != 1:
        time.sleep(0.02)  # until the machine waits and only the job runs
    stepfunctions.stop_execution(executionArn=execution)
    cloud.settle(20)
    assert status(cloud, execution) == "ABORTED"
    job = sagemaker.describe_training_job(TrainingJobName="stopped-with-its-execution")
    assert job["TrainingJobStatus"] == "Stopped"


def test_an_error_of_step_functions_keeps_its_name_in_a_map(
    cloud: LocalCloud, machine: Make, train: str
) -> None:
    training = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
        "Parameters": {f"{key}.$": f"$.{key}" for key in jobs.request("any")},
        "End": True,
    }
    inner = {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "Train", "States": {"Train": training}}
    states = {"Map": {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": inner, "End": True}}
    failing = {"items": [jobs.request("fails-in-a-map", fail="1")]}
    failed = describe(cloud, start(cloud, machine("maps-errors", "Map", states), failing))
    assert (failed["status"], failed["error"]) == ("FAILED", "States.TaskFailed")


def test_sdk_tasks_answer_json_and_name_errors_as_aws_does(
    cloud: LocalCloud, machine: Make, train: str
) -> None:
    start(cloud, train, jobs.request("described"))
    look = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:sagemaker:describeTrainingJob",
        "Parameters": {"TrainingJobName.$": "$.name"},
        "End": True,
    }
    arn = machine("looks", "Look", {"Look": look})
    found = output(cloud, start(cloud, arn, {"name": "described"}))
    assert found["TrainingJobStatus"] == "Completed"
    assert found["CreationTime"] == cloud.now().strftime("%Y-%m-%dT%H:%M:%S.000Z")
    missing = describe(cloud, start(cloud, arn, {"name": "none"}))
    assert missing["error"] == "SageMaker.SageMakerException"
    assert "Service: SageMaker, Status Code: 400" in missing["cause"]


def test_the_end_of_an_execution_is_an_event_and_a_metric(
    cloud: LocalCloud, machine: Make, make_queue: Queue, messages: Messages
) -> None:
    url, queue = make_queue("executions")
    arn = machine("ends", "Fail", {"Fail": {"Type": "Fail", "Error": "Sad", "Cause": "because"}})
    pattern = {"source": ["aws.states"], "detail": {"stateMachineArn": [arn]}}
    cloud.client("events").put_rule(Name="executions", EventPattern=json.dumps(pattern))
    cloud.client("events").put_targets(Rule="executions", Targets=[{"Id": "1", "Arn": queue}])
    execution = start(cloud, arn, {"given": 1})
    events = {event["detail"]["status"]: event for event in messages(url)}
    assert set(events) == {"RUNNING", "FAILED"}
    event = events["FAILED"]
    assert event["detail-type"] == "Step Functions Execution Status Change"
    assert event["resources"] == [execution]
    assert event["detail"]["input"] == '{"given":1}'
    assert (event["detail"]["error"], event["detail"]["cause"]) == ("Sad", "because")
    assert event["detail"]["stopDate"] == int(cloud.clock.time() * 1000)
    points = cloud.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/States",
        MetricName="ExecutionsFailed",
        Dimensions=[{"Name": "StateMachineArn", "Value": arn}],
        StartTime=cloud.now() - timedelta(hours=1),
        EndTime=cloud.now() + timedelta(hours=1),
        Period=3_600,
        Statistics=["Sum"],
    )["Datapoints"]
    assert [point["Sum"] for point in points] == [1.0]


def test_an_execution_with_two_functions_costs_little(cloud: LocalCloud, machine: Make, echo: str) -> None:
    arn = machine("quick", "First", {"First": task(echo, Next="Second"), "Second": task(echo)})
    start(cloud, arn, {"id": "warm"})
    real = time.perf_counter()
    for number in range(10):
        start(cloud, arn, {"id": number})
    assert (time.perf_counter() - real) / 10 < 0.5  # measured: well under a tenth; a busy machine is slower
