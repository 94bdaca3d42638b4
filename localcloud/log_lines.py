"""Write a container's output to CloudWatch Logs while it runs."""

from __future__ import annotations

import contextlib
import time

from localcloud.context import Context

FLUSH_SECONDS = 1.0
MOST_LINES = 500  # one PutLogEvents call takes a megabyte


class LogStream:
    """Collect lines and put them into one log stream, a batch at a time."""

    def __init__(self, context: Context, group: str, stream: str) -> None:
        """Name the stream; it is made with the first batch."""
        self._context = context
        self._group, self._stream = group, stream
        self._lines: list[str] = []
        self._waiting: list[str] = []
        self._is_made = False
        self._flushed = time.monotonic()

    def write(self, line: str) -> None:
        """Add a line; send what waits when it is much or old."""
        self._lines.append(line)
        self._waiting.append(line)
        if len(self._waiting) >= MOST_LINES or time.monotonic() - self._flushed > FLUSH_SECONDS:
            self.flush()

    def text(self) -> str:
        """Return everything written so far."""
        return "\n".join(self._lines)

    def flush(self) -> None:
        """Send what waits."""
        waiting, self._waiting = self._waiting, []
        self._flushed = time.monotonic()
        events = [{"timestamp": self._now(), "message": line} for line in waiting if line.strip()]
        if not events:
            return
        logs = self._context.client("logs")
        if not self._is_made:
            with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
                logs.create_log_group(logGroupName=self._group)
            with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
                logs.create_log_stream(logGroupName=self._group, logStreamName=self._stream)
            self._is_made = True
        logs.put_log_events(logGroupName=self._group, logStreamName=self._stream, logEvents=events)

    def _now(self) -> int:
        return int(self._context.clock.time() * 1000)
