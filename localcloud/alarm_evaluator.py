"""Evaluate alarms on the clock, at the instants at which their outcome can change.

CloudWatch evaluates every alarm each minute (each hour when it spans more than a day) over a sliding window.
Most of those evaluations see what the one before saw: an evaluation differs only when a data point arrives,
crosses from one period into the next, or leaves the window, so only those instants are due on the clock.
"""

from __future__ import annotations

import logging
import math
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from moto.cloudwatch.models import Alarm
from moto.sqs.models import sqs_backends

from localcloud import metrics
from localcloud.alarm_reasons import Points, explain
from localcloud.alarm_rules import State, decide
from localcloud.alarm_spec import Spec, Watched
from localcloud.context import Context
from localcloud.metrics import Datum, MetricKey, MetricStore

LOG = logging.getLogger("localcloud.alarms")
DEPTH = ("AWS/SQS", "ApproximateNumberOfMessagesVisible")


@dataclass(slots=True)
class _Entry:
    """Hold an alarm, what it watches and when it must be looked at again."""

    alarm: Alarm
    spec: Spec
    due: float


class Evaluator:
    """Know every alarm of one local cloud and when each must be looked at again."""

    def __init__(self, context: Context, store: MetricStore) -> None:
        """Listen to the metrics and become due on the clock."""
        self._context = context
        self._store = store
        self._entries: dict[str, _Entry] = {}
        self._readers: dict[MetricKey, set[str]] = {}
        self._depths: dict[MetricKey, int] = {}
        self._lock = threading.RLock()
        self._changing: _Entry | None = None
        store.listen(self._on_data)
        context.clock.add_source(self._next_due, self._fire)

    # -- which alarms there are

    def watch(self, alarm: Alarm, spec: Spec) -> None:
        """Evaluate an alarm from the next evaluation on."""
        with self._lock:
            self.forget(alarm.name)
            due = spec.next_evaluation(self._context.clock.time())
            self._entries[alarm.name] = _Entry(alarm, spec, due)
            for watched in spec.metrics.values():
                self._readers.setdefault(watched.key, set()).add(alarm.name)
        self._context.clock.sources_changed()

    def forget(self, name: str) -> None:
        """Evaluate an alarm no more."""
        with self._lock:
            if self._entries.pop(name, None) is not None:
                for readers in self._readers.values():
                    readers.discard(name)

    def look_again(self, name: str) -> None:
        """Make an alarm due at its next evaluation, whatever its data."""
        with self._lock:
            if (entry := self._entries.get(name)) is not None and entry is not self._changing:
                self._make_due(entry, self._context.clock.time())

    def period_of(self, name: str) -> int:
        """Return an alarm's period in seconds, 0 for an unknown one."""
        entry = self._entries.get(name)
        return entry.spec.period if entry is not None else 0

    # -- when they are due

    def _on_data(self, key: MetricKey, time: float) -> None:
        if key not in self._readers:
            return
        with self._lock:
            now = self._context.clock.time()
            for name in self._readers.get(key, ()):
                self._make_due(self._entries[name], max(now, time))

    @staticmethod
    def _make_due(entry: _Entry, after: float) -> None:
        entry.due = min(entry.due, entry.spec.next_evaluation(after))

    def _next_due(self, instant: datetime) -> datetime | None:
        after = instant.timestamp()
        with self._lock:
            self._notice_queues(after)
            dues = [self._due_after(entry, after) for entry in self._entries.values()]
        earliest = min(dues, default=math.inf)
        return None if math.isinf(earliest) else datetime.fromtimestamp(earliest, UTC)

    @staticmethod
    def _due_after(entry: _Entry, after: float) -> float:
        return entry.due if entry.due > after else entry.spec.next_evaluation(after)

    def _notice_queues(self, now: float) -> None:
        for key, readers in self._readers.items():
            if key[:2] == DEPTH and readers and self._depth(key) != self._depths.get(key):
                for name in readers:
                    self._make_due(self._entries[name], now)

    def _depth(self, key: MetricKey) -> int:
        name = dict(key.dimensions).get("QueueName", "")
        queue = sqs_backends[self._context.account][self._context.region].queues.get(name)
        return int(queue.approximate_number_of_messages) if queue is not None else 0

    # -- looking at them

    def _fire(self, instant: datetime) -> None:
        now = instant.timestamp()
        with self._lock:
            self._sample_queues(instant)
            due = [entry for entry in self._entries.values() if entry.due <= now]
            for entry in due:
                entry.due = math.inf  # actions below may make it due again
        for entry in due:
            try:
                self._evaluate(entry, now)
            except Exception:  # one alarm that cannot be evaluated must not keep the others from it
                LOG.exception("the alarm %s could not be evaluated", entry.alarm.name)
            with self._lock:
                entry.due = min(entry.due, self._next_change(entry.spec, now))

    def _sample_queues(self, instant: datetime) -> None:
        # The depth changed in the minute that ends now; stamped with its start, this evaluation sees it.
        when = instant - timedelta(minutes=1)
        for key, readers in self._readers.items():
            depth = self._depth(key) if key[:2] == DEPTH and readers else None
            if depth is not None and depth != self._depths.get(key):
                self._depths[key] = depth
                dimensions = dict(key.dimensions)
                metrics.record(
                    self._context, key.namespace, {key.name: depth}, dimensions, unit="Count", when=when
                )

    def _evaluate(self, entry: _Entry, now: float) -> None:
        points = self._points(entry.spec, now)
        current = cast(State, entry.alarm.state_value)
        state = decide([value for _, value in points], entry.spec.rule, current)
        if state != current:
            reason, data = explain(entry.spec, points, state, now)
            self._changing = entry
            try:
                entry.alarm.update_state(reason, data, state)
            finally:
                self._changing = None

    def _points(self, spec: Spec, now: float) -> Points:
        edges = [now - spec.period * age for age in range(spec.periods, 0, -1)]
        values = {
            identity: [self._value(watched, start, start + spec.period) for start in edges]
            for identity, watched in spec.metrics.items()
        }
        if spec.expressions:
            for identity, expression in spec.expressions.items():
                values[identity] = expression.evaluate(values, len(edges))
        return list(zip(edges, values[spec.returned], strict=True))

    def _value(self, watched: Watched, start: float, end: float) -> float | None:
        series = self._store.series(watched.key)
        if series is None:
            return None
        if watched.key[:2] == DEPTH:
            return _held(series, watched, start, end)
        bucket = series.bucket(start, end, watched.unit)
        return bucket.statistic(watched.statistic) if bucket is not None else None

    def _next_change(self, spec: Spec, now: float) -> float:
        """Return the first evaluation that sees other data than the one at `now` did."""
        earliest = math.inf
        for watched in spec.metrics.values():
            series = self._store.series(watched.key)
            if series is None:
                continue
            for age in range(spec.periods + 1):
                crossing = series.first_at(now - age * spec.period)
                if crossing is not None:
                    earliest = min(earliest, spec.next_evaluation(crossing + age * spec.period))
        return earliest


def _held(series: metrics.Series, watched: Watched, start: float, end: float) -> float | None:
    """Sum up a level that holds until it changes, as a queue's depth does, weighted by minutes."""
    before = series.latest(start)
    changes = ([(start, before.total)] if before is not None else []) + [
        (datum.time, datum.total) for datum in series.between(start, end)
    ]
    if not changes:
        return None
    ends = [at for at, _ in changes[1:]] + [end]
    data = tuple(
        Datum(at, level * (until - at) / 60, (until - at) / 60, level, level, "Count")
        for (at, level), until in zip(changes, ends, strict=True)
        if until > at
    )
    return metrics.Bucket(data).statistic(watched.statistic) if data else None
