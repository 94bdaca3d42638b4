"""What a run of the monitor has to do: windows to judge, windows to measure, and where their rows lie."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Any

from trimtab.instants import parse_time
from trimtab.monitoring.windows import ONE_DAY, Window, WindowKind, ended_windows

# How far back a run looks for windows that an outage left unjudged, and how many it takes on at once.
LOOKBACK_WINDOWS = 100
WINDOWS_PER_RUN = 6


@dataclass(frozen=True, slots=True)
class Measurement:
    """A window whose labels have come, and the joined dataset versions that hold them, oldest first."""

    window_id: str
    datasets: tuple[str, ...]


def candidate_windows(kind: WindowKind, until: datetime) -> list[Window]:
    """List the windows that ended by `until` and that a run still looks at, newest first."""
    return list(islice(ended_windows(kind, until), LOOKBACK_WINDOWS))


def due_windows(
    candidates: Iterable[Window], judged: Collection[str], since: datetime, limit: int = WINDOWS_PER_RUN
) -> list[Window]:
    """List the windows that have no verdict yet, oldest first, at most `limit`.

    `candidates` come newest first. A window counts if a champion has served at least half of it, `since`
    being the first champion's deployment: the few rows of a shorter stay say little about the window.
    """
    served = takewhile(lambda window: since <= window.middle, candidates)
    unjudged = [window for window in served if window.id not in judged]
    return unjudged[::-1][:limit]


def open_windows(
    candidates: Iterable[Window], judged: Collection[str], now: datetime, late_days: int
) -> list[Window]:
    """List the judged windows that ended less than `late_days` ago, oldest first: more may be captured."""
    recent = takewhile(lambda window: now < window.end + late_days * ONE_DAY, candidates)
    return [window for window in recent if window.id in judged][::-1]


def champion_at(promotions: Iterable[Mapping[str, Any]], instant: datetime) -> int | None:
    """Return the version that was champion just before `instant`, from the promotion log, oldest first."""
    version = None
    for entry in promotions:
        if parse_time(entry["time"]) >= instant:
            break
        version = int(entry["to"])
    return version


def capture_days(window: Window, lead_days: int) -> Iterator[str]:
    """Yield the days, as `yyyy/mm/dd`, on which predictions for the window may have been captured.

    Captures are filed by the time of the request, which may come up to `lead_days` before the event, or up to
    a day after the window's end.
    """
    day = window.start - timedelta(days=lead_days)
    while day <= window.end:
        yield f"{day:%Y/%m/%d}"
        day += ONE_DAY


def shards_of(sizes: Iterable[int], most_objects: int, most_bytes: int) -> list[slice]:
    """Split captured objects, in their order, into runs of at most so many objects and bytes.

    An object larger than `most_bytes` is a shard of its own. A window without captures has one shard, an
    empty one: that nothing came is a finding as well.

    >>> shards_of([5, 5, 9, 1], 2, 10)
    [slice(0, 2, None), slice(2, 4, None)]
    """
    shards, start, held, end = [], 0, 0, 0
    for place, size in enumerate(sizes):
        if place > start and (place - start == most_objects or held + size > most_bytes):
            shards.append(slice(start, place))
            start, held = place, 0
        held, end = held + size, place + 1
    return [*shards, slice(start, end)]


def measurements_due(
    windows: Iterable[Mapping[str, Any]], datasets: Iterable[Mapping[str, Any]], limit: int = WINDOWS_PER_RUN
) -> list[Measurement]:
    """List the judged windows whose performance can be measured, or has to be again, oldest first.

    A window is measured once its labels reach its last day with a prediction, and again whenever the set of
    joined versions that touch it changes, as it does when one is superseded. A window without a row has
    nothing to measure.
    """
    joined = sorted(
        (item for item in datasets if item["kind"] == "joined" and not item.get("superseded_by")),
        key=lambda item: (item["committed_at"], item["sk"]),
    )
    spans = [(parse_time(item["event_from"]), parse_time(item["event_to"]), item["sk"]) for item in joined]
    due = []
    for window in sorted(windows, key=lambda item: str(item["from"])):
        names = _covering(window, spans)
        if names and sorted(names) != sorted(window.get("performance_datasets") or ()):
            due.append(Measurement(window["sk"], names))
    return due[:limit]


def may_ask_again(
    pending: Mapping[str, Any] | None, datasets: Iterable[Mapping[str, Any]], now: datetime
) -> bool:
    """Tell whether a retrain that was put off may be possible by now.

    A time to wait for has to have come; a wait for labels ends once labelled data was committed.
    """
    if pending is None:
        return False
    if pending.get("not_before"):
        return now >= parse_time(pending["not_before"])
    if pending.get("waiting_for") != "labels":
        return True
    since = parse_time(pending["requested_at"])
    return any(item.get("labelled") and parse_time(item["committed_at"]) >= since for item in datasets)


def _covering(window: Mapping[str, Any], spans: Sequence[tuple[datetime, datetime, str]]) -> tuple[str, ...]:
    """Return the versions that touch the window, or none while labels of its last day are still to come."""
    if not window.get("last_event"):
        return ()
    start, end = parse_time(window["from"]), parse_time(window["to"])
    # The last predictions may never get a label (a flight that was cancelled), hence a day's grace.
    if not any(last >= parse_time(window["last_event"]) - ONE_DAY for _, last, _ in spans):
        return ()
    return tuple(name for first, last, name in spans if first < end and last >= start)
