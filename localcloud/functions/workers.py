"""Warm workers: one forking process per set of layers, and per function as many workers as calls overlap."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from localcloud.functions.bootstrap import receive, send

LOG = logging.getLogger("localcloud.functions")
BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
START_SECONDS = 120.0  # importing everything on a cold, busy laptop
KEPT_IDLE = 24  # workers, over all functions: what they do not share adds up


class WorkerDied(Exception):
    """The process ended, or was ended, before it answered."""


@dataclass(frozen=True, kw_only=True)
class FunctionSpec:
    """Say what a worker must be to run a function; equal specs share workers."""

    name: str
    handler: str
    task_dir: Path
    import_path: tuple[Path, ...]
    environment: tuple[tuple[str, str], ...]

    def message(self) -> bytes:
        """Return what the forking process needs to know."""
        return json.dumps(
            {"handler": self.handler, "task_dir": str(self.task_dir), "environment": dict(self.environment)}
        ).encode()


class Zygote:
    """A process that has imported what the functions of one layer share, and forks their workers."""

    def __init__(self, import_path: Sequence[Path]) -> None:
        """Start the process; `ready` waits for it."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", "-X", "utf8", str(BOOTSTRAP)),
                    *(str(theirs.fileno()), json.dumps([str(entry) for entry in import_path])),
                ],
                pass_fds=[theirs.fileno()],
                env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
            )
        self._control = ours
        self._control.settimeout(START_SECONDS)
        self._lock = threading.Lock()
        self._is_ready = False

    @property
    def pid(self) -> int:
        """Return the process id, for measuring."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Tell whether the process still runs."""
        return self._process.poll() is None

    def fork(self, spec: FunctionSpec, channel: socket.socket, log: BinaryIO) -> None:
        """Fork a worker that holds the other end of a channel; raise WorkerDied when the process is gone."""
        message = spec.message()
        with self._lock:
            try:
                if not self._is_ready and receive(self._control) is None:
                    raise WorkerDied("Lambda's runtime could not start: see the traceback above")
                self._is_ready = True
                descriptors = [channel.fileno(), log.fileno()]
                socket.send_fds(self._control, [struct.pack("!I", len(message))], descriptors)
                self._control.sendall(message)
            except OSError as error:
                raise WorkerDied(f"Lambda's runtime process is gone: {error}") from error

    def stop(self) -> None:
        """End the process; its workers end with their channels."""
        self._control.close()
        self._process.kill()
        self._process.wait()


class Worker:
    """One process that runs one function, one call at a time."""

    def __init__(self, zygote: Zygote, spec: FunctionSpec) -> None:
        """Fork it and import the handler; `init_error` says why it could not."""
        self.spec = spec
        self.used_at = time.monotonic()
        self._channel, theirs = socket.socketpair()
        self._log = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - lives as long as the worker
        with theirs:
            # The worker appends to the same open file, so its offset is shared and truncating it is enough.
            zygote.fork(spec, theirs, self._log)
        self._channel.settimeout(START_SECONDS)
        try:
            hello = receive(self._channel)
        except OSError as error:
            raise WorkerDied(f"{spec.name} did not start: {error}") from error
        if hello is None:
            raise WorkerDied(f"{spec.name} ended while it started\n{self.take_log()}")
        self.pid: int = hello["pid"]
        self.init_error: dict[str, Any] | None = hello.get("init_error")

    def call(self, message: Mapping[str, Any], timeout_seconds: float) -> dict[str, Any]:
        """Run the handler once; raise TimeoutError or WorkerDied."""
        self._channel.settimeout(timeout_seconds)
        try:
            send(self._channel, dict(message))
            answer = receive(self._channel)
        except TimeoutError:
            raise
        except OSError as error:
            raise WorkerDied(str(error)) from error
        if answer is None:
            raise WorkerDied("the process ended")
        self.used_at = time.monotonic()
        return answer

    def take_log(self) -> str:
        """Return what was printed since the last time, and forget it."""
        self._log.seek(0)
        text = self._log.read().decode("utf-8", "replace")
        self._log.seek(0)
        self._log.truncate(0)
        return text

    def stop(self) -> None:
        """End the process now."""
        if hasattr(self, "pid"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self._channel.close()
        self._log.close()


@dataclass
class _Gate:
    limit: threading.BoundedSemaphore
    idle: list[Worker] = field(default_factory=list)


class WorkerPool:
    """Lend workers to calls: warm ones first, new ones while fewer than `overlap` of a function run."""

    def __init__(self, overlap: int | None = None) -> None:
        """Allow `overlap` concurrent calls of one function; by default one more than there are processors."""
        self._overlap = overlap or (os.cpu_count() or 2) + 1
        self._gates: dict[FunctionSpec, _Gate] = {}
        self._zygotes: dict[tuple[Path, ...], Zygote] = {}
        self._lock = threading.Lock()
        self._stopped = False

    def warm(self, import_path: tuple[Path, ...]) -> Zygote:
        """Return the forking process of a set of layers, starting it if need be."""
        with self._lock:
            if self._stopped:
                raise WorkerDied("the local cloud has stopped")
            known = self._zygotes.get(import_path)
            if known is None or not known.is_alive():
                self._zygotes[import_path] = Zygote(import_path)
            return self._zygotes[import_path]

    def acquire(self, spec: FunctionSpec) -> Worker:
        """Take a worker, waiting for one to come free when enough of them run; raise WorkerDied."""
        with self._lock:
            gate = self._gates.setdefault(spec, _Gate(threading.BoundedSemaphore(self._overlap)))
        gate.limit.acquire()
        try:
            with self._lock:
                if gate.idle:
                    return gate.idle.pop()
            return Worker(self.warm(spec.import_path), spec)
        except BaseException:
            gate.limit.release()
            raise

    def release(self, worker: Worker, *, is_reusable: bool) -> None:
        """Give a worker back; one that failed to start, timed out or died is ended."""
        retired: list[Worker] = [] if is_reusable else [worker]
        with self._lock:
            gate = self._gates.get(worker.spec)
            if gate is None:  # the pool was stopped meanwhile
                retired = [worker]
            elif is_reusable:
                gate.idle.append(worker)
                retired += self._surplus()
        for one in retired:
            one.stop()
        if gate is not None:
            gate.limit.release()

    def _surplus(self) -> list[Worker]:
        idle = sorted(
            (one for gate in self._gates.values() for one in gate.idle), key=lambda one: one.used_at
        )
        surplus = idle[: max(0, len(idle) - KEPT_IDLE)]
        for one in surplus:
            self._gates[one.spec].idle.remove(one)
        return surplus

    def pids(self) -> list[int]:
        """Return the processes that are running now, for measuring."""
        with self._lock:
            idle = [worker.pid for gate in self._gates.values() for worker in gate.idle]
            return [zygote.pid for zygote in self._zygotes.values()] + idle

    def stop(self) -> None:
        """End every process."""
        with self._lock:
            self._stopped = True
            workers = [worker for gate in self._gates.values() for worker in gate.idle]
            zygotes = list(self._zygotes.values())
            self._gates.clear()
            self._zygotes.clear()
        for worker in workers:
            worker.stop()
        for zygote in zygotes:
            zygote.stop()
