"""Lambda invocations: real handlers in warm workers, answers and logs as Lambda gives them."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import threading
import time
import uuid
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moto.awslambda.models import LambdaFunction

from localcloud import metrics
from localcloud.context import ACCESS_KEY, SECRET_KEY, Context
from localcloud.functions.workers import FunctionSpec, Worker, WorkerDied, WorkerPool

LOG = logging.getLogger("localcloud.functions")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an invocation gave: a JSON text, whether it is an error, and what was logged."""

    payload: str
    is_error: bool
    log: str
    request_id: str


class Functions:
    """Run the functions of one local cloud."""

    def __init__(self, context: Context) -> None:
        """Keep code and workers under the context's work folder."""
        self._context = context
        self.pool = WorkerPool()
        self._unpacked: dict[str, Path] = {}
        self._lock = threading.Lock()
        self._scratch = context.work_dir / "tmp"
        self._scratch.mkdir(parents=True, exist_ok=True)

    def warm(self) -> None:
        """Start the process that imports what functions with the layer share, ahead of the first call."""
        self.pool.warm(self._import_path(has_layer=True))

    def stop(self) -> None:
        """End every process."""
        self.pool.stop()

    def invoke(self, function: LambdaFunction, event: Any) -> Outcome:
        """Run a function once and return what it gave; failures of any kind are outcomes, not exceptions."""
        request_id = str(uuid.uuid4())
        with self._context.usage.measure("lambda"):
            started = time.monotonic()
            answer, log = self._run(function, event, request_id)
            milliseconds = (time.monotonic() - started) * 1000
        text = (
            f"START RequestId: {request_id} Version: {function.version}\n{log}"
            f"END RequestId: {request_id}\nREPORT RequestId: {request_id}\tDuration: {milliseconds:.2f} ms\t"
            f"Memory Size: {function.memory_size} MB\n"
        )
        metrics.emit(self._context, log)
        self._record(function, milliseconds, is_error="error" in answer)
        if "error" in answer:
            return Outcome(json.dumps(answer["error"]), True, text, request_id)
        return Outcome(answer["result"], False, text, request_id)

    def _record(self, function: LambdaFunction, milliseconds: float, *, is_error: bool) -> None:
        """Report what Lambda reports by itself, for the alarms that read it."""
        dimensions = {"FunctionName": function.function_name}
        counts = {"Invocations": 1.0, "Errors": float(is_error)}
        metrics.record(self._context, "AWS/Lambda", counts, dimensions, unit="Count")
        metrics.record(
            self._context, "AWS/Lambda", {"Duration": milliseconds}, dimensions, unit="Milliseconds"
        )

    def _run(self, function: LambdaFunction, event: Any, request_id: str) -> tuple[dict[str, Any], str]:
        timeout = float(function.timeout or 3)
        try:
            worker = self.pool.acquire(self._spec(function))
        except WorkerDied as error:
            LOG.error("%s: %s", function.function_name, error)
            return _failure("Runtime.ExitError", f"RequestId: {request_id} Error: {error}"), ""
        is_reusable = False
        try:
            if worker.init_error is not None:
                return {"error": {**worker.init_error, "requestId": request_id}}, worker.take_log()
            answer = worker.call(_message(function, event, request_id, timeout), timeout)
            is_reusable = True
            return answer, worker.take_log()
        except TimeoutError:
            return _timed_out(self._context, request_id, timeout, worker)
        except WorkerDied as error:
            message = f"RequestId: {request_id} Error: Runtime exited: {error}"
            return _failure("Runtime.ExitError", message), worker.take_log() + message + "\n"
        finally:
            self.pool.release(worker, is_reusable=is_reusable)

    # -- what a worker must be

    def _spec(self, function: LambdaFunction) -> FunctionSpec:
        if function.package_type != "Zip" or not function.handler:
            raise WorkerDied("the local cloud runs functions of package type Zip with a Python handler only")
        return FunctionSpec(
            name=function.function_name,
            handler=function.handler,
            task_dir=self._task_dir(function),
            import_path=self._import_path(has_layer=bool(function.layers)),
            environment=tuple(sorted(self._environment(function).items())),
        )

    def _import_path(self, *, has_layer: bool) -> tuple[Path, ...]:
        layers = (self._context.laptop_layer,) if has_layer else ()
        return (*layers, self._context.runtime_dir)

    def _task_dir(self, function: LambdaFunction) -> Path:
        digest: str = function.code_sha_256
        with self._lock:
            if digest not in self._unpacked:
                folder = hashlib.sha256(digest.encode()).hexdigest()[:16]  # base64 has slashes
                target = self._context.work_dir / "functions" / folder
                with zipfile.ZipFile(io.BytesIO(function.code_bytes)) as archive:
                    archive.extractall(target)
                self._unpacked[digest] = target
            return self._unpacked[digest]

    def _environment(self, function: LambdaFunction) -> Mapping[str, str]:
        scratch = self._scratch
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "TMPDIR": str(scratch),
            "HOME": str(scratch),
            "LAMBDA_TASK_ROOT": str(self._task_dir(function)),
            "_HANDLER": str(function.handler),
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
            "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
            "AWS_LAMBDA_FUNCTION_VERSION": str(function.version),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
            "AWS_LAMBDA_LOG_GROUP_NAME": function.logs_group_name,
            "AWS_LAMBDA_LOG_STREAM_NAME": "local",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_REGION": function.region,
            "AWS_DEFAULT_REGION": function.region,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_ENDPOINT_URL": self._context.endpoint_url,
            **{str(key): str(value) for key, value in (function.environment_vars or {}).items()},
        }


def _message(function: LambdaFunction, event: Any, request_id: str, timeout: float) -> dict[str, Any]:
    return {
        "event": json.dumps(event),
        "request_id": request_id,
        "timeout_seconds": timeout,
        "arn": function.function_arn,
    }


def _failure(kind: str, message: str) -> dict[str, Any]:
    return {"error": {"errorType": kind, "errorMessage": message}}


def _timed_out(
    context: Context, request_id: str, timeout: float, worker: Worker
) -> tuple[dict[str, Any], str]:
    stamp = context.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    message = f"{stamp} {request_id} Task timed out after {timeout:.2f} seconds"
    return _failure("Sandbox.Timedout", message), worker.take_log() + message + "\n"
