"""Step Functions' own integration with SageMaker: requests forwarded, `.sync` that waits for the real job."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_unsupported,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.utils.boto_client import boto_client_for

from localcloud import training, transform
from localcloud.bridges import epoch_millis
from localcloud.jobs import Job

JOBS = {
    "createTrainingJob": ("describe_training_job", "TrainingJobName", "TrainingJobStatus"),
    "createTransformJob": ("describe_transform_job", "TransformJobName", "TransformJobStatus"),
    "createProcessingJob": ("describe_processing_job", "ProcessingJobName", "ProcessingJobStatus"),
}
FINDERS: dict[str, Callable[[str], Job | None]] = {
    "createTrainingJob": training.find,
    "createTransformJob": transform.find,
}
SYNC, TASK_TOKEN = "sync", "waitForTaskToken"
REQUESTS = {*JOBS, "createModel", "createEndpointConfig", "createEndpoint", "updateEndpoint"}
Parameters = dict[str, Any]


class SageMakerTask(state_task_service_unsupported.StateTaskServiceUnsupported):
    """Evaluate `arn:aws:states:::sagemaker:<action>` and `...sync`."""

    def __init__(self) -> None:
        """Support `.sync`, which moto does not have."""
        super().__init__()  # type: ignore[no-untyped-call]
        # Task tokens are listed although SageMaker has none: moto takes its way to interrupt a waiting task
        # from them, and fails without.
        self._supported_integration_patterns = {SYNC, TASK_TOKEN}  # type: ignore[misc, arg-type]

    def _validate_service_integration_is_supported(self) -> None:
        action, condition = self.resource.api_action, self.resource.condition
        if action not in REQUESTS or (condition is not None and (condition != SYNC or action not in JOBS)):
            raise ValueError(f"The resource provided {self.resource.resource_arn} is not recognized.")

    def _log_unsupported_warning(self) -> None:
        """Say nothing: this integration is supported."""

    def _eval_service_task(self, env: Environment, *args: Any, **kwargs: Any) -> None:
        super()._eval_service_task(env, *args, **kwargs)
        env.stack.append(millis(env.stack.pop()))

    def _from_error(self, env: Environment, ex: Exception) -> FailureEvent:
        if not isinstance(ex, ClientError):
            return super()._from_error(env=env, ex=ex)
        name, meta = type(ex).__name__, ex.response["ResponseMetadata"]
        error = f"SageMaker.{'AmazonSageMaker' if name == 'ClientError' else name}"
        error += "" if error.endswith("Exception") else "Exception"
        cause = (
            f"{ex.response['Error']['Message']} (Service: AmazonSageMaker; Status Code: "
            f"{meta['HTTPStatusCode']}; Error Code: {ex.response['Error']['Code']}; Request ID: "
            f"{meta.get('RequestId', 'local')}; Proxy: null)"
        )
        return self._failure(env, error, cause)

    def _failure(self, env: Environment, error: str, cause: str) -> FailureEvent:
        details = TaskFailedEventDetails(
            resource=self._get_sfn_resource(),
            resourceType=self._get_sfn_resource_type(),
            error=error,
            cause=cause,
        )
        return FailureEvent(
            env=env,
            error_name=CustomErrorName(error),
            event_type=HistoryEventType.TaskFailed,
            event_details=EventDetails(taskFailedEventDetails=details),  # type: ignore[typeddict-item]
        )

    def _build_sync_resolver(
        self,
        env: Environment,
        resource_runtime_part: Any,
        normalised_parameters: Parameters,
        state_credentials: Any,
    ) -> Callable[[], Any]:
        env.stack.pop()  # the answer to the request; the task's result is the job's description
        client = boto_client_for(
            region=resource_runtime_part.region, service="sagemaker", state_credentials=state_credentials
        )
        operation, key, status_key = JOBS[self.resource.api_action]
        name = normalised_parameters[key]

        find = FINDERS.get(self.resource.api_action)
        job = find(name) if find else None
        if job is not None and not env.is_running():
            job.try_to_stop()  # the execution was stopped while the job was made; moto asks for nothing more

        def resolve() -> Any:
            if job is not None:
                _await_end(env, job)
            described = getattr(client, operation)(**{key: name})
            described.pop("ResponseMetadata", None)
            described = millis(described)
            if described[status_key] == "Completed" or not env.is_running():
                return described  # of a task that is over anyway, nobody reads the result
            if described[status_key] in ("Failed", "Stopped"):
                failed = StatesErrorNameType.StatesTaskFailed.to_name()
                raise FailureEventException(self._failure(env, failed, json.dumps(described)))
            return None

        return resolve


def _await_end(env: Environment, job: Job) -> None:
    """Wait until the job has ended or the task is over; then stop the job, as Step Functions does."""
    over: Any = env.program_state_event
    job.when_done(over.set)
    while not job.done.is_set() and env.is_running():
        over.wait()
    if not job.done.is_set():
        job.try_to_stop()


def millis(value: Any) -> Any:
    """Make an answer JSON: times become milliseconds since the epoch, as in this integration's results."""
    if isinstance(value, Mapping):
        return {key: millis(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [millis(item) for item in value]
    return epoch_millis(value) if isinstance(value, datetime) else value
