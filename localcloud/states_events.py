"""What Step Functions tells others about executions: events on the bus, and metrics."""

from __future__ import annotations

import json
from typing import Any

from moto.stepfunctions.parser.api import ExecutionStatus, InvalidName
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution

from localcloud import metrics
from localcloud.bridges import epoch_millis
from localcloud.context import Context

TITLE = "Step Functions Execution Status Change"
COUNTED = {
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}


class _Current:
    context: Context


def use(context: Context) -> None:
    """Announce the executions of this local cloud from now on."""
    _Current.context = context


def patch() -> None:
    """Announce when an execution starts and ends."""
    reflect = BaseExecutionWorkerCommunication.terminated

    def start(self: Execution) -> None:
        if self.exec_worker:
            raise InvalidName(f"the execution {self.name} has started already")
        self.exec_worker = self._get_start_execution_worker()
        self.exec_status = ExecutionStatus.RUNNING
        _announce(self)  # before the thread starts, else the end could be announced first
        _count(self, {"ExecutionsStarted": 1.0})
        self.exec_worker.start()  # type: ignore[no-untyped-call]

    def terminated(self: BaseExecutionWorkerCommunication) -> None:
        reflect(self)
        execution = self.execution
        environment = execution.exec_worker.env if execution.exec_worker is not None else None
        if environment is not None and isinstance(state := environment.program_state(), ProgramStopped):
            execution.error, execution.cause = state.error or None, state.cause or None
        if execution.status == "TIMED_OUT":
            execution.error = "States.Timeout"
        if execution.status == "SUCCEEDED":
            # DescribeExecution hands out text as it is, so that an output that is a text would not be JSON.
            execution.output = json.dumps(execution.output, separators=(",", ":"), default=str)  # type: ignore[assignment]
        _count(execution, {COUNTED[execution.status]: 1.0})
        _announce(execution)

    Execution.start = start  # type: ignore[method-assign]
    BaseExecutionWorkerCommunication.terminated = terminated  # type: ignore[method-assign]


def _count(execution: Execution, values: dict[str, float]) -> None:
    dimensions = {"StateMachineArn": execution.state_machine.arn}
    metrics.record(_Current.context, "AWS/States", values, dimensions, unit="Count")


def _announce(execution: Execution) -> None:
    is_over = execution.status != "RUNNING"
    has_output = execution.status == "SUCCEEDED"
    detail: dict[str, Any] = {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine.arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": epoch_millis(execution.start_date),
        "stopDate": epoch_millis(execution.stop_date) if is_over and execution.stop_date else None,
        "input": json.dumps(execution.input_data, separators=(",", ":")),
        "inputDetails": {"included": True},
        "output": execution.output if has_output else None,
        "outputDetails": {"included": True} if has_output else None,
        "error": execution.error,
        "cause": execution.cause,
    }
    _Current.context.emit_event("aws.states", TITLE, detail, [execution.exec_arn])
