"""The local cloud's clock: it stands while anything can still run, and moves from one due instant to the
next.

A *moved* clock only ever moves inside `advance_to`. A *wall* clock runs by itself, plus whatever was
skipped by `advance_to`. Work is told apart by threads: a thread inside `busy()` (or started by `spawn`) is
runnable until it ends, sleeps on the clock or waits for a `Signal`. Whoever wakes such a thread counts it
as runnable on its behalf, before it has had a chance to run, so that `settle` can never slip through the
gap.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time as real_time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

LOG = logging.getLogger("localcloud.clock")

NextDue = Callable[[datetime], datetime | None]
Fire = Callable[[datetime], None]


class Stalled(Exception):
    """What is runnable did not come to rest in the time allowed."""


class ClockStopped(Exception):
    """The local cloud is gone; whoever would wait on its clock ends."""


class _Sleeper:
    __slots__ = ("label", "resumed", "woken_by_signal")

    def __init__(self, label: str | None) -> None:
        self.label = label
        self.resumed = threading.Event()
        self.woken_by_signal = False


class Signal:
    """Stand in for `threading.Event` where the waiting thread must not count as runnable."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._is_set = False
        self._waiting: list[_Sleeper] = []

    def is_set(self) -> bool:
        """Tell whether the signal was given."""
        return self._is_set

    def set(self) -> None:
        """Give the signal and make every waiting thread runnable."""
        self._clock._give(self)

    def clear(self) -> None:
        """Take the signal back."""
        self._is_set = False

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the signal, at most `timeout` seconds of this clock; return whether it was given."""
        return self._clock._wait(self, timeout)


class Clock:
    """Tell the time of the local cloud and know whether anything in it can still run."""

    def __init__(self, start: datetime | None = None) -> None:
        """Make a clock that stands at `start` until moved, or one that follows the wall clock without it."""
        if start is not None and start.tzinfo is None:
            raise ValueError("the start of a moved clock needs a time zone: datetime(2013, 1, 1, tzinfo=UTC)")
        self.is_moved = start is not None
        self._instant = start.timestamp() if start is not None else 0.0
        self._skipped = 0.0
        self._changed = threading.Condition()
        self._runnable: Counter[str] = Counter()
        self._sleeping: list[tuple[float, int, _Sleeper]] = []
        self._order = itertools.count()
        self._signalled: set[_Sleeper] = set()
        self._sources: list[tuple[NextDue, Fire]] = []
        self._local = threading.local()
        self._stopped = False
        self._moving = threading.Lock()
        self._seen = self.now()
        if not self.is_moved:
            threading.Thread(target=self._follow, name="localcloud-clock", daemon=True).start()

    # -- what time is it

    def time(self) -> float:
        """Return seconds since the epoch."""
        if self.is_moved:
            return self._instant
        return real_time.time() + self._skipped

    def now(self) -> datetime:
        """Return the time as an aware UTC datetime."""
        return datetime.fromtimestamp(self.time(), UTC)

    # -- what is runnable

    @contextmanager
    def busy(self, label: str = "work") -> Iterator[None]:
        """Count this thread as runnable until the block ends; blocks nest."""
        depth = getattr(self._local, "depth", 0)
        if depth == 0:
            self._local.label = label
            self._count(label, 1)
        self._local.depth = depth + 1
        try:
            yield
        finally:
            self._local.depth = depth
            if depth == 0:
                self._count(label, -1)

    def spawn(self, target: Callable[..., object], *args: Any, name: str | None = None) -> threading.Thread:
        """Run `target` in a thread that counts as runnable from this moment; log what it raises."""
        label: str = name or getattr(target, "__qualname__", None) or repr(target)
        thread = threading.Thread(target=self._run, args=(label, target, args), name=label, daemon=True)
        self._count(label, 1)
        try:
            thread.start()
        except RuntimeError:
            self._count(label, -1)
            raise
        return thread

    def _run(self, label: str, target: Callable[..., object], args: tuple[Any, ...]) -> None:
        self._local.depth, self._local.label = 1, label
        try:
            target(*args)
        except ClockStopped:
            LOG.debug("%s ended with its clock", label)
        except Exception:  # the thread's outermost frame: nobody else could report it
            LOG.exception("%s failed", label)
        finally:
            self._local.depth = 0
            self._count(label, -1)

    def _count(self, label: str, by: int) -> None:
        with self._changed:
            self._count_locked(label, by)

    def _count_locked(self, label: str, by: int) -> None:
        self._runnable[label] += by
        if not self._runnable[label]:
            del self._runnable[label]
        if not self._runnable:
            self._changed.notify_all()

    def runnable(self) -> list[str]:
        """Return the labels of what can still run, for messages and status pages."""
        with self._changed:
            return sorted(self._runnable.elements())

    # -- waiting on the clock

    def signal(self) -> Signal:
        """Make a signal on which threads wait without counting as runnable."""
        return Signal(self)

    def sleep(self, seconds: float) -> None:
        """Wait until the clock has moved on by `seconds`; the thread is not runnable meanwhile."""
        self._wait(None, seconds)

    def _wait(self, signal: Signal | None, timeout: float | None) -> bool:
        label = self._local.label if getattr(self._local, "depth", 0) else None
        sleeper = _Sleeper(label)
        with self._changed:
            if signal is not None and signal.is_set():
                return True
            if self._stopped:
                raise ClockStopped
            if timeout is not None and timeout <= 0:
                return False
            if timeout is not None:
                heapq.heappush(self._sleeping, (self.time() + timeout, next(self._order), sleeper))
            if signal is not None:
                signal._waiting.append(sleeper)
                self._signalled.add(sleeper)
            if label is not None:
                self._count_locked(label, -1)
            self._changed.notify_all()
        sleeper.resumed.wait()
        if self._stopped:
            raise ClockStopped
        return sleeper.woken_by_signal

    def _give(self, signal: Signal) -> None:
        with self._changed:
            signal._is_set = True
            waiting, signal._waiting = signal._waiting, []
            for sleeper in waiting:
                self._resume(sleeper, by_signal=True)

    def _resume(self, sleeper: _Sleeper, *, by_signal: bool) -> None:
        if sleeper.resumed.is_set():
            return
        sleeper.woken_by_signal = by_signal
        self._signalled.discard(sleeper)
        if sleeper.label is not None:
            self._count_locked(sleeper.label, 1)
        sleeper.resumed.set()

    def settle(self, timeout: float | None = None) -> None:
        """Return when nothing is runnable; raise Stalled after `timeout` seconds of real time."""
        if getattr(self._local, "depth", 0):
            raise RuntimeError("settle() inside runnable work would wait for itself; call it from outside")
        with self._changed:
            if not self._changed.wait_for(lambda: not self._runnable, timeout):
                raise Stalled(f"still runnable after {timeout} s: {sorted(self._runnable.elements())}")

    # -- moving

    def add_source(self, next_due: NextDue, fire: Fire) -> None:
        """Register what is due by itself: `next_due(t)` is its first instant after t, `fire(t)` does it."""
        with self._changed:
            self._sources.append((next_due, fire))
            self._changed.notify_all()

    def sources_changed(self) -> None:
        """Make a wall clock ask its sources again, after a schedule was added or changed."""
        with self._changed:
            self._changed.notify_all()

    def advance_by(self, span: timedelta, timeout: float | None = None) -> None:
        """Move the clock on by `span`, as `advance_to` does."""
        self.advance_to(self.now() + span, timeout)

    def advance_to(self, instant: datetime, timeout: float | None = None) -> None:
        """Move to `instant` through everything due before it, in time order, settling at each step.

        `timeout` bounds each settling, in seconds of real time; raise Stalled when one takes longer.
        """
        target = instant.timestamp()
        with self._moving:
            self.settle(timeout)
            if self.is_moved and target < self._instant:
                raise ValueError(f"the clock cannot go back from {self.now()} to {instant}")
            while (due := self._next_due()) is not None and due <= target:
                self._move(due)
                self._fire_due(due, timeout)
            self._move(target)
            self._seen = max(self._seen, instant.astimezone(UTC))

    def _next_due(self) -> float | None:
        with self._changed:
            while self._sleeping and self._sleeping[0][2].resumed.is_set():
                heapq.heappop(self._sleeping)  # woken early by a signal
            dues = [self._sleeping[0][0]] if self._sleeping else []
            sources = list(self._sources)
        now = self.now()
        for next_due, _ in sources:
            if (due := next_due(now)) is not None:
                dues.append(due.timestamp())
        return min(dues, default=None)

    def _move(self, to: float) -> None:
        with self._changed:
            if self.is_moved:
                self._instant = max(self._instant, to)
            else:
                self._skipped += max(0.0, to - self.time())

    def _fire_due(self, at: float, timeout: float | None) -> None:
        self._wake_sleepers(at)
        self.settle(timeout)
        just_before = datetime.fromtimestamp(at, UTC) - timedelta(microseconds=1)
        self._fire_sources(max(self._seen, just_before), at, lambda: self.settle(timeout))

    def _fire_sources(self, after: datetime, until: float, rest: Callable[[], object]) -> None:
        """Fire what is due after one instant and until another; an instant is never fired twice."""
        with self._changed:
            sources = list(self._sources)
        for next_due, fire in sources:
            at = after
            while (due := next_due(at)) is not None and due.timestamp() <= until:
                fire(due)
                rest()
                at = due
        self._seen = datetime.fromtimestamp(until, UTC)

    def _wake_sleepers(self, until: float) -> None:
        with self._changed:
            while self._sleeping and self._sleeping[0][0] <= until:
                self._resume(heapq.heappop(self._sleeping)[2], by_signal=False)

    def _follow(self) -> None:
        """Wake and fire in real time: the thread of a wall clock."""
        while not self._stopped:
            try:
                with self._moving:
                    now = self.time()
                    self._wake_sleepers(now)
                    self._fire_sources(self._seen, now, lambda: None)
                due = self._next_due()
            except Exception:  # one bad schedule must not stop everybody's clock
                LOG.exception("a schedule or alarm failed to fire")
                due = None
            with self._changed:
                # The bound covers a schedule that another thread adds between the question and the wait.
                self._changed.wait(min(1.0, max(0.0, due - self.time())) if due is not None else 1.0)

    def stop(self) -> None:
        """End every waiting thread by ClockStopped and stop following the wall clock."""
        with self._changed:
            self._stopped = True
            for sleeper in [*(one[2] for one in self._sleeping), *self._signalled]:
                self._resume(sleeper, by_signal=False)
            self._sleeping.clear()
            self._signalled.clear()
            self._changed.notify_all()
