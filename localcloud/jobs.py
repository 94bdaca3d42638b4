"""What SageMaker's jobs have in common: they end once, tell those who wait, and show up in events."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from moto.sagemaker.exceptions import ValidationError

from localcloud.bridges import epoch_millis
from localcloud.clock import Clock

LONGEST_REASON = 1024


class Job:
    """Something that runs, can be stopped, and ends once."""

    def __init__(self, clock: Clock) -> None:
        """Start as a job that has not ended."""
        self.done = clock.signal()
        self._lock = threading.RLock()
        self._callbacks: list[Callable[[], None]] = []
        self._described: dict[str, Any] = {}

    @property
    def creation_time(self) -> datetime:
        """Return when the job was created."""
        created: datetime = self._described["CreationTime"]
        return created

    @property
    def last_modified_time(self) -> datetime:
        """Return when the job's status last changed."""
        modified: datetime = self._described["LastModifiedTime"]
        return modified

    def request_stop(self) -> None:
        """Begin to stop the job; raise ValidationError when it has ended already."""
        raise NotImplementedError

    def try_to_stop(self) -> None:
        """Stop the job unless it has ended or is being stopped."""
        with contextlib.suppress(ValidationError):
            self.request_stop()

    def when_done(self, call: Callable[[], None]) -> None:
        """Call `call` when the job has ended; at once if it has."""
        with self._lock:
            if not self.done.is_set():
                self._callbacks.append(call)
                return
        call()

    def _give_done(self) -> None:
        with self._lock:
            self.done.set()
            callbacks, self._callbacks = self._callbacks, []
        for call in callbacks:
            call()


def in_events(value: Any) -> Any:
    """Write times as milliseconds, as SageMaker's events do."""
    if isinstance(value, Mapping):
        return {key: in_events(item) for key, item in value.items()}
    if isinstance(value, list):
        return [in_events(item) for item in value]
    return epoch_millis(value) if isinstance(value, datetime) else value
