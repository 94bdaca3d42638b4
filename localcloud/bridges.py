"""What the bridges share: patches made once in a process, and the local cloud that is running now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from localcloud.context import Context


class Bridge:
    """Make a bridge's patches once and point them at the newest local cloud."""

    def __init__(self) -> None:
        """Start without a local cloud."""
        self._context: Context | None = None
        self._is_patched = False

    def install(self, context: Context, patch: Callable[[], None]) -> None:
        """Serve `context` from now on; call `patch` the first time only."""
        self._context = context
        if not self._is_patched:
            patch()
            self._is_patched = True

    @property
    def context(self) -> Context:
        """Return the context of the local cloud that runs; raise RuntimeError before `install`."""
        if self._context is None:
            raise RuntimeError("this bridge is not installed yet: call its install(context) first")
        return self._context

    def utcnow(self) -> datetime:
        """Return the clock's time without a time zone, as moto keeps its timestamps."""
        return self.context.clock.now().replace(tzinfo=None)


def iso_seconds(instant: datetime) -> str:
    """Write an instant as most AWS events do.

    >>> iso_seconds(datetime(2013, 1, 1, 6, tzinfo=UTC))
    '2013-01-01T06:00:00Z'
    """
    return aware(instant).strftime("%Y-%m-%dT%H:%M:%SZ")


def aware(instant: datetime) -> datetime:
    """Read a timestamp without a time zone as UTC, which is how moto keeps them."""
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def epoch_millis(instant: datetime) -> int:
    """Write an instant as milliseconds since the epoch.

    >>> epoch_millis(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000
    """
    return round(aware(instant).timestamp() * 1000)
