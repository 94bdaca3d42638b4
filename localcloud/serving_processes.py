"""This side of the serving processes: start them, give each its model, ask them, end them."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud import serving_worker
from localcloud.context import Context

START_SECONDS = 120.0
ANSWER_SECONDS = 60.0  # SageMaker's own limit for a container's answer
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


class WorkerFailed(Exception):
    """The serving process did not start, or ended, or did not answer in time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold what a container answered, and the seconds it took."""

    status: int
    content_type: str
    body: bytes
    seconds: float


class Nursery:
    """Own the process that all serving processes are forked from; it starts when first needed."""

    def __init__(self, python: Path) -> None:
        """Take the container environment's interpreter."""
        self._python = python
        self._process: subprocess.Popen[bytes] | None = None
        self._address = ""
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin to import what models need; return at once."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                return
            # A Unix socket's path has 108 bytes, which the local cloud's own folder may use up.
            self._address = str(Path(tempfile.mkdtemp(prefix="lc-serve-")) / "socket")
            self._process = subprocess.Popen(
                [str(self._python), serving_worker.__file__, self._address],
                stdin=subprocess.PIPE,
                # Read when the libraries are loaded, before any model brings its own variables: threads
                # that wait must not spin, or requests wait seconds for a processor that nobody uses.
                env=clean_environment(self._python, Path(self._address).parent)
                | {"OMP_WAIT_POLICY": "PASSIVE"},
            )

    def connect(self) -> socket.socket:
        """Return a connection to a new process; raise WorkerFailed when there is none in time."""
        self.start()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(self._address)
            except (FileNotFoundError, ConnectionRefusedError):
                connection.close()
                if self._process is None or self._process.poll() is not None:
                    break
                time.sleep(0.01)
            else:
                return connection
        raise WorkerFailed(f"the serving environment {self._python} did not start; see the log above")

    def stop(self) -> None:
        """End the process; those forked from it end when their connections close."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(2)
            process.kill()
            with contextlib.suppress(OSError):
                Path(self._address).unlink()
                Path(self._address).parent.rmdir()


class Worker:
    """Hold one serving process with its model loaded."""

    def __init__(
        self, nursery: Nursery, context: Context, model_dir: Path, environment: Mapping[str, str]
    ) -> None:
        """Start the process and load the model; raise WorkerFailed with what the user's code raised."""
        self.log = model_dir.parent / f"{os.urandom(8).hex()}.log"
        self._lock = threading.Lock()
        self._connection = nursery.connect()
        self._pid = 0
        self._is_open = True
        setup = {
            "model_dir": str(model_dir),
            "log": str(self.log),
            "environment": {
                "SAGEMAKER_PROGRAM": "inference.py",
                **environment,
                **clean_environment(context.container_python, model_dir.parent),
                "PYTHONPATH": str(model_dir / "code"),
            },
        }
        header, _, _ = self._ask(setup, b"", START_SECONDS)
        self._pid = header["pid"]
        if "error" in header:
            self.close()
            raise WorkerFailed(str(header["error"]))

    def invoke(self, body: bytes, content_type: str | None, accept: str | None) -> Answer:
        """Send one request to the model; raise WorkerFailed when no answer comes."""
        request = {"content_type": content_type, "accept": accept}
        header, answer, seconds = self._ask(request, body, ANSWER_SECONDS)
        return Answer(header["status"], header["content_type"], answer, seconds)

    def _ask(self, header: dict[str, Any], body: bytes, limit: float) -> tuple[dict[str, Any], bytes, float]:
        with self._lock:
            if not self._is_open:
                raise WorkerFailed("the serving process has been stopped")
            started = time.monotonic()
            try:
                serving_worker.send(self._connection, header, body)
                if not select.select([self._connection], [], [], limit)[0]:
                    raise TimeoutError(f"no answer within {limit:.0f} seconds")
                answer = serving_worker.receive(self._connection)
            except (EOFError, OSError, json.JSONDecodeError) as error:
                self._end(kill=isinstance(error, TimeoutError))
                raise WorkerFailed(str(error) or "the serving process ended") from error
            return (*answer, time.monotonic() - started)

    @property
    def is_open(self) -> bool:
        """Tell whether the process can still be asked."""
        return self._is_open

    def close(self) -> None:
        """Let the process go once it has answered what it was asked."""
        with self._lock:
            self._end(kill=False)

    def _end(self, *, kill: bool) -> None:
        """Hang up, at which the process ends by itself unless it is stuck in the user's code."""
        self._is_open = False
        self._connection.close()
        if kill and self._pid:
            with contextlib.suppress(ProcessLookupError):  # gone by itself
                os.kill(self._pid, signal.SIGKILL)


def clean_environment(python: Path, home: Path) -> dict[str, str]:
    """Return the variables every container has: nothing of this process, no credentials, no endpoint."""
    return {
        "PATH": f"{python.parent}:{SYSTEM_PATH}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
