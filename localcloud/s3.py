"""S3: one event per object written or removed, in EventBridge's own envelope, and policies with conditions.

moto sends an "ACL updated" and a "tags added" event with every put; those would need their own requests on
AWS and are left out. Classic notifications to queues, topics and functions stay moto's.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3 import notifications
from moto.s3.models import FakeBucket, S3Backend
from moto.s3.responses import S3Response

from localcloud.bridges import Bridge
from localcloud.context import Context

# What a request to the local cloud counts as: it never leaves the machine.
CONDITION_VALUES = {"aws:securetransport": "true", "s3:tlsversion": "1.3"}

_bridge = Bridge()
_numbers = itertools.count(1)
_numbers_lock = threading.Lock()


def install(context: Context) -> None:
    """Emit this local cloud's object events."""
    _bridge.install(context, _patch)


def _patch() -> None:
    def send_event_bridge_message(account_id: str, bucket: Any, event_name: str, key: Any) -> None:
        kind, _, reason = str(getattr(event_name, "value", event_name)).removeprefix("s3:").partition(":")
        detail_type = {"ObjectCreated": "Object Created", "ObjectRemoved": "Object Deleted"}.get(kind)
        # moto completes a multipart upload by a put of its own; that is one write, and one event.
        is_completion = reason == "Put" and getattr(key, "multipart", None) is not None
        if detail_type is not None and key is not None and not is_completion:
            detail = (
                _created(bucket, key, reason) if kind == "ObjectCreated" else _deleted(bucket, key, reason)
            )
            _bridge.context.emit_event("aws.s3", detail_type, detail, [bucket.arn])

    def get_permission(self: FakeBucket, action: str, resource: str) -> Any:
        if self.policy is None:
            return PermissionResult.NEUTRAL
        return judge(self.policy, action, resource)

    original_get = S3Response.get_bucket_notification

    def get_bucket_notification(self: S3Response) -> Any:
        status, headers, body = original_get(self)
        configured = self.backend.get_bucket_notification_configuration(self.bucket_name)
        if configured is not None and configured.event_bridge is not None:
            text = body.decode() if isinstance(body, bytes) else body
            body = _with_event_bridge(text)
        return status, headers, body

    def write_no_access_log(self: S3Backend, request: Any, bucket_name: str) -> None:
        """Keep a bucket's logging configuration, and spare every request another object."""

    S3Backend.log_incoming_request = write_no_access_log  # type: ignore[method-assign]
    S3Response.get_bucket_notification = get_bucket_notification  # type: ignore[method-assign]
    notifications._send_event_bridge_message = send_event_bridge_message
    FakeBucket.get_permission = get_permission  # type: ignore[method-assign]


def _with_event_bridge(xml: str) -> str:
    """Say that a bucket sends to EventBridge, which moto keeps and does not tell."""
    root = ElementTree.fromstring(xml)  # noqa: S314 - moto wrote it
    namespace = root.tag.partition("}")[0] + "}" if root.tag.startswith("{") else ""
    ElementTree.SubElement(root, f"{namespace}EventBridgeConfiguration")
    return ElementTree.tostring(root, encoding="unicode")


def _sequencer() -> str:
    """Return a text that sorts later than every one before it, as S3's sequencers of one key do."""
    with _numbers_lock:
        number = next(_numbers)
    return f"{int(_bridge.context.clock.time()):08X}{number:010X}"


def _request(bucket: Any) -> dict[str, Any]:
    return {
        "version": "0",
        "bucket": {"name": bucket.name},
        "request-id": "LOCALCLOUD000001",
        "requester": _bridge.context.account,
        "source-ip-address": "127.0.0.1",
    }


def _created(bucket: Any, key: Any, reason: str) -> dict[str, Any]:
    described: dict[str, Any] = {"key": key.name, "size": key.size, "etag": key.etag.strip('"')}
    if bucket.is_versioned:
        described["version-id"] = key.version_id
    described["sequencer"] = _sequencer()
    why = {"Put": "PutObject", "Post": "POST Object", "Copy": "CopyObject"}.get(reason, reason)
    return {**_request(bucket), "object": described, "reason": why}


def _deleted(bucket: Any, key: Any, reason: str) -> dict[str, Any]:
    described: dict[str, Any] = {"key": key.name}
    if bucket.is_versioned:
        described["version-id"] = key.version_id
    described["sequencer"] = _sequencer()
    marker = reason == "DeleteMarkerCreated"
    deletion = "Delete Marker Created" if marker else "Permanently Deleted"
    return {**_request(bucket), "object": described, "reason": "DeleteObject", "deletion-type": deletion}


def judge(policy: bytes | str, action: str, resource: str) -> Any:
    """Judge an action by the statements whose conditions hold for a request on this machine."""
    document = json.loads(policy)
    statements = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
    kept = [
        {key: value for key, value in statement.items() if key != "Condition"}
        for statement in statements
        if holds(statement.get("Condition") or {})
    ]
    if not kept:
        return PermissionResult.NEUTRAL
    return IAMPolicy(json.dumps({**document, "Statement": kept})).is_action_permitted(action, resource)


def holds(conditions: Mapping[str, Mapping[str, Any]]) -> bool:
    """Tell whether every condition holds; one about anything but the transport is taken not to.

    >>> holds({"Bool": {"aws:SecureTransport": "false"}})
    False
    >>> holds({})
    True
    """
    return all(
        _condition_holds(operator, key, expected)
        for operator, pairs in conditions.items()
        for key, expected in pairs.items()
    )


def _condition_holds(operator: str, key: str, expected: Any) -> bool:
    actual = CONDITION_VALUES.get(key.lower())
    if actual is None:
        return False
    wanted = [str(one).lower() for one in (expected if isinstance(expected, list) else [expected])]
    if operator in ("Bool", "StringEquals"):
        return actual in wanted
    if operator == "StringNotEquals":
        return actual not in wanted
    if operator.startswith("Numeric"):
        number, bound = float(actual), float(wanted[0])
        return {
            "NumericLessThan": number < bound,
            "NumericLessThanEquals": number <= bound,
            "NumericGreaterThan": number > bound,
            "NumericGreaterThanEquals": number >= bound,
            "NumericEquals": number == bound,
            "NumericNotEquals": number != bound,
        }.get(operator, False)
    return False
