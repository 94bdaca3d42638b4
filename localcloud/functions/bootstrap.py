"""What runs inside Lambda: a process that imports the costly common modules once and forks a worker per
function.

Started with `-I -S`, so neither the checkout nor the virtual environment is on its path; only the standard
library may be imported here at the top. A worker sees its function's unpacked zip, the layer, and Lambda's
own runtime.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import json
import logging
import os
import random
import signal
import socket
import struct
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from typing import Any

PRELOAD = (
    "boto3",
    "botocore.session",
    "botocore.regions",
    "botocore.httpsession",
    "botocore.httpchecksum",
    "botocore.crt.auth",
    "botocore.handlers",
    "botocore.signers",
    "s3transfer.manager",
    "concurrent.futures.thread",
    "dataclasses",
    "decimal",
    "gzip",
    "hashlib",
    "tomllib",
    "uuid",
    "numpy",
    "pyarrow",
    "pyarrow.compute",
    "pyarrow.csv",
    "pyarrow.json",
    "pyarrow.parquet",
    "pandas",
    "pydantic",
    "pandera.pandas",
)
# Their models are megabytes of JSON that every worker would read again.
SERVICES = ("s3", "dynamodb", "events", "stepfunctions", "sagemaker", "sqs", "sns", "cloudwatch")


def send(channel: socket.socket, message: dict[str, Any]) -> None:
    """Write one message, prefixed with its length."""
    data = json.dumps(message).encode()
    channel.sendall(struct.pack("!I", len(data)) + data)


def receive(channel: socket.socket) -> dict[str, Any] | None:
    """Read one message; None when the other side is gone."""
    head = _exactly(channel, 4)
    if head is None:
        return None
    data = _exactly(channel, struct.unpack("!I", head)[0])
    return json.loads(data) if data is not None else None


def _exactly(channel: socket.socket, size: int) -> bytes | None:
    parts = []
    while size:
        part = channel.recv(min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


# -- the process that forks


def main() -> None:
    """Import what is shared, then fork a worker for every request until the control channel closes."""
    control = socket.socket(fileno=int(sys.argv[1]))
    sys.path[:0] = json.loads(sys.argv[2])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is for the local cloud
    _preload()
    # The one other thread is the allocator's in Arrow's library, and it is prepared for forks.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    gc.collect()
    gc.freeze()  # keeps the collector from touching, and so copying, what the workers share
    send(control, {"pid": os.getpid()})
    while True:
        try:
            head, descriptors, _, _ = socket.recv_fds(control, 4, 2)
        except OSError:
            return
        if not head:
            return
        size = struct.unpack("!I", head)[0]
        spec = json.loads(_exactly(control, size) or b"{}")
        if os.fork() == 0:
            control.close()
            _become_worker(socket.socket(fileno=descriptors[0]), descriptors[1], spec)
        for descriptor in descriptors:
            os.close(descriptor)


def _preload() -> None:
    # One thread each: a library's thread pool would not survive the fork.
    os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", ARROW_DEFAULT_MEMORY_POOL="system")
    for name in PRELOAD:
        with contextlib.suppress(ImportError):  # a function without the layer has neither numpy nor pyarrow
            importlib.import_module(name)
    if "botocore" in sys.modules:
        _share_service_models()


def _share_service_models() -> None:
    loaders = importlib.import_module("botocore.loaders")
    original = loaders.JSONFileLoader.load_file
    known: dict[str, Any] = {}

    @functools.wraps(original)
    def load_file(self: Any, file_path: str) -> Any:
        if file_path not in known:
            known[file_path] = original(self, file_path)
        return known[file_path]

    loaders.JSONFileLoader.load_file = load_file
    loader = importlib.import_module("botocore.session").get_session().get_component("data_loader")
    for data in ("endpoints", "partitions", "sdk-default-configuration", "_retry"):
        loader.load_data(data)
    for service in SERVICES:
        loader.load_service_model(service, "service-2")
        loader.load_service_model(service, "endpoint-rule-set-1")


# -- a worker


class Context:
    """What a handler is given as its second argument."""

    def __init__(self, call: dict[str, Any]) -> None:
        """Take the invocation's message."""
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.invoked_function_arn = call["arn"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.aws_request_id = call["request_id"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = None
        self.client_context = None
        self._deadline = time.monotonic() + call["timeout_seconds"]

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds of real time left."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


class _LambdaFormatter(logging.Formatter):
    request_id = ""

    def format(self, record: logging.LogRecord) -> str:
        record.aws_request_id = self.request_id
        return super().format(record)


def _become_worker(channel: socket.socket, log: int, spec: dict[str, Any]) -> None:
    status = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        formatter = _settle_in(log, spec)
        _work(channel, spec, formatter)
        status = 0
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:  # noqa: BLE001 - the last frame of a process: its log is the only report there is
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _settle_in(log: int, spec: dict[str, Any]) -> _LambdaFormatter:
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115 - lives as long as this
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(spec["environment"])
    time.tzset()
    sys.path.insert(0, spec["task_dir"])
    sys.path_importer_cache.clear()
    os.chdir(spec["task_dir"])
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    formatter = _LambdaFormatter("[%(levelname)s]\t%(asctime)s\t%(aws_request_id)s\t%(message)s")
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    logging.getLogger().handlers = [handler]
    logging.getLogger().setLevel(logging.WARNING)
    return formatter


def _work(channel: socket.socket, spec: dict[str, Any], formatter: _LambdaFormatter) -> None:
    try:
        handler = _load(spec["handler"])
    except BaseException as error:  # noqa: BLE001 - whatever the module raised is the invocation's answer
        traceback.print_exc()
        send(channel, {"pid": os.getpid(), "init_error": _init_error(spec["handler"], error)})
        return
    gc.collect()
    send(channel, {"pid": os.getpid()})
    while (call := receive(channel)) is not None:
        formatter.request_id = call["request_id"]
        os.environ["_X_AMZN_TRACE_ID"] = f"Root=1-{call['request_id'][:8]}"
        answer = _answer(handler, call)
        sys.stdout.flush()
        sys.stderr.flush()
        send(channel, answer)


def _load(handler: str) -> Callable[[Any, Context], Any]:
    module, _, name = handler.rpartition(".")
    loaded = importlib.import_module(module.replace("/", "."))
    return getattr(loaded, name)  # type: ignore[no-any-return]


def _init_error(handler: str, error: BaseException) -> dict[str, Any]:
    module, _, name = handler.rpartition(".")
    described = describe(error)
    if isinstance(error, ImportError):
        described["errorType"] = "Runtime.ImportModuleError"
        described["errorMessage"] = f"Unable to import module '{module}': {error}"
    elif isinstance(error, SyntaxError):
        described["errorType"] = "Runtime.UserCodeSyntaxError"
    elif isinstance(error, AttributeError) and f"no attribute '{name}'" in str(error):
        described["errorType"] = "Runtime.HandlerNotFound"
        described["errorMessage"] = f"Handler '{name}' missing on module '{module}'"
    return described


def _answer(handler: Callable[[Any, Context], Any], call: dict[str, Any]) -> dict[str, Any]:
    try:
        result = handler(json.loads(call["event"]), Context(call))
    except Exception as error:  # noqa: BLE001 - a handler's failure is its answer
        described = describe(error)
        print(f"[ERROR] {described['errorType']}: {described['errorMessage']}")
        print("Traceback (most recent call last):\n" + "".join(described["stackTrace"]))
        return {"error": {**described, "requestId": call["request_id"]}}
    try:
        return {"result": json.dumps(result, allow_nan=False)}
    except (TypeError, ValueError) as error:
        described = describe(error)
        described["errorType"] = "Runtime.MarshalError"
        described["errorMessage"] = f"Unable to marshal response: {error}"
        print(f"[ERROR] {described['errorType']}: {described['errorMessage']}")
        return {"error": {**described, "requestId": call["request_id"]}}


def describe(error: BaseException) -> dict[str, Any]:
    """Describe a failure as Lambda's Python runtime does."""
    frames = traceback.extract_tb(error.__traceback__)
    kept = [frame for frame in frames if frame.filename not in (__file__, importlib.__file__)]
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "stackTrace": traceback.format_list(kept),
    }


if __name__ == "__main__":
    main()
