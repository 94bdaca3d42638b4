"""Fail a Distributed Map of which more children failed than it tolerates; moto counts them and goes on."""

from __future__ import annotations

from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType, MapRunFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import (
    distributed_iteration_component as distributed,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

_CAUSE = "The specified tolerated failure threshold was exceeded"


def patch() -> None:
    """Judge each map run when its children have ended; on AWS those that wait for their turn never start."""
    original = distributed.DistributedIterationComponent._map_run

    def _map_run(self: Any, env: Any, eval_input: Any) -> None:
        original(self, env, eval_input)
        record = eval_input.map_run_record
        items = record.item_counter
        failed, total = items.failed.get() + items.timed_out.get(), items.total.get()
        if is_exceeded(failed, total, record.tolerated_failure_count, record.tolerated_failure_percentage):
            raise _failure(env)

    distributed.DistributedIterationComponent._map_run = _map_run  # type: ignore[method-assign]


def is_exceeded(failed: int, total: int, count: int, percentage: float) -> bool:
    """Tell whether more children failed than a map tolerates; zero is no threshold, but none tolerates none.

    >>> is_exceeded(1, 10, 0, 0), is_exceeded(1, 10, 0, 10), is_exceeded(2, 10, 1, 50)
    (True, False, True)
    """
    if not count and not percentage:
        return failed > 0
    return (count > 0 and failed > count) or (percentage > 0 and 100 * failed > percentage * total)


def _failure(env: Any) -> FailureEventException:
    name = StatesErrorName(typ=StatesErrorNameType.StatesExceedToleratedFailureThreshold)
    details = MapRunFailedEventDetails(error=name.error_name, cause=_CAUSE)
    event = FailureEvent(
        env=env,
        error_name=name,
        event_type=HistoryEventType.MapRunFailed,
        event_details=EventDetails(mapRunFailedEventDetails=details),  # type: ignore[typeddict-item] # of one kind
    )
    return FailureEventException(failure_event=event)
