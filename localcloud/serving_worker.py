"""The container's side of endpoints: load a model with AWS's inference toolkit and answer until hung up on.

Runs with the container environment's interpreter and imports nothing of the local cloud. It imports what
models need once, then forks a process for each connection: a new model version answers a second and a half
sooner than by importing everything again. Frames in both directions: two big-endian lengths, a JSON header, a
body.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import socket
import struct
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any

PRELOADED = (
    "sagemaker_inference.transformer",
    "numpy",
    "pandas",
    "pyarrow.parquet",
    "joblib",
    "sklearn.compose",
    "sklearn.ensemble",
    "sklearn.impute",
    "sklearn.linear_model",
    "sklearn.pipeline",
    "sklearn.preprocessing",
)
LENGTHS = struct.Struct(">II")


def read_exactly(connection: socket.socket, count: int) -> bytes:
    """Read `count` bytes; raise EOFError when the other side hangs up before."""
    chunks = []
    while count:
        chunk = connection.recv(min(count, 1 << 20))
        if not chunk:
            raise EOFError
        chunks.append(chunk)
        count -= len(chunk)
    return b"".join(chunks)


def receive(connection: socket.socket) -> tuple[dict[str, Any], bytes]:
    """Read one frame."""
    header_length, body_length = LENGTHS.unpack(read_exactly(connection, LENGTHS.size))
    header = json.loads(read_exactly(connection, header_length))
    return header, read_exactly(connection, body_length)


def send(connection: socket.socket, header: dict[str, Any], body: bytes = b"") -> None:
    """Write one frame."""
    head = json.dumps(header).encode()
    connection.sendall(LENGTHS.pack(len(head), len(body)) + head + body)


class Request:
    """Be what the toolkit knows as a model server's context and request processor, for one request."""

    def __init__(self, model_dir: str, content_type: str | None, accept: str | None) -> None:
        """Take the request's headers."""
        self.system_properties = {"model_dir": model_dir}
        self.request_processor = [self]
        self._properties = {"Content-Type": content_type, **({"Accept": accept} if accept else {})}
        self.status, self.content_type = 200, ""

    def get_request_properties(self) -> dict[str, str | None]:
        """Return the request's headers."""
        return self._properties

    def set_response_content_type(self, _index: int, value: str) -> None:
        """Remember the answer's content type."""
        self.content_type = value

    def set_response_status(self, code: int = 200, phrase: str = "") -> None:
        """Remember the answer's status."""
        self.status = code


def main(address: str) -> None:
    """Fork a worker for every connection to `address` until standard input closes."""
    for name in PRELOADED:
        with contextlib.suppress(ImportError):  # the project's own environment decides what there is
            importlib.import_module(name)
    # The threads that Python warns about are those of the linear algebra, which looks after itself in a fork.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        while sys.stdin not in (ready := select.select([listener, sys.stdin], [], [])[0]):
            assert ready  # noqa: S101 - nothing else can wake select
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _work(connection)
                os._exit(0)
            connection.close()


def _work(connection: socket.socket) -> None:
    with contextlib.suppress(EOFError, ConnectionError):
        setup, _ = receive(connection)
        try:
            transformer = _load(setup)
        except BaseException:  # noqa: BLE001 - user code may raise anything; all of it is reported
            send(connection, {"pid": os.getpid(), "error": traceback.format_exc()})
            return
        send(connection, {"pid": os.getpid()})
        while True:
            header, body = receive(connection)
            request = Request(setup["model_dir"], header["content_type"], header["accept"])
            result = transformer.transform([{"body": bytearray(body)}], request)[0]
            sys.stdout.flush()
            answer = result.encode() if isinstance(result, str) else bytes(result)
            send(connection, {"status": request.status, "content_type": request.content_type}, answer)


def _limit_threads(environment: dict[str, str]) -> None:
    """Do what the variable would have done, had the libraries been loaded after it was set."""
    if threads := environment.get("OMP_NUM_THREADS"):
        from threadpoolctl import threadpool_limits

        threadpool_limits(int(threads))


def _load(setup: dict[str, Any]) -> Any:
    os.setsid()
    os.environ.clear()
    os.environ.update(setup["environment"])
    _limit_threads(setup["environment"])
    os.chdir(setup["model_dir"])
    log = os.open(setup["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.path.insert(0, str(Path(setup["model_dir"]) / "code"))
    from sagemaker_inference.default_inference_handler import DefaultInferenceHandler
    from sagemaker_inference.transformer import Transformer

    transformer = Transformer(default_inference_handler=DefaultInferenceHandler())
    transformer.validate_and_initialize(model_dir=setup["model_dir"])
    sys.stdout.flush()
    return transformer


if __name__ == "__main__":
    main(sys.argv[1])
