"""State machines: moto's interpreter of ASL, on the local cloud's clock, with what it lacks.

moto's interpreter stays the only one. Its threads and waits are the clock's, its clients are made once, its
times are written as AWS writes them, it knows SageMaker, and it tells the bus how executions end.
"""

from __future__ import annotations

import logging
import types
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import moto.stepfunctions.parser.asl.component.state.state as state_module
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk,
    state_task_service_factory,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import (
    StateTaskService,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_aws_sdk import (
    StateTaskServiceAwsSdk,
)
from moto.stepfunctions.parser.asl.eval.evaluation_details import ExecutionDetails
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from localcloud import states_events, states_grammar, states_maps, states_threads
from localcloud.bridges import Bridge, aware
from localcloud.context import Context
from localcloud.states_sagemaker import SageMakerTask

# How Step Functions spells a service in the errors of its aws-sdk tasks, and what boto3 calls it.
ERROR_NAMES = {
    "sagemaker": "SageMaker",
    "sagemakerruntime": "SageMakerRuntime",
    "cloudwatch": "CloudWatch",
    "cloudwatchlogs": "CloudWatchLogs",
    "eventbridge": "EventBridge",
    "dynamodb": "DynamoDb",
}
CLIENT_NAMES = {
    "sagemakerruntime": "sagemaker-runtime",
    "cloudwatchlogs": "logs",
    "eventbridge": "events",
}

_bridge = Bridge()


def install(context: Context) -> None:
    """Run this local cloud's state machines on its clock."""
    states_threads.use(context.clock)
    states_events.use(context)
    _bridge.install(context, _patch)


def _patch() -> None:
    states_threads.patch()
    states_events.patch()
    states_grammar.patch()
    states_maps.patch()
    _patch_names()
    _patch_clients()
    _patch_times()
    _patch_sagemaker()
    _patch_aws_sdk()
    # Errors keep their names when they pass through a Map, a Parallel or a Fail with ErrorPath; moto refuses
    # to hand on those of Step Functions itself, States.TaskFailed and the like, and fails with another error.
    CustomErrorName.__init__ = ErrorName.__init__  # type: ignore[method-assign]
    # A failing state is a result, told by the execution's history; moto also logs it with the whole machine.
    logging.getLogger("moto.stepfunctions.parser").setLevel(logging.CRITICAL)
    EvalComponent._log_failure_event_exception = _say_nothing  # type: ignore[method-assign]
    EvalComponent._log_exception = _say_nothing  # type: ignore[method-assign]


def _say_nothing(self: EvalComponent, *_arguments: object, **_named: object) -> None:
    """Spare the text of the whole machine that moto would put together for its log."""


def _rebind(name: str, original: object, replacement: object) -> None:
    """Replace a function in every module of the interpreter that imported it by name."""
    for module in states_threads.interpreter_modules():
        if getattr(module, name, None) is original:
            setattr(module, name, replacement)


def _patch_names() -> None:
    original = StepFunctionsParserBackend.start_execution

    def start_execution(
        self: StepFunctionsParserBackend,
        state_machine_arn: str,
        name: str | None = None,
        execution_input: Any = None,
        trace_header: Any = None,
    ) -> Execution:
        # Without a name moto calls the execution "None", once.
        return original(self, state_machine_arn, name or str(uuid.uuid4()), execution_input, trace_header)

    StepFunctionsParserBackend.start_execution = start_execution  # type: ignore[method-assign]


def _patch_clients() -> None:
    original = boto_client.boto_client_for

    def boto_client_for(region: str, service: str, state_credentials: Any = None) -> Any:
        context = _bridge.context
        return (
            context.client(service)
            if region == context.region
            else original(region, service, state_credentials)
        )

    _rebind("boto_client_for", original, boto_client_for)


# -- times


class _Instant(datetime):
    def isoformat(self, sep: str = "T", timespec: str = "milliseconds") -> str:
        return written(self)


def written(instant: datetime) -> str:
    """Write an instant as the context object and aws-sdk results do.

    >>> written(datetime(2013, 1, 1, 6, tzinfo=UTC))
    '2013-01-01T06:00:00.000Z'
    """
    return aware(instant).strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"


def _patch_times() -> None:
    def now(tz: Any = None) -> _Instant:
        return _Instant.fromtimestamp(_bridge.context.clock.time(), UTC)

    clock = types.SimpleNamespace(
        datetime=types.SimpleNamespace(now=now), timezone=types.SimpleNamespace(utc=UTC)
    )
    state_module.datetime = clock  # type: ignore[attr-defined, assignment] # only used for $$.State.EnteredTime
    original = Execution.get_start_execution_details

    def get_start_execution_details(self: Execution) -> ExecutionDetails:
        details = original(self)
        details.start_time = written(self.start_date)  # type: ignore[misc] # $$.Execution.StartTime
        return details

    Execution.get_start_execution_details = get_start_execution_details  # type: ignore[method-assign]


# -- integrations


def _patch_sagemaker() -> None:
    original = state_task_service_factory.state_task_service_for

    def state_task_service_for(service_name: str) -> StateTaskService:
        return SageMakerTask() if service_name == "sagemaker" else original(service_name)

    _rebind("state_task_service_for", original, state_task_service_for)


def _patch_aws_sdk() -> None:
    original = StateTaskServiceAwsSdk._eval_service_task
    state_task_service_aws_sdk._SERVICE_ERROR_NAMES.update(ERROR_NAMES)
    StateTaskService._SERVICE_NAME_SFN_TO_BOTO_OVERRIDES.update(CLIENT_NAMES)

    def _eval_service_task(self: StateTaskServiceAwsSdk, env: Any, *args: Any, **kwargs: Any) -> None:
        original(self, env, *args, **kwargs)
        env.stack.append(_plain(env.stack.pop()))

    def _normalise_service_error_name(service_name: str) -> str:
        known = state_task_service_aws_sdk._SERVICE_ERROR_NAMES
        return known.get(service_name.lower()) or service_name[:1].upper() + service_name[1:]

    StateTaskServiceAwsSdk._eval_service_task = _eval_service_task  # type: ignore[method-assign]
    StateTaskServiceAwsSdk._normalise_service_error_name = staticmethod(  # type: ignore[method-assign]
        _normalise_service_error_name
    )


def _plain(value: Any) -> Any:
    """Make an answer of boto3 JSON, as aws-sdk tasks return it."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return written(value)
    if hasattr(value, "read"):
        value = value.read()
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
