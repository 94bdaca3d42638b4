"""EventBridge: rules that match send to every kind of target the stacks use, each in a thread the clock
counts.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from moto.events.exceptions import ValidationException
from moto.events.models import EventsBackend, Rule, events_backends

from localcloud.bridges import Bridge, iso_seconds
from localcloud.context import Context
from localcloud.delivery import Delivery, deliver, deliver_to_queue_or_topic
from localcloud.event_input import BadTemplate, target_input, unknown_variables

LOG = logging.getLogger("localcloud.events")
DEFAULT_RETRIES, DEFAULT_AGE_SECONDS = 185, 86_400

_bridge = Bridge()


def install(context: Context) -> None:
    """Match and deliver events for this local cloud."""
    _bridge.install(context, _patch)
    context.publish = lambda event: publish(context, event)


def publish(context: Context, event: Mapping[str, Any], bus: str = "default") -> None:
    """Complete an AWS service's event to an envelope and give it to the rules of a bus."""
    envelope = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": event["detail-type"],
        "source": event["source"],
        "account": context.account,
        "time": event.get("time") or iso_seconds(context.clock.now()),
        "region": context.region,
        "resources": list(event.get("resources") or ()),
        "detail": event["detail"],
    }
    rules = events_backends[context.account][context.region].event_buses[bus].rules
    for rule in list(rules.values()):
        rule.send_to_targets(envelope)  # type: ignore[arg-type]


def _patch() -> None:
    original_send, original_put = Rule.send_to_targets, EventsBackend.put_targets

    def send_to_targets(self: Rule, original_event: Any, transform_input: bool = True) -> None:
        if self.scheduled_expression and not self.event_pattern.get_pattern():
            return  # a rule that only runs on a schedule matches no event
        if self.state not in ("ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"):
            return
        if not self.event_pattern.matches_event(original_event):
            return
        archives = [target for target in self.targets if _is_archive(target)]
        if archives:
            archived = {**original_event, "archive-arn": archives[0]["Arn"], "ingestion-time": 0.0}
            _send_as_moto(original_send, self, archives, archived)
        send_event(self, _with_text_time(original_event))

    def put_targets(self: EventsBackend, name: str, event_bus_arn: str | None, targets: list[Any]) -> None:
        for target in targets:
            if unknown := unknown_variables(target.get("InputTransformer") or {"InputTemplate": ""}):
                raise ValidationException(
                    f"InputTemplate for target {target['Id']} contains placeholder which is not defined: "
                    f"{', '.join(unknown)}. Add it to InputPathsMap."
                )
        original_put(self, name, event_bus_arn, targets)

    Rule.send_to_targets = send_to_targets  # type: ignore[method-assign]
    EventsBackend.put_targets = put_targets  # type: ignore[method-assign]


def _is_archive(target: Mapping[str, Any]) -> bool:
    parts = target["Arn"].split(":", 5)
    return parts[2] == "events" and not parts[5].startswith(("event-bus/", "api-destination/"))


def _send_as_moto(original: Any, rule: Rule, targets: list[Any], event: Mapping[str, Any]) -> None:
    everything, rule.targets = rule.targets, targets
    try:
        original(rule, event, transform_input=False)
    finally:
        rule.targets = everything


def _with_text_time(event: Mapping[str, Any]) -> dict[str, Any]:
    """Give an event its AWS form; inside, moto keeps the time as a number or a datetime."""
    when = event.get("time")
    if isinstance(when, int | float):
        when = iso_seconds(datetime.fromtimestamp(when, UTC))
    elif isinstance(when, datetime):
        when = iso_seconds(when)
    plain = {key: value for key, value in event.items() if key not in ("ingestion-time", "archive-arn")}
    return {**plain, "time": when}


def send_event(rule: Rule, event: Mapping[str, Any]) -> None:
    """Send an event to every target of a rule, twice if duplicates are asked for."""
    context = _bridge.context
    for target in list(rule.targets):
        if _is_archive(target):
            continue
        dead_letter_arn = (target.get("DeadLetterConfig") or {}).get("Arn")
        try:
            payload = target_input(event, target, rule_arn=rule.arn, rule_name=rule.name)
        except BadTemplate as error:
            LOG.error("rule %s: %s", rule.name, error)
            if dead_letter_arn is not None:
                reasons = {
                    "RULE_ARN": rule.arn,
                    "ERROR_CODE": "INVALID_JSON",
                    "ERROR_MESSAGE": str(error)[:1024],
                }
                deliver_to_queue_or_topic(context, dead_letter_arn, event, reasons)
            continue
        policy = target.get("RetryPolicy") or {}
        delivery = Delivery(
            target_arn=target["Arn"],
            payload=payload,
            source_arn=rule.arn,
            dead_letter_arn=dead_letter_arn,
            maximum_retries=policy.get("MaximumRetryAttempts", DEFAULT_RETRIES),
            maximum_age_seconds=policy.get("MaximumEventAgeInSeconds", DEFAULT_AGE_SECONDS),
            message_group=(target.get("SqsParameters") or {}).get("MessageGroupId"),
            event=event,
        )
        for _ in range(2 if context.deliver_twice else 1):
            context.clock.spawn(deliver, context, delivery, name=f"rule {rule.name}")
