"""Windows: half-open UTC intervals of event time, named after the calendar.

A window's name says which calendar it belongs to: `2013-03-05` is a day, `2013-W10` an ISO week and `2013-03`
a month. Daylight saving plays no part: windows are intervals of the data's time, whenever they are judged.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from trimtab.errors import BadInput

type WindowKind = Literal["day", "week", "month"]

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """The half-open interval [start, end) of event time, in UTC."""

    start: datetime
    end: datetime
    id: str

    @property
    def middle(self) -> datetime:
        """Return the instant halfway through."""
        return self.start + (self.end - self.start) / 2


def window_of(kind: WindowKind, instant: datetime) -> Window:
    """Return the window that `instant` belongs to.

    >>> window_of("week", datetime(2012, 12, 31, tzinfo=UTC)).id
    '2013-W01'
    """
    day = instant.astimezone(UTC).date()
    if kind == "day":
        return _window(day, day + ONE_DAY, day.isoformat())
    if kind == "week":
        year, week, weekday = day.isocalendar()
        monday = day - timedelta(days=weekday - 1)
        return _window(monday, monday + timedelta(days=7), f"{year:04d}-W{week:02d}")
    first = day.replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    return _window(first, following, f"{day:%Y-%m}")


def window_named(name: str) -> Window:
    """Return the window of that name; raise BadInput for a name that no calendar has.

    >>> window_named("2013-02").end.isoformat()
    '2013-03-01T00:00:00+00:00'
    """
    kind: WindowKind = "week" if "-W" in name else "day" if name.count("-") == 2 else "month"
    first = {"week": f"{name}-1", "day": name, "month": f"{name}-01"}[kind]
    try:
        day = date.fromisoformat(first)
    except ValueError as error:
        raise BadInput(
            f"{name!r} is no window; write a day 2013-03-05, a week 2013-W10 or a month 2013-03"
        ) from error
    return window_of(kind, _midnight(day))


def preceding(kind: WindowKind, window: Window) -> Window:
    """Return the window that ends where this one starts."""
    return window_of(kind, window.start - ONE_DAY)


def ended_windows(kind: WindowKind, until: datetime) -> Iterator[Window]:
    """Yield, newest first and without end, the windows that ended at or before `until`."""
    window = preceding(kind, window_of(kind, until))
    while True:
        yield window
        window = preceding(kind, window)


def _window(first: date, following: date, name: str) -> Window:
    return Window(_midnight(first), _midnight(following), name)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
