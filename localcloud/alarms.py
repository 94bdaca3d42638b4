"""Alarms that work: evaluated on the clock, acting when their state changes, with a history."""

from __future__ import annotations

from typing import Any

from moto.cloudwatch.exceptions import ValidationError
from moto.cloudwatch.models import Alarm, CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from localcloud import metrics
from localcloud.alarm_actions import Standing, state_changed
from localcloud.alarm_evaluator import Evaluator
from localcloud.alarm_history import History
from localcloud.alarm_spec import spec_of
from localcloud.bridges import Bridge
from localcloud.context import Context


class _Running:
    """Hold the evaluator and the history of the local cloud that runs."""

    evaluator: Evaluator
    history: History


_bridge = Bridge()


def install(context: Context) -> None:
    """Evaluate this local cloud's alarms; `metrics.install` comes first."""
    _Running.history = History()
    _Running.evaluator = Evaluator(context, metrics.store())
    _bridge.install(context, _patch)


def _patch() -> None:
    _patch_put()
    _patch_state()
    CloudWatchResponse.describe_alarm_history = _describe_alarm_history  # type: ignore[attr-defined]
    delete = CloudWatchBackend.delete_alarms

    def delete_alarms(self: CloudWatchBackend, alarm_names: list[str]) -> None:
        for name in alarm_names:
            _Running.evaluator.forget(name)
        delete(self, alarm_names)

    CloudWatchBackend.delete_alarms = delete_alarms  # type: ignore[method-assign]


def _patch_put() -> None:
    original = CloudWatchResponse.put_metric_alarm

    def put_metric_alarm(self: CloudWatchResponse) -> ActionResult:
        backend, name = self.cloudwatch_backend, self._get_param("AlarmName")
        previous = backend.alarms.get(name)
        answer = original(self)
        try:
            _adopt(backend, name, previous, self._get_param("EvaluationWindow"))
        except ValidationError:
            backend.alarms.pop(name, None)
            if previous is not None:
                backend.alarms[name] = previous
            raise
        return answer

    CloudWatchResponse.put_metric_alarm = put_metric_alarm  # type: ignore[method-assign]


def _adopt(backend: CloudWatchBackend, name: str, previous: Alarm | None, window: Any) -> None:
    alarm = backend.alarms[name]
    spec = spec_of(alarm, window)
    if window:
        alarm.evaluation_window = window  # type: ignore[attr-defined] # for DescribeAlarms
    if previous is None:
        alarm.state_value = "INSUFFICIENT_DATA"  # moto starts with OK
    else:
        standing = Standing.of(previous)  # an update leaves the state as it is
        alarm.state_value, alarm.state_reason = standing.value, standing.reason
        alarm.state_reason_data, alarm.state_updated_timestamp = standing.reason_data, standing.since
    if backend.region_name == _bridge.context.region:
        _Running.history.configured(name, _bridge.utcnow(), is_new=previous is None)
        _Running.evaluator.watch(alarm, spec)


def _patch_state() -> None:
    original = Alarm.update_state

    def update_state(self: Alarm, reason: str, reason_data: str | None, state_value: str) -> None:
        before = Standing.of(self)
        original(self, reason, reason_data or "{}", state_value)
        self.state_updated_timestamp = _bridge.utcnow()
        _Running.evaluator.look_again(self.name)  # a state set by hand lasts until the next evaluation
        if before.value == state_value or self.region_name != _bridge.context.region:
            return
        _Running.history.changed(self.name, before, Standing.of(self))
        state_changed(_bridge.context, self, before, period=_Running.evaluator.period_of(self.name))

    Alarm.update_state = update_state  # type: ignore[method-assign]


def _describe_alarm_history(self: CloudWatchResponse) -> ActionResult:
    items = _Running.history.page(
        name=self._get_param("AlarmName"),
        kind=self._get_param("HistoryItemType"),
        start=self._get_param("StartDate"),
        end=self._get_param("EndDate"),
        descending=self._get_param("ScanBy") != "TimestampAscending",
    )
    return ActionResult({"AlarmHistoryItems": items[: self._get_param("MaxRecords") or 100]})
