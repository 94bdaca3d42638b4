"""Seasons: which slices of the training data a window is like, by the calendar of UTC.

A day is like the same weekday, or like other days at a weekend or in the week; a week or a month is like
others of its month of the year.
"""

from datetime import date, timedelta
from typing import Literal

type SeasonKind = Literal["weekend", "weekday", "month"]

_EPOCH = date(1970, 1, 1)
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SATURDAY = 5


def season_of(kind: SeasonKind, day: date) -> str:
    """Name the season of a day.

    >>> [season_of(kind, date(2013, 3, 2)) for kind in ("weekend", "weekday", "month")]
    ['weekend', 'Saturday', 'March']
    """
    if kind == "month":
        return _MONTHS[day.month - 1]
    if kind == "weekday":
        return _WEEKDAYS[day.weekday()]
    return "weekend" if day.weekday() >= _SATURDAY else "working days"


def season_between(kind: SeasonKind, first: int, until: int) -> str:
    """Name the season of the days from `first` until before `until`, counted since 1970: that of the middle.

    >>> season_between("month", 15_763, 15_770)
    'March'
    """
    return season_of(kind, _EPOCH + timedelta(days=(first + until - 1) // 2))


def is_of_days(kind: SeasonKind | None) -> bool:
    """Tell whether slices have to be days, for whole weeks hold every day of the week."""
    return kind in ("weekend", "weekday")
