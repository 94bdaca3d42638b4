"""Put real invocations in moto's place: synchronous calls answer, asynchronous ones retry and end in a
queue.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Mapping
from typing import Any

from moto.awslambda.models import LambdaFunction, LayerVersion

from localcloud.bridges import Bridge
from localcloud.context import Context
from localcloud.delivery import deliver_to_queue_or_topic
from localcloud.functions.invocation import Functions, Outcome

LOG = logging.getLogger("localcloud.functions")
RETRY_SECONDS = (60.0, 120.0)  # Lambda's own waits before its second and third attempt
MAXIMUM_RETRIES = 2

_bridge = Bridge()
_running: dict[int, Functions] = {}


def install(context: Context) -> Functions:
    """Run functions in workers from now on; stop the returned object at the end."""
    functions = Functions(context)
    _running.clear()
    _running[id(context)] = functions
    _bridge.install(context, _patch)
    return functions


def _functions() -> Functions:
    return _running[id(_bridge.context)]


def _patch() -> None:
    _patch_settings()

    def run_and_log(self: LambdaFunction, event: Any = None) -> tuple[str, bool, str]:
        outcome = _invoke(self, event)
        return outcome.payload, outcome.is_error, outcome.log

    def invoke(
        self: LambdaFunction, body: Any, request_headers: Mapping[str, str], response_headers: dict[str, str]
    ) -> str | bytes:
        event = json.loads(body) if body else {}
        kind = request_headers.get("x-amz-invocation-type") or "RequestResponse"
        if kind == "DryRun":
            return b""
        if kind == "Event":
            _bridge.context.clock.spawn(_run_asynchronously, self, event, name=f"lambda {self.function_name}")
            return b""
        outcome = _invoke(self, event)
        if outcome.is_error:
            response_headers["x-amz-function-error"] = "Unhandled"
        tail = outcome.log.encode()[-4096:]
        response_headers["x-amz-log-result"] = base64.b64encode(tail).decode()
        return outcome.payload.encode()

    LambdaFunction._invoke_lambda = run_and_log  # type: ignore[method-assign]
    LambdaFunction.invoke = invoke  # type: ignore[method-assign]


def _patch_settings() -> None:
    original_init, original_update = LambdaFunction.__init__, LambdaFunction.update_configuration
    original_layer_init = LayerVersion.__init__

    def keep_settings(
        self: LambdaFunction, account_id: str, spec: dict[str, Any], *args: Any, **kwargs: Any
    ) -> None:
        original_init(self, account_id, spec, *args, **kwargs)
        _keep(self, spec)

    def update_configuration(self: LambdaFunction, config_updates: dict[str, Any]) -> dict[str, Any]:
        _keep(self, config_updates)
        return original_update(self, config_updates)

    def forget_layer(self: LayerVersion, *args: Any, **kwargs: Any) -> None:
        original_layer_init(self, *args, **kwargs)
        self.code_bytes = b""  # functions run with the laptop's layer; this one is tens of megabytes

    LambdaFunction.__init__ = keep_settings  # type: ignore[method-assign]
    LambdaFunction.update_configuration = update_configuration  # type: ignore[method-assign]
    LayerVersion.__init__ = forget_layer  # type: ignore[method-assign]


def _keep(function: LambdaFunction, settings: Mapping[str, Any]) -> None:
    """Keep the settings that moto drops and that matter when a function runs."""
    if "DeadLetterConfig" in settings:
        function.dead_letter_arn = settings["DeadLetterConfig"].get("TargetArn")  # type: ignore[attr-defined]
    if settings.get("LoggingConfig", {}).get("LogGroup"):
        function.logs_group_name = settings["LoggingConfig"]["LogGroup"]


def _invoke(function: LambdaFunction, event: Any) -> Outcome:
    with _bridge.context.clock.busy(f"lambda {function.function_name}"):
        outcome = _functions().invoke(function, event)
    function.logs_backend.ensure_log_group(function.logs_group_name)
    function.save_logs(outcome.log)
    return outcome


def _run_asynchronously(function: LambdaFunction, event: Any) -> None:
    """Invoke until it succeeds or no retry is left, then tell the destination or the dead-letter queue."""
    settings = event_invoke_settings(function)
    attempts = 1 + settings.get("MaximumRetryAttempts", MAXIMUM_RETRIES)
    for attempt in range(attempts):
        outcome = _invoke(function, event)
        if not outcome.is_error:
            _tell_destination(function, event, outcome, settings, "OnSuccess", "Success", attempt + 1)
            return
        if attempt + 1 < attempts:
            _bridge.context.clock.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
    LOG.warning("%s failed %s times: %s", function.function_name, attempts, outcome.payload[:500])
    _tell_destination(function, event, outcome, settings, "OnFailure", "RetriesExhausted", attempts)
    if (target := getattr(function, "dead_letter_arn", None)) is not None:
        error = json.loads(outcome.payload)
        deliver_to_queue_or_topic(
            _bridge.context,
            target,
            event,
            {
                "RequestID": outcome.request_id,
                "ErrorCode": "200",
                "ErrorMessage": error["errorMessage"][:1024],
            },
        )


def event_invoke_settings(function: LambdaFunction) -> dict[str, Any]:
    """Return the function's settings for asynchronous calls, or none."""
    configured = function.event_invoke_config
    return dict(configured[-1].response()) if configured else {}


def _tell_destination(
    function: LambdaFunction,
    event: Any,
    outcome: Outcome,
    settings: Mapping[str, Any],
    which: str,
    condition: str,
    attempts: int,
) -> None:
    destination = ((settings.get("DestinationConfig") or {}).get(which) or {}).get("Destination")
    if destination is None:
        return
    response_context: dict[str, Any] = {"statusCode": 200, "executedVersion": str(function.version)}
    if outcome.is_error:
        response_context["functionError"] = "Unhandled"
    record = {
        "version": "1.0",
        "timestamp": _bridge.context.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        "requestContext": {
            "requestId": outcome.request_id,
            "functionArn": f"{function.function_arn}:{function.version}",
            "condition": condition,
            "approximateInvokeCount": attempts,
        },
        "requestPayload": event,
        "responseContext": response_context,
        "responsePayload": json.loads(outcome.payload),
    }
    deliver_to_queue_or_topic(_bridge.context, destination, record, {})
