"""Deliver a payload to a target by its ARN: retry what may pass, put what fails for good into a dead-letter
queue.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.context import Context

LOG = logging.getLogger("localcloud.delivery")
THROTTLED = re.compile("Throttl|TooManyRequests|LimitExceeded|ServiceUnavailable|RequestTimeout")
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 600.0


class Undeliverable(Exception):
    """A target that no retry can help: its kind is not supported, or the payload does not fit it."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """Say what goes where, and what happens if it cannot."""

    target_arn: str
    payload: str  # JSON text
    source_arn: str
    dead_letter_arn: str | None = None
    maximum_retries: int = 185
    maximum_age_seconds: int = 86_400
    message_group: str | None = None
    event: Mapping[str, Any] = field(default_factory=dict)  # the envelope, where there is one


def deliver(context: Context, delivery: Delivery) -> None:
    """Deliver, waiting on the clock between attempts; never raise for the target's failure."""
    started = context.clock.time()
    wait = FIRST_WAIT_SECONDS
    for attempt in range(delivery.maximum_retries + 1):
        try:
            send(context, delivery)
            return
        except (ClientError, BotoCoreError, Undeliverable) as error:
            failure: Exception = error
        too_old = context.clock.time() + wait - started > delivery.maximum_age_seconds
        if not _may_pass(failure) or attempt == delivery.maximum_retries or too_old:
            break
        context.clock.sleep(wait)
        wait = min(wait * 2, LONGEST_WAIT_SECONDS)
    LOG.warning("%s could not be delivered to %s: %s", delivery.source_arn, delivery.target_arn, failure)
    if delivery.dead_letter_arn is not None:
        code = (
            failure.response["Error"]["Code"] if isinstance(failure, ClientError) else type(failure).__name__
        )
        attributes = {
            "RULE_ARN": delivery.source_arn,
            "TARGET_ARN": delivery.target_arn,
            "ERROR_CODE": code,
            "ERROR_MESSAGE": str(failure)[:1024],
            "RETRY_ATTEMPTS": str(attempt),
        }
        body = delivery.event or json.loads(delivery.payload)
        deliver_to_queue_or_topic(context, delivery.dead_letter_arn, body, attributes)


def _may_pass(error: Exception) -> bool:
    if isinstance(error, ClientError):
        status = error.response["ResponseMetadata"].get("HTTPStatusCode", 500)
        code = error.response["Error"]["Code"]
        return bool(status >= 500 and status != 501) or THROTTLED.search(code) is not None
    return isinstance(error, BotoCoreError)


def deliver_to_queue_or_topic(context: Context, arn: str, body: Any, attributes: Mapping[str, str]) -> None:
    """Send a document with text attributes to a queue, topic, bus or function; log when even that fails."""
    service = arn.split(":")[2]
    text = json.dumps(body)
    typed = {key: {"DataType": "String", "StringValue": value} for key, value in attributes.items() if value}
    try:
        if service == "sqs":
            context.client("sqs").send_message(
                QueueUrl=_queue_url(context, arn), MessageBody=text, MessageAttributes=typed
            )
        elif service == "sns":
            context.client("sns").publish(TopicArn=arn, Message=text, MessageAttributes=typed)
        else:
            send(context, Delivery(target_arn=arn, payload=text, source_arn="dead-letter"))
    except (ClientError, BotoCoreError, Undeliverable) as error:
        LOG.error("the dead-letter target %s took nothing: %s; lost: %s", arn, error, text[:2000])


def send(context: Context, delivery: Delivery) -> None:
    """Make the one call that delivers; raise ClientError, BotoCoreError or Undeliverable."""
    arn, payload = delivery.target_arn, delivery.payload
    service = arn.split(":")[2]
    if service == "lambda":
        context.client("lambda").invoke(FunctionName=arn, InvocationType="Event", Payload=payload.encode())
    elif service == "states":
        context.client("stepfunctions").start_execution(stateMachineArn=arn, input=payload)
    elif service == "sns":
        context.client("sns").publish(TopicArn=arn, Message=payload)
    elif service == "sqs":
        group = {"MessageGroupId": delivery.message_group} if delivery.message_group else {}
        context.client("sqs").send_message(QueueUrl=_queue_url(context, arn), MessageBody=payload, **group)
    elif service == "events":
        _send_to_bus(context, arn, json.loads(payload))
    elif service == "logs":
        _send_to_log_group(context, arn, payload)
    elif arn.startswith("arn:aws:scheduler:::aws-sdk:"):
        _call_any_service(context, arn, json.loads(payload or "{}"))
    else:
        raise Undeliverable(f"the local cloud cannot deliver to {arn}")


def _queue_url(context: Context, arn: str) -> str:
    url: str = context.client("sqs").get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
    return url


def _send_to_bus(context: Context, arn: str, event: Mapping[str, Any]) -> None:
    entry = {
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": json.dumps(event["detail"]),
        "Resources": event.get("resources", []),
        "EventBusName": arn,
    }
    context.client("events").put_events(Entries=[entry])


def _send_to_log_group(context: Context, arn: str, payload: str) -> None:
    logs, group = context.client("logs"), arn.split(":log-group:")[1].removesuffix(":*")
    stream = f"event-{context.clock.time():.6f}"
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    stamp = int(context.clock.time() * 1000)
    logs.put_log_events(
        logGroupName=group, logStreamName=stream, logEvents=[{"timestamp": stamp, "message": payload}]
    )


def _call_any_service(context: Context, arn: str, parameters: Mapping[str, Any]) -> None:
    """Call what a Scheduler's universal target names: arn:aws:scheduler:::aws-sdk:<service>:<action>."""
    service, action = arn.split(":")[-2:]
    client = context.client({"sfn": "stepfunctions"}.get(service, service))
    method = re.sub(r"(?<!^)(?=[A-Z])", "_", action).lower()
    if not hasattr(client, method):
        raise Undeliverable(f"{service} has no action {action}")
    getattr(client, method)(**parameters)
