"""Metrics: EMF lines become CloudWatch data, what CloudWatch refuses is refused, and every series is indexed.

moto keeps one list of all data points and reads all of it for every question. Alarms ask much oftener than
people do, so each data point also goes into a sorted series of its own.
"""

from __future__ import annotations

import json
import logging
import math
import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from moto.cloudwatch.exceptions import InvalidParameterValue
from moto.cloudwatch.models import CloudWatchBackend, cloudwatch_backends

from localcloud.bridges import Bridge, aware
from localcloud.context import Context

LOG = logging.getLogger("localcloud.metrics")
OLDEST_SECONDS = 14 * 86_400  # CloudWatch takes two weeks of the past
NEWEST_SECONDS = 2 * 3_600  # and two hours of the future

Dimensions = frozenset[tuple[str, str]]
Listener = Callable[["MetricKey", float], None]


class MetricKey(NamedTuple):
    """Name one series: CloudWatch never adds up different sets of dimensions."""

    namespace: str
    name: str
    dimensions: Dimensions


class Datum(NamedTuple):
    """Hold one data point or statistic set; sorts by time."""

    time: float
    total: float
    samples: float
    low: float
    high: float
    unit: str


@dataclass(frozen=True, slots=True)
class Bucket:
    """Sum up the data of one period."""

    data: tuple[Datum, ...]

    def statistic(self, name: str) -> float:
        """Return Sum, Average, Minimum, Maximum, SampleCount or a percentile; raise ValueError for others.

        >>> Bucket((Datum(0.0, 3.0, 1.0, 3.0, 3.0, "None"),)).statistic("Average")
        3.0
        """
        count = math.fsum(datum.samples for datum in self.data)
        total = math.fsum(datum.total for datum in self.data)
        plain: dict[str, Callable[[], float]] = {
            "Sum": lambda: total,
            "Average": lambda: total / count,
            "Minimum": lambda: min(datum.low for datum in self.data),
            "Maximum": lambda: max(datum.high for datum in self.data),
            "SampleCount": lambda: count,
        }
        if name in plain:
            return plain[name]()
        if name[:1] == "p":
            return self._percentile(float(name[1:]), count)
        raise ValueError(f"the local cloud does not compute the statistic {name!r}")

    def _percentile(self, percent: float, count: float) -> float:
        rank, seen = percent / 100 * count, 0.0
        ordered = sorted((datum.total / datum.samples, datum.samples) for datum in self.data)
        for value, weight in ordered:
            seen += weight
            if seen >= rank:
                return value
        return ordered[-1][0]


class Series:
    """Keep the data of one metric in time order."""

    def __init__(self) -> None:
        """Start empty."""
        self._data: list[Datum] = []
        self._times: list[float] = []

    def add(self, datum: Datum) -> None:
        """Put a data point where it belongs; nearly always the end."""
        if not self._times or datum.time >= self._times[-1]:
            self._data.append(datum)
            self._times.append(datum.time)
            return
        insort(self._data, datum)
        insort(self._times, datum.time)

    def bucket(self, start: float, end: float, unit: str | None = None) -> Bucket | None:
        """Sum up start <= time < end, of one unit if named; None when nothing was reported."""
        found = self.between(start, end)
        if unit is not None:
            found = [datum for datum in found if datum.unit == unit]
        return Bucket(tuple(found)) if found else None

    def between(self, start: float, end: float) -> list[Datum]:
        """Return the data of start <= time < end, oldest first."""
        return self._data[bisect_left(self._times, start) : bisect_left(self._times, end)]

    def first_at(self, start: float) -> float | None:
        """Return the time of the oldest data point at or after `start`."""
        index = bisect_left(self._times, start)
        return self._times[index] if index < len(self._times) else None

    def latest(self, until: float) -> Datum | None:
        """Return the newest data point at or before `until`."""
        index = bisect_right(self._times, until)
        return self._data[index - 1] if index else None


class MetricStore:
    """Find a metric's series at once, and tell whoever listens that it has grown."""

    def __init__(self) -> None:
        """Start empty."""
        self._series: dict[MetricKey, Series] = {}
        self._listeners: list[Listener] = []
        self._lock = threading.Lock()

    def add(self, key: MetricKey, datum: Datum) -> None:
        """Add a data point and tell the listeners."""
        with self._lock:
            self._series.setdefault(key, Series()).add(datum)
        for listener in self._listeners:
            listener(key, datum.time)

    def series(self, key: MetricKey) -> Series | None:
        """Return the series, or None when nothing was ever reported."""
        return self._series.get(key)

    def listen(self, listener: Listener) -> None:
        """Call `listener(key, time)` for every data point from now on."""
        self._listeners.append(listener)


_bridge = Bridge()
_store = MetricStore()


def install(context: Context) -> None:
    """Index what is put into CloudWatch and refuse what CloudWatch refuses."""
    global _store  # noqa: PLW0603 - one store per local cloud; the patches below are per process
    _store = MetricStore()
    _bridge.install(context, _patch)


def store() -> MetricStore:
    """Return the indexed metrics of the local cloud that runs."""
    return _store


def record(
    context: Context,
    namespace: str,
    values: Mapping[str, float],
    dimensions: Mapping[str, str],
    *,
    unit: str = "None",
    when: datetime | None = None,
) -> None:
    """Report values of an AWS service's own metrics by name, stamped with the clock's time or `when`."""
    backend = cloudwatch_backends[context.account][context.region]
    listed = [{"Name": key, "Value": text} for key, text in dimensions.items()]
    backend.put_metric_data(
        namespace,
        [
            {"MetricName": name, "Value": value, "Dimensions": listed, "Unit": unit, "Timestamp": when}
            for name, value in values.items()
        ],
    )


def emit(context: Context, log_text: str) -> None:
    """Turn the embedded metrics in a function's log into CloudWatch data; log what CloudWatch would drop."""
    backend = cloudwatch_backends[context.account][context.region]
    for line in log_text.splitlines():
        if '"_aws"' not in line:
            continue
        try:
            document = json.loads(line)
        except json.JSONDecodeError:
            continue  # a line of text that happens to mention it
        if isinstance(document, dict) and isinstance(document.get("_aws"), dict):
            _emit_document(backend, document)


def _emit_document(backend: CloudWatchBackend, document: Mapping[str, Any]) -> None:
    for namespace, datum in _embedded(document):
        try:
            backend.put_metric_data(namespace, [datum])
        except InvalidParameterValue as refusal:
            LOG.warning("metric %s %s was dropped: %s", namespace, datum["MetricName"], refusal)


def _embedded(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    head = document["_aws"]
    stamp = head.get("Timestamp")
    when = {"Timestamp": datetime.fromtimestamp(stamp / 1000, UTC)} if stamp is not None else {}
    for directive in head.get("CloudWatchMetrics", []):
        for names in directive.get("Dimensions") or [[]]:
            dimensions = [{"Name": name, "Value": str(document[name])} for name in names if name in document]
            for metric in directive.get("Metrics", []):
                value = document.get(metric["Name"])
                if value is None or isinstance(value, str | bool | dict):
                    continue  # not a number: CloudWatch leaves it out as well
                values = [float(item) for item in value] if isinstance(value, list) else [float(value)]
                yield (
                    directive["Namespace"],
                    {
                        "MetricName": metric["Name"],
                        "Values": values,
                        "Dimensions": dimensions,
                        "Unit": metric.get("Unit", "None"),
                        **when,
                    },
                )


# -- the patch


def _patch() -> None:
    original = CloudWatchBackend.put_metric_data

    def put_metric_data(self: CloudWatchBackend, namespace: str, metric_data: list[dict[str, Any]]) -> None:
        now = _bridge.context.clock.now()
        for number, datum in enumerate(metric_data, 1):
            _refuse(datum, number, now)
        stamped = [{**datum, "Timestamp": _naive(datum.get("Timestamp") or now)} for datum in metric_data]
        original(self, namespace, stamped)
        if self.region_name == _bridge.context.region:
            for datum in stamped:
                _index(namespace, datum)

    CloudWatchBackend.put_metric_data = put_metric_data  # type: ignore[method-assign]


def _naive(instant: datetime) -> datetime:
    return aware(instant).replace(tzinfo=None)


def _refuse(datum: Mapping[str, Any], number: int, now: datetime) -> None:
    where = f"MetricData.member.{number}"
    statistics: Mapping[str, Any] = datum.get("StatisticValues") or {}
    values: Sequence[Any] = [datum.get("Value", 0.0), *(datum.get("Values") or ()), *statistics.values()]
    for value in values:
        if not math.isfinite(float(value)):
            raise InvalidParameterValue(f"The value {value} for parameter {where}.Value is invalid.")
    if (when := datum.get("Timestamp")) is not None:
        age = (now - aware(when)).total_seconds()
        if not -NEWEST_SECONDS <= age <= OLDEST_SECONDS:
            raise InvalidParameterValue(
                f"The parameter {where}.Timestamp must specify a time within the past two weeks and the next "
                f"two hours; it is {aware(when).isoformat()} and the time is {now.isoformat()}."
            )


def _index(namespace: str, datum: Mapping[str, Any]) -> None:
    dimensions = frozenset((item["Name"], item["Value"]) for item in datum.get("Dimensions") or ())
    key = MetricKey(namespace, datum["MetricName"], dimensions)
    when, unit = aware(datum["Timestamp"]).timestamp(), datum.get("Unit") or "None"
    if datum.get("StatisticValues"):
        total, count, low, high = (
            float(datum["StatisticValues"][name]) for name in ("Sum", "SampleCount", "Minimum", "Maximum")
        )
        _store.add(key, Datum(when, total, count, low, high, unit))
        return
    values = datum.get("Values") or [datum.get("Value", 0.0)]
    counts = datum.get("Counts") or [1.0] * len(values)
    for value, count in zip(values, counts, strict=True):
        number = float(value)
        _store.add(key, Datum(when, number * float(count), float(count), number, number, unit))
