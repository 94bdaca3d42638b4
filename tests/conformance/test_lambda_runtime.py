"""Lambda: real handlers in warm workers that see zip, layer and Lambda's runtime, and nothing else."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from localcloud import LocalCloud

SEES = """
import importlib.util, os, sys

def handler(event, context):
    return {
        "modules": {name: importlib.util.find_spec(name) is not None for name in event["modules"]},
        "environment": dict(os.environ),
        "path": sys.path,
        "directory": os.getcwd(),
        "request": context.aws_request_id,
        "remaining": context.get_remaining_time_in_millis(),
    }
"""
COUNTS = """
calls = 0

def handler(event, context):
    global calls
    calls += 1
    return calls
"""


def invoke(cloud: LocalCloud, name: str, event: Any, **settings: Any) -> tuple[Any, str | None, str]:
    answer = cloud.client("lambda").invoke(
        FunctionName=name, Payload=json.dumps(event).encode(), LogType="Tail", **settings
    )
    log = base64.b64decode(answer.get("LogResult", "")).decode()
    text = answer["Payload"].read()
    return json.loads(text) if text else None, answer.get("FunctionError"), log


@pytest.fixture(scope="module")
def layer(cloud: LocalCloud) -> str:
    from tests.conformance.conftest import zipped

    made = cloud.client("lambda").publish_layer_version(
        LayerName="libraries", Content={"ZipFile": zipped(a="")}
    )
    arn: str = made["LayerVersionArn"]
    return arn


def test_a_worker_sees_only_what_lambda_would(
    cloud: LocalCloud, make_function: Callable[..., str], layer: str
) -> None:
    make_function("bare", SEES, Environment={"Variables": {"COLOUR": "blue"}})
    make_function("layered", SEES, Layers=[layer])
    modules = ["app", "boto3", "numpy", "moto", "trimtab", "localcloud", "pytest"]
    bare, error, _ = invoke(cloud, "bare", {"modules": modules})
    layered, _, _ = invoke(cloud, "layered", {"modules": modules})
    assert error is None
    assert [name for name, found in bare["modules"].items() if found] == ["app", "boto3"]
    assert [name for name, found in layered["modules"].items() if found] == ["app", "boto3", "numpy"]
    assert bare["environment"]["COLOUR"] == "blue"
    assert bare["environment"]["AWS_ENDPOINT_URL"] == cloud.endpoint_url
    assert "MOTO_PORT" not in bare["environment"]
    assert "VIRTUAL_ENV" not in bare["environment"]
    assert "site-packages" not in "".join(bare["path"])
    assert 0 < bare["remaining"] <= 3000


def test_a_worker_stays_warm_and_a_change_of_settings_starts_another(
    cloud: LocalCloud, make_function: Callable[..., str]
) -> None:
    make_function("counts", COUNTS)
    assert [invoke(cloud, "counts", {})[0] for _ in range(3)] == [1, 2, 3]
    cloud.client("lambda").update_function_configuration(
        FunctionName="counts", Environment={"Variables": {"CHANGED": "yes"}}
    )
    assert invoke(cloud, "counts", {})[0] == 1


def test_failures_are_described_as_lambda_describes_them(
    cloud: LocalCloud, make_function: Callable[..., str]
) -> None:
    make_function(
        "fails", "class BadInput(Exception):\n    pass\n\ndef handler(e, c):\n    raise BadInput('no rows')\n"
    )
    payload, error, log = invoke(cloud, "fails", {})
    assert error == "Unhandled"
    assert payload["errorType"] == "BadInput"
    assert payload["errorMessage"] == "no rows"
    assert any("raise BadInput" in line for line in payload["stackTrace"])
    assert "[ERROR] BadInput: no rows" in log
    assert "START RequestId" in log


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("import nothing_of_that_name\n", "Runtime.ImportModuleError"),
        ("def handler(:\n", "Runtime.UserCodeSyntaxError"),
        ("def other(e, c):\n    return 1\n", "Runtime.HandlerNotFound"),
        ("raise RuntimeError('at import')\n", "RuntimeError"),
        ("def handler(e, c):\n    return float('nan')\n", "Runtime.MarshalError"),
        ("def handler(e, c):\n    return object()\n", "Runtime.MarshalError"),
        ("import os\n\ndef handler(e, c):\n    os._exit(3)\n", "Runtime.ExitError"),
    ],
)
def test_what_cannot_run_says_why(
    cloud: LocalCloud, make_function: Callable[..., str], source: str, kind: str
) -> None:
    name = f"broken-{abs(hash(source)) % 10**8}"
    make_function(name, source)
    for _ in range(2):  # the second call starts afresh
        payload, error, _ = invoke(cloud, name, {})
        assert error == "Unhandled"
        assert payload["errorType"] == kind


def test_a_timeout_ends_the_worker(cloud: LocalCloud, make_function: Callable[..., str]) -> None:
    make_function(
        "slow", "import time\n\ndef handler(e, c):\n    time.sleep(e)\n    return 'done'\n", Timeout=1
    )
    started = time.monotonic()
    payload, _, log = invoke(cloud, "slow", 30)
    assert time.monotonic() - started < 5
    assert payload["errorType"] == "Sandbox.Timedout"
    assert "Task timed out after 1.00 seconds" in payload["errorMessage"]
    assert "Task timed out" in log
    assert invoke(cloud, "slow", 0)[0] == "done"


def test_output_becomes_log_events_on_the_moved_clock(
    cloud: LocalCloud, make_function: Callable[..., str]
) -> None:
    make_function(
        "talks", "import logging\n\ndef handler(e, c):\n    print('said')\n    logging.error('logged')\n"
    )
    invoke(cloud, "talks", {})
    logs = cloud.client("logs")
    events = logs.filter_log_events(logGroupName="/aws/lambda/talks")["events"]
    text = "\n".join(event["message"] for event in events)
    assert "said" in text
    assert "[ERROR]" in text
    assert "logged" in text
    assert {event["timestamp"] for event in events} == {int(cloud.now().timestamp() * 1000)}


def test_calls_overlap_in_workers_of_their_own(cloud: LocalCloud, make_function: Callable[..., str]) -> None:
    make_function(
        "waits", "import os, time\n\ndef handler(e, c):\n    time.sleep(0.3)\n    return os.getpid()\n"
    )
    seen: list[int] = []
    threads = [threading.Thread(target=lambda: seen.append(invoke(cloud, "waits", {})[0])) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(seen)) == 2


def test_an_asynchronous_call_is_retried_and_ends_in_the_dead_letter_queue(
    cloud: LocalCloud,
    make_function: Callable[..., str],
    make_queue: Callable[[str], tuple[str, str]],
    messages: Callable[[str], list[Any]],
) -> None:
    url, arn = make_queue("function-dead-letters")
    source = "def handler(e, c):\n    print('attempt')\n    raise ValueError('never')\n"
    make_function("hopeless", source, DeadLetterConfig={"TargetArn": arn})
    answer = cloud.client("lambda").invoke(
        FunctionName="hopeless", InvocationType="Event", Payload=b'{"n": 1}'
    )
    assert answer["StatusCode"] == 202
    cloud.settle(20)
    assert messages(url) == []
    before = cloud.now()
    cloud.advance_to(before.replace(minute=10), 20)
    assert messages(url) == [{"n": 1}]
    events = cloud.client("logs").filter_log_events(logGroupName="/aws/lambda/hopeless")["events"]
    attempts = [
        event["timestamp"] / 1000 - before.timestamp() for event in events if event["message"] == "attempt"
    ]
    assert sorted(attempts) == [0, 60, 180]


def test_a_warm_call_costs_milliseconds(cloud: LocalCloud, make_function: Callable[..., str]) -> None:
    make_function("quick", "def handler(e, c):\n    return e\n")
    invoke(cloud, "quick", {})
    samples = []
    for _ in range(50):
        started = time.perf_counter()
        invoke(cloud, "quick", {"a": 1})
        samples.append(time.perf_counter() - started)
    assert sorted(samples)[len(samples) // 2] < 0.02
