"""LocalCloud: moto as a cloud on the laptop, with its bridges, its workers and its clock, in this process."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from moto.core.config import default_user_config
from moto.moto_api._internal.models import moto_api_backend

from assets.layer import ensure_container, ensure_layer, ensure_runtime
from localcloud import (
    alarms,
    assembly,
    athena,
    checks,
    cloudformation,
    endpoints,
    events,
    metrics,
    moto_time,
    queues,
    registry,
    s3,
    scheduler,
    serving,
    states,
    training,
    transform,
)
from localcloud.allocator import give_memory_back
from localcloud.clock import Clock
from localcloud.context import ACCESS_KEY, REGION, SECRET_KEY, Context, Usage
from localcloud.functions import bridge as functions
from localcloud.server import serve

CHECKOUT = Path(__file__).resolve().parents[1]
_one_at_a_time = threading.Lock()


class LocalCloud:
    """Run the local cloud while the `with` block lasts; one at a time in a process.

    >>> with LocalCloud(start=datetime(2013, 1, 1, tzinfo=UTC)) as cloud:  # doctest: +SKIP
    ...     cloud.deploy(Path("build/cdk.out"))
    ...     cloud.client("s3").upload_file("january.csv", bucket, "landing/flights/data/january.csv")
    ...     cloud.settle()
    """

    def __init__(
        self,
        start: datetime | None = None,
        port: int = 0,
        *,
        host: str = "127.0.0.1",
        layer: Path | None = None,
        runtime: Path | None = None,
        container_python: Path | None = None,
    ) -> None:
        """Choose a moved clock by its `start`, or the wall clock without one; port 0 takes a free one.

        `layer`, `runtime` and `container_python` default to what `python -m assets` builds in the checkout.
        """
        self._start, self._host, self._port = start, host, port
        self._layer, self._runtime, self._container_python = layer, runtime, container_python
        self._undo = contextlib.ExitStack()
        self._context: Context | None = None

    # -- life

    def __enter__(self) -> Self:
        """Start the endpoint and the bridges; raise RuntimeError when another local cloud runs already."""
        if not _one_at_a_time.acquire(blocking=False):
            raise RuntimeError(
                "a local cloud runs in this process already; close it first: moto's state is shared"
            )
        self._undo.callback(_one_at_a_time.release)
        try:
            self._open()
        except BaseException:
            self._undo.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything and forget all state."""
        self._undo.close()

    def _open(self) -> None:
        give_memory_back()
        layer = self._layer or ensure_layer(CHECKOUT, "laptop")
        runtime = self._runtime or ensure_runtime(CHECKOUT)
        container_python = self._container_python or ensure_container(CHECKOUT)
        work_dir = Path(tempfile.mkdtemp(prefix="localcloud-"))
        self._undo.callback(shutil.rmtree, work_dir, ignore_errors=True)
        _reset_moto()
        self._undo.callback(_reset_moto)
        clock = Clock(self._start)
        moto_time.install(clock)
        self._undo.callback(moto_time.uninstall, clock)
        self._undo.callback(clock.stop)
        server, endpoint = serve(self._control, self._host, self._port)
        self._undo.callback(server.stop)
        self._endpoint = endpoint
        self._undo.enter_context(_environment(server.port))
        self._context = Context(
            clock=clock,
            endpoint_url=f"http://localhost:{server.port}",
            work_dir=work_dir,
            laptop_layer=layer.resolve(),
            runtime_dir=runtime.resolve(),
            container_python=container_python,
        )
        self._install(self._context)

    def _install(self, context: Context) -> None:
        checks.install()
        events.install(context)
        s3.install(context)
        athena.install(context)
        queues.install(context)
        metrics.install(context)
        alarms.install(context)
        running = functions.install(context)
        self._undo.callback(running.stop)
        self.workers = running.pool
        running.warm()
        states.install(context)
        training.install(context)
        self._undo.callback(training.stop)
        serving.install(context)
        self._undo.callback(serving.stop)
        transform.install(context)
        self._undo.callback(transform.stop)
        registry.install(context)
        endpoints.install(context)
        scheduler.install(context)
        cloudformation.install(context)

    def _control(self, route: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if route == "GET status":
            return 200, self.status()
        if route == "POST advance":
            if "to" in body:
                instant = datetime.fromisoformat(body["to"])
            elif "seconds" in body:
                instant = self.now() + timedelta(seconds=float(body["seconds"]))
            else:
                return 400, {"error": 'say how far: {"to": "2013-02-01T00:00:00Z"} or {"seconds": 3600}'}
            if instant.tzinfo is None:
                return 400, {"error": 'the time needs a zone: {"to": "2013-02-01T00:00:00Z"}'}
            self.advance_to(instant)
            return 200, self.status()
        if route == "POST settle":
            self.settle()
            return 200, self.status()
        return 404, {"error": f"no such route: {route}; there are GET status, POST settle and POST advance"}

    # -- use

    @property
    def context(self) -> Context:
        """Return what the bridges share; raise RuntimeError outside the `with` block."""
        if self._context is None:
            raise RuntimeError("the local cloud is not running: use it inside its `with` block")
        return self._context

    @property
    def endpoint_url(self) -> str:
        """Return the URL for AWS_ENDPOINT_URL."""
        return self.context.endpoint_url

    @property
    def account(self) -> str:
        """Return the account's id."""
        return self.context.account

    @property
    def region(self) -> str:
        """Return the region's name."""
        return self.context.region

    @property
    def container_python(self) -> Path:
        """Return the Python of the training container's twin."""
        return self.context.container_python

    @property
    def clock(self) -> Clock:
        """Return the clock."""
        return self.context.clock

    @property
    def usage(self) -> Usage:
        """Return the seconds of real work by kind: training, inference, lambda."""
        return self.context.usage

    @property
    def deliver_twice(self) -> bool:
        """Tell whether every event is delivered twice, as EventBridge may."""
        return self.context.deliver_twice

    @deliver_twice.setter
    def deliver_twice(self, wanted: bool) -> None:
        self.context.deliver_twice = wanted

    def client(self, service: str) -> Any:
        """Return the cached boto3 client of a service."""
        return self.context.client(service)

    @property
    def variables(self) -> dict[str, str]:
        """Return the variables with which any AWS tool talks to this cloud."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }

    def deploy(self, folder: Path, stages: Collection[str] = ()) -> dict[str, dict[str, str]]:
        """Deploy an assembly's stacks in dependency order and return their outputs by stack name.

        With `stages`, deploy only those of the named stages, such as "Dev". Raise
        `assembly.DeploymentFailed`, which names the resource.
        """
        return assembly.deploy(self.context, folder, stages)

    def settle(self, timeout: float | None = None) -> None:
        """Return when nothing is runnable; raise `clock.Stalled` after `timeout` seconds of real time."""
        self.clock.settle(timeout)

    def advance_to(self, instant: datetime, timeout: float | None = None) -> None:
        """Move the clock through everything that is due, settling at each step."""
        self.clock.advance_to(instant, timeout)

    def now(self) -> datetime:
        """Return the cloud's time, aware, in UTC."""
        return self.clock.now()

    def status(self) -> dict[str, Any]:
        """Return what a status page shows."""
        return {
            "time": self.now().isoformat(),
            "clock": "moved" if self.clock.is_moved else "wall",
            "runnable": self.clock.runnable(),
            "calls": self._endpoint.calls,
            "usage_seconds": {kind: round(value, 3) for kind, value in self.usage.as_dict().items()},
        }


def _reset_moto() -> None:
    moto_api_backend.reset()
    default_user_config["stepfunctions"]["execute_state_machine"] = True


@contextlib.contextmanager
def _environment(port: int) -> Any:
    """Say to moto's own clients where the endpoint is; they read it from the environment."""
    names = {"MOTO_PORT": str(port), "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"}
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
