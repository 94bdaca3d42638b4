"""What every bridge of the local cloud is given: the clock, the endpoint, clients, the bus and where files
lie.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from localcloud.clock import Clock

ACCOUNT = "123456789012"
REGION = "us-east-1"
ACCESS_KEY, SECRET_KEY = "local", "local"  # the local cloud checks no signature

Publish = Callable[[Mapping[str, Any]], None]


class Usage:
    """Count seconds of real work by kind: training, inference, lambda."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._lock = threading.Lock()

    def add(self, kind: str, seconds: float) -> None:
        """Add `seconds` of work of this kind."""
        with self._lock:
            self._seconds[kind] = self._seconds.get(kind, 0.0) + seconds

    @contextmanager
    def measure(self, kind: str) -> Iterator[None]:
        """Add the real time that the block takes."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.add(kind, time.monotonic() - started)

    def seconds(self, kind: str) -> float:
        """Return the seconds spent on this kind so far."""
        with self._lock:
            return self._seconds.get(kind, 0.0)

    def as_dict(self) -> dict[str, float]:
        """Return a copy of the seconds by kind."""
        with self._lock:
            return dict(self._seconds)


@dataclass(kw_only=True)
class Context:
    """Hold what the bridges share; `LocalCloud` makes one per run."""

    clock: Clock
    endpoint_url: str
    work_dir: Path
    laptop_layer: Path
    runtime_dir: Path
    container_python: Path
    account: str = ACCOUNT
    region: str = REGION
    usage: Usage = field(default_factory=Usage)
    publish: Publish | None = None
    deliver_twice: bool = False
    _clients: dict[str, Any] = field(default_factory=dict)
    _clients_lock: threading.Lock = field(default_factory=threading.Lock)
    _session: Any = None  # a boto3 Session; its typed overloads want literal service names

    def client(self, service: str) -> Any:
        """Return the cached client of a service, over HTTP to the local endpoint; it never retries."""
        found = self._clients.get(service)
        if found is not None:
            return found
        with self._clients_lock:  # making clients from one session is not safe in threads, using them is
            if service not in self._clients:
                if self._session is None:
                    self._session = boto3.session.Session(ACCESS_KEY, SECRET_KEY, region_name=self.region)
                self._clients[service] = self._session.client(
                    service, endpoint_url=self.endpoint_url, config=client_config()
                )
            return self._clients[service]

    def emit_event(
        self, source: str, detail_type: str, detail: Mapping[str, Any], resources: Sequence[str] = ()
    ) -> None:
        """Put an AWS service's event on the default bus, stamped with the clock's time.

        Rules are matched before this returns; their targets are delivered in threads that the clock counts.
        """
        if self.publish is None:
            raise RuntimeError("the event bus is not installed yet: call localcloud.events.install first")
        self.publish(
            {"source": source, "detail-type": detail_type, "detail": detail, "resources": list(resources)}
        )


def client_config() -> Config:
    """Return the settings of clients in here: a generous pool, one attempt, path-style buckets."""
    return Config(
        max_pool_connections=64,
        retries={"total_max_attempts": 1, "mode": "standard"},
        connect_timeout=10,
        read_timeout=1000,
        s3={"addressing_style": "path"},
        parameter_validation=True,
    )
