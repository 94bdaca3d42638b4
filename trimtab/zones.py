"""Local times of a zone, and how far each was from UTC, by the database of zones that is pinned.

The operating system's own is not asked: Lambda's may have none, and equal rows have to give equal instants
on every machine.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

_DAY = 86_400
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the zone of a local time comes later
# What a datetime can hold, but for a day at either end; times outside are as far from UTC as these.
_FIRST_DAY = (datetime(1, 1, 2) - _EPOCH).days  # noqa: DTZ001
_LAST_DAY = (datetime(9999, 12, 30) - _EPOCH).days  # noqa: DTZ001


@dataclass(frozen=True, slots=True)
class Offsets:
    """Seconds to take from each local time to get UTC; and the times that clocks showed twice, or never.

    Of those times, `seconds` is that of the first of two, or of the moment before clocks went forward.
    """

    seconds: NDArray[np.int64]
    twice: NDArray[np.bool_]
    never: NDArray[np.bool_]


@cache
def zone_names() -> frozenset[str]:
    """Return the names of all zones, such as America/New_York."""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text("utf-8").split())


def offsets_of(local: NDArray[np.int64], zone: str) -> Offsets:
    """Look up local times, in seconds since 1970 by the zone's clocks.

    >>> found = offsets_of(np.array([1383440400, 1383445800]), "America/New_York")
    >>> found.seconds.tolist(), found.twice.tolist()  # 3 November 2013, 1:00 and 2:30
    ([-14400, -18000], [True, False])
    """
    days, places = np.unique(local // _DAY, return_inverse=True)
    known = [_offset_all_day(zone, day) for day in days.tolist()]
    changing = np.array([offset is None for offset in known], dtype=np.bool_)[places]
    first = np.array([offset or 0 for offset in known], dtype=np.int64)[places]
    second = first.copy()
    if changing.any():
        times, places = np.unique(local[changing], return_inverse=True)
        both = np.array([_offsets(zone, time) for time in times.tolist()], dtype=np.int64)[places]
        first[changing], second[changing] = both[:, 0], both[:, 1]
    # As Python's `fold` has it: the first of two equal times is further from UTC than the second, and a time
    # that clocks skipped is nearer by the offset before than by the one after.
    return Offsets(first, first > second, first < second)


@lru_cache(maxsize=100_000)
def _offset_all_day(zone: str, day: int) -> int | None:
    """Return the offset that holds from midnight to midnight, None where it changes between them."""
    found = {*_offsets(zone, day * _DAY), *_offsets(zone, (day + 1) * _DAY)}
    return found.pop() if len(found) == 1 else None


def _offsets(zone: str, time: int) -> tuple[int, int]:
    day = min(max(time // _DAY, _FIRST_DAY), _LAST_DAY)
    moment = (_EPOCH + timedelta(days=day, seconds=time % _DAY)).replace(tzinfo=_zone(zone))
    return _seconds(moment), _seconds(moment.replace(fold=1))


def _seconds(moment: datetime) -> int:
    offset = moment.utcoffset()
    if offset is None:  # cannot happen: a ZoneInfo knows one for every time
        raise AssertionError(f"{moment} has no offset")
    return int(offset.total_seconds())


@cache
def _zone(name: str) -> ZoneInfo:
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)
