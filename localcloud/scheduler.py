"""Scheduler and scheduled rules: fired by the clock at exactly the instants their expressions name."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from moto.events.exceptions import ValidationException as RuleRefused
from moto.events.models import EventsBackend, Rule, events_backends
from moto.scheduler.exceptions import ValidationException as ScheduleRefused
from moto.scheduler.models import EventBridgeSchedulerBackend, scheduler_backends
from moto.scheduler.models import Schedule as MotoSchedule

from localcloud.bridges import Bridge, aware, iso_seconds
from localcloud.context import Context
from localcloud.cron import At, BadExpression, Cron, Rate, parse
from localcloud.delivery import Delivery, deliver
from localcloud.events import send_event

_bridge = Bridge()


def install(context: Context) -> None:
    """Fire this local cloud's schedules."""
    _bridge.install(context, _patch)
    _Schedules(context)


@dataclass(frozen=True, slots=True)
class _Timing:
    """When something is due: its expression, zone, and the interval in which it counts."""

    expression: str
    zone: str
    anchor: datetime
    start: datetime | None
    end: datetime | None

    def next_after(self, instant: datetime) -> datetime | None:
        parsed = parse(self.expression)
        if self.start is not None and self.start > instant:
            if isinstance(parsed, Rate):
                return self._within(self.start)
            instant = datetime.fromtimestamp(self.start.timestamp() - 1e-6, UTC)
        zone = _zone(self.zone)
        if isinstance(parsed, Rate):
            return self._within(parsed.next_after(instant, self.start or self.anchor))
        if isinstance(parsed, At | Cron):
            return self._within(parsed.next_after(instant, zone))
        raise AssertionError(parsed)

    def _within(self, due: datetime | None) -> datetime | None:
        return due if due is not None and (self.end is None or due <= self.end) else None


def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)


class _Schedules:
    """The clock's source: it knows the next due instant of every schedule and scheduled rule."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._known: dict[_Timing, tuple[datetime, datetime | None]] = {}
        self._lock = threading.Lock()
        context.clock.add_source(self.next_due, self.fire)

    def next_due(self, after: datetime) -> datetime | None:
        dues = [self._next(timing, after) for timing, _ in self._all()]
        return min((due for due in dues if due is not None), default=None)

    def fire(self, due: datetime) -> None:
        just_before = datetime.fromtimestamp(due.timestamp() - 1e-6, UTC)
        for timing, thing in list(self._all()):
            if self._next(timing, just_before) != due:
                continue
            if isinstance(thing, MotoSchedule):
                _fire_schedule(self._context, thing, due)
            else:
                _fire_rule(self._context, thing, due)

    def _next(self, timing: _Timing, after: datetime) -> datetime | None:
        with self._lock:
            asked, due = self._known.get(timing, (None, None))
            if asked is None or not (asked <= after and (due is None or after < due)):
                due = timing.next_after(after)
                self._known[timing] = (after, due)
            return due

    def _all(self) -> Iterator[tuple[_Timing, MotoSchedule | Rule]]:
        for group in list(_scheduler(self._context).schedule_groups.values()):
            for schedule in list(group.schedules.values()):
                if schedule.state in (None, "ENABLED"):
                    yield _timing(schedule), schedule
        for bus in list(events_backends[self._context.account][self._context.region].event_buses.values()):
            for rule in list(bus.rules.values()):
                if rule.scheduled_expression and rule.state == "ENABLED":
                    created: datetime = rule.localcloud_created  # type: ignore[attr-defined]
                    yield _Timing(rule.scheduled_expression, "UTC", created, None, None), rule


def _scheduler(context: Context) -> EventBridgeSchedulerBackend:
    return scheduler_backends[context.account][context.region]


def _timing(schedule: MotoSchedule) -> _Timing:
    return _Timing(
        schedule.schedule_expression,
        schedule.schedule_expression_timezone,
        datetime.fromtimestamp(schedule.creation_date, UTC),
        _instant(schedule.start_date),
        _instant(schedule.end_date),
    )


def _instant(when: Any) -> datetime | None:
    """Read a date as the API (a number) or a template (a text) gives it."""
    if when in (None, ""):
        return None
    if isinstance(when, int | float):
        return datetime.fromtimestamp(when, UTC)
    return aware(when if isinstance(when, datetime) else datetime.fromisoformat(str(when)))


def _fire_schedule(context: Context, schedule: MotoSchedule, due: datetime) -> None:
    target = schedule.target
    for _ in range(2 if context.deliver_twice else 1):
        attributes = {
            "<aws.scheduler.schedule-arn>": schedule.arn,
            "<aws.scheduler.scheduled-time>": iso_seconds(due),
            "<aws.scheduler.execution-id>": uuid.uuid4().hex[:16],
            "<aws.scheduler.attempt-number>": "1",
        }
        payload = target.get("Input") or json.dumps(_default_event(context, schedule, due))
        for name, value in attributes.items():
            payload = payload.replace(name, value)
        if "EventBridgeParameters" in target:
            named = target["EventBridgeParameters"]
            detail = json.loads(payload)
            payload = json.dumps(
                {"source": named["Source"], "detail-type": named["DetailType"], "detail": detail}
            )
        policy = target.get("RetryPolicy") or {}
        delivery = Delivery(
            target_arn=target["Arn"],
            payload=payload,
            source_arn=schedule.arn,
            dead_letter_arn=(target.get("DeadLetterConfig") or {}).get("Arn"),
            maximum_retries=policy.get("MaximumRetryAttempts", 185),
            maximum_age_seconds=policy.get("MaximumEventAgeInSeconds", 86_400),
            message_group=(target.get("SqsParameters") or {}).get("MessageGroupId"),
        )
        context.clock.spawn(deliver, context, delivery, name=f"schedule {schedule.name}")


def _default_event(context: Context, schedule: MotoSchedule, due: datetime) -> dict[str, Any]:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": context.account,
        "time": iso_seconds(due),
        "region": context.region,
        "resources": [schedule.arn],
        "detail": "{}",
    }


def _fire_rule(context: Context, rule: Rule, due: datetime) -> None:
    event = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": context.account,
        "time": iso_seconds(due),
        "region": context.region,
        "resources": [rule.arn],
        "detail": {},
    }
    send_event(rule, event)


# -- what AWS refuses when it is created


def _patch() -> None:
    backend = EventBridgeSchedulerBackend
    for name in ("create_schedule", "update_schedule"):
        setattr(backend, name, _checked_schedule(getattr(backend, name)))
    original_put = EventsBackend.put_rule

    def put_rule(self: EventsBackend, name: str, **settings: Any) -> Rule:
        expression = settings.get("scheduled_expression")
        if expression:
            try:
                if isinstance(parse(expression), At):
                    raise BadExpression(
                        "Parameter ScheduleExpression is not valid: rules take cron() and rate()"
                    )
            except BadExpression as error:
                raise RuleRefused(str(error)) from error
        rule: Rule = original_put(self, name, **settings)
        rule.localcloud_created = _bridge.context.clock.now()  # type: ignore[attr-defined]
        _bridge.context.clock.sources_changed()
        return rule

    EventsBackend.put_rule = put_rule  # type: ignore[method-assign, assignment]


def _checked_schedule(original: Any) -> Any:
    def checked(self: EventBridgeSchedulerBackend, **settings: Any) -> MotoSchedule:
        try:
            parse(settings["schedule_expression"])
            _zone(settings.get("schedule_expression_timezone") or "UTC")
        except (BadExpression, ZoneInfoNotFoundError) as error:
            raise ScheduleRefused(message=f"Invalid Schedule Expression: {error}") from error
        group = settings.get("group_name") or "default"
        self.get_schedule_group(group)
        schedule: MotoSchedule = original(self, **settings)
        _bridge.context.clock.sources_changed()
        return schedule

    return checked
