"""Refuse what AWS refuses: every request is held against botocore's own model before moto sees it.

Lengths, patterns, enumerations, ranges and required members come from the service's model, so they are
those of AWS; a short list of rules that no model expresses follows them. The checks sit on the server's
side, where every client passes: handlers in their workers, state machines (whose clients check nothing),
the demo, and the cdk command line. S3 is left to moto, which checks what S3 checks; its model has hardly
any constraints.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from botocore.exceptions import UnknownServiceError
from botocore.model import OperationNotFoundError
from moto.core.exceptions import ServiceException
from moto.core.model import ServiceModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import get_service_model

LOG = logging.getLogger("localcloud.checks")
UNCHECKED = frozenset({"s3", "s3bucket_path", "s3control", "sts", "moto_api", "cloudformation"})
SHOWN = 120
LARGEST_STATE_BYTES = 262_144
LARGEST_INVOKE_BYTES = 6_291_456
LARGEST_EVENTS_BYTES = 262_144
MOST_METRICS = 1000

Semantic = Callable[[Mapping[str, Any]], str | None]


class Refused(ServiceException):
    """A request that AWS would refuse."""


def install() -> None:
    """Check every request from now on; safe to repeat."""
    if getattr(BaseResponse.call_action, "checks_requests", False):
        return
    original = BaseResponse.call_action

    def call_action(self: BaseResponse) -> Any:
        refusal = _refusal(self)
        return original(self) if refusal is None else self.serialized(ActionResult(refusal))

    call_action.checks_requests = True  # type: ignore[attr-defined]
    BaseResponse.call_action = call_action  # type: ignore[method-assign]


def _refusal(response: BaseResponse) -> Refused | None:
    service = response.boto3_service_name
    if not service or service in UNCHECKED:
        return None
    try:
        model = get_service_model(service)
        operation = model.operation_model(response._get_action())
    except (UnknownServiceError, OperationNotFoundError, TypeError):
        return None  # moto answers for what it does not know
    if operation.input_shape is None:
        return None
    parameters = _parameters(response, model, operation)
    if not isinstance(parameters, Mapping):
        return None
    problems = list(violations(operation.input_shape, parameters, ""))
    semantic = SEMANTIC.get((service, operation.name))
    if not problems and semantic is not None and (problem := semantic(parameters)) is not None:
        problems = [problem]
    if not problems:
        return None
    count = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''} detected: "
    refused = Refused(count + "; ".join(problems))
    refused.code = "ValidationError" if model.protocol == "query" else "ValidationException"
    return refused


def _parameters(response: BaseResponse, model: ServiceModel, operation: Any) -> Any:
    request = response.normalized_request
    kind = request.headers.get("Content-Type", "")
    if model.protocol == "json" and "cbor" not in kind:
        return json.loads(request.data or b"{}")
    try:
        protocol = response.determine_response_protocol(model)
        parser = PROTOCOL_PARSERS["query" if protocol == "query-json" else protocol](operation, map_type=dict)
        return parser.parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": request.data,
                "url_path": request.path,
                "url_params": response.uri_match,
            }
        )
    except (KeyError, ValueError, TypeError) as error:
        LOG.debug("%s %s is not checked: %s", model.service_name, operation.name, error)
        return None


# -- the model's constraints


def violations(shape: Any, value: Any, path: str) -> Iterator[str]:
    """Yield what a value breaks of a shape's constraints, in the words that AWS uses."""
    kind = shape.type_name
    if kind == "structure":
        yield from _structure(shape, value, path)
    elif kind == "list":
        if isinstance(value, list | tuple):
            yield from _size(shape, len(value), value, path, "Member must have length")
            for number, one in enumerate(value, 1):
                yield from violations(shape.member, one, f"{path}.{number}.member")
    elif kind == "map":
        if isinstance(value, Mapping):
            yield from _size(shape, len(value), value, path, "Member must have length")
            for key, one in value.items():
                yield from violations(shape.key, key, path)
                yield from violations(shape.value, one, f"{path}.{key}")
    elif kind == "string":
        yield from _string(shape, value, path)
    elif kind in ("integer", "long", "float", "double") and isinstance(value, int | float):
        yield from _size(shape, value, value, path, "Member must have value")


def _structure(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        return
    for name in shape.required_members:
        if value.get(name) is None:
            yield _sentence(None, _join(path, name), "Member must not be null")
    for name, one in value.items():
        member = shape.members.get(name)
        if member is not None and one is not None:
            yield from violations(member, one, _join(path, name))


def _join(path: str, name: str) -> str:
    camel = name[:1].lower() + name[1:]
    return f"{path}.{camel}" if path else camel


def _string(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, str):
        if isinstance(value, bool | int | float | list | dict):
            yield _sentence(value, path, "Member must be a string")
        return
    yield from _size(shape, len(value), value, path, "Member must have length")
    if shape.enum and value not in shape.enum:
        yield _sentence(value, path, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]")
    pattern = shape.metadata.get("pattern")
    if pattern and (compiled := _compiled(pattern)) is not None and compiled.fullmatch(value) is None:
        yield _sentence(value, path, f"Member must satisfy regular expression pattern: {pattern}")


def _size(shape: Any, size: float, value: Any, path: str, what: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < low:
        yield _sentence(value, path, f"{what} greater than or equal to {low}")
    if high is not None and size > high:
        yield _sentence(value, path, f"{what} less than or equal to {high}")


def _sentence(value: Any, path: str, constraint: str) -> str:
    text = "null" if value is None else f"'{str(value)[:SHOWN]}'"
    return f"Value {text} at '{path}' failed to satisfy constraint: {constraint}"


# Java's names for kinds of characters, as far as the models use them, in ranges that Python's re knows.
CHARACTER_KINDS = {
    "L": "A-Za-z\u00aa-\U0010ffff",
    "M": "\u0300-\u036f",
    "N": "0-9\u00b2-\u00b9\u0660-\u0669",
    "Z": "\\s\u00a0",
    "S": "$+<=>^`|~\u00a2-\u00f7",
    "P": "!-#%-*,-/:;?@\\[-\\]_{}\u00a1-\u00bf",
    "Graph": "!-~",
    "Print": " -~",
    "ASCII": "\\x00-\\x7f",
    "Alnum": "A-Za-z0-9",
    "Alpha": "A-Za-z",
    "Digit": "0-9",
    "Space": "\\s",
    "Cntrl": "\\x00-\\x1f\\x7f",
}
NAMED_KIND = re.compile(r"\\p\{(?:Is)?(\w+)\}")


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    outside = re.sub(r"\[(?:\\.|[^\]\\])*\]", lambda match: "\0" * len(match[0]), pattern)

    def translated(match: re.Match[str]) -> str:
        kind = CHARACTER_KINDS.get(match[1]) or CHARACTER_KINDS[match[1][:1]]
        return f"[{kind}]" if outside[match.start()] != "\0" else kind

    try:
        return re.compile(NAMED_KIND.sub(translated, pattern))
    except (re.error, KeyError):
        LOG.debug("the pattern %s is not one that can be checked", pattern)
        return None


# -- rules that no model expresses


def _execution_input(parameters: Mapping[str, Any]) -> str | None:
    text = parameters.get("input") or "{}"
    if len(text.encode()) > LARGEST_STATE_BYTES:
        return _sentence(
            text, "input", f"Member must have length less than or equal to {LARGEST_STATE_BYTES}"
        )
    return None


def _event_entries(parameters: Mapping[str, Any]) -> str | None:
    size = sum(
        len(str(entry.get(name, "")).encode())
        for entry in parameters.get("Entries") or []
        for name in ("Source", "DetailType", "Detail", "Resources")
    )
    return (
        f"Total size of the entries in the request is over the limit of {LARGEST_EVENTS_BYTES} bytes."
        if (size > LARGEST_EVENTS_BYTES)
        else None
    )


def _metric_data(parameters: Mapping[str, Any]) -> str | None:
    count = len(parameters.get("MetricData") or [])
    return (
        f"The collection MetricData must not have a size greater than {MOST_METRICS}."
        if (count > MOST_METRICS)
        else None
    )


def _invoke_payload(parameters: Mapping[str, Any]) -> str | None:
    size = len(parameters.get("Payload") or b"")
    return (
        f"Request must be smaller than {LARGEST_INVOKE_BYTES} bytes for the InvokeFunction operation"
        if (size > LARGEST_INVOKE_BYTES)
        else None
    )


SEMANTIC: dict[tuple[str, str], Semantic] = {
    ("stepfunctions", "StartExecution"): _execution_input,
    ("events", "PutEvents"): _event_entries,
    ("cloudwatch", "PutMetricData"): _metric_data,
    ("lambda", "Invoke"): _invoke_payload,
}
