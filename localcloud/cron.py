"""Schedule expressions of EventBridge and its Scheduler: cron(), rate() and at(), and when they are due
next.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

MONTHS = {name: number for number, name in enumerate(calendar.month_abbr) if name}
DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
FIRST_YEAR, LAST_YEAR = 1970, 2199
UNIT_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}


class BadExpression(ValueError):
    """A schedule expression that EventBridge would refuse."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Be due every so many seconds after an anchor."""

    seconds: int

    def next_after(self, instant: datetime, anchor: datetime) -> datetime:
        """Return the first due instant after another one; the anchor itself is not due."""
        passed = (instant - anchor) // timedelta(seconds=self.seconds)
        return anchor + timedelta(seconds=self.seconds) * max(1, passed + 1)


@dataclass(frozen=True, slots=True)
class At:
    """Be due once, at a local time."""

    moment: datetime

    def next_after(self, instant: datetime, zone: tzinfo) -> datetime | None:
        """Return the instant, or None once it has passed."""
        due = self.moment.replace(tzinfo=zone).astimezone(UTC)
        return due if due > instant else None


@dataclass(frozen=True, slots=True)
class Cron:
    """Be due at the local times that six fields describe."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days_of_month: str
    months: tuple[int, ...]
    days_of_week: str
    years: frozenset[int]

    def next_after(self, instant: datetime, zone: tzinfo = UTC) -> datetime | None:
        """Return the first due instant after another one, in UTC; None when there is none.

        >>> parse_cron("0 6 1 * ? *").next_after(datetime(2013, 1, 1, 6, tzinfo=UTC))
        datetime.datetime(2013, 2, 1, 6, 0, tzinfo=datetime.timezone.utc)
        """
        local = instant.astimezone(zone)
        for day in self._days(local.date()):
            for hour in self.hours:
                for minute in self.minutes:
                    moment = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
                    due = moment.astimezone(UTC)
                    if due.astimezone(zone).replace(tzinfo=None) != moment.replace(tzinfo=None):
                        continue  # the clocks are put forward over this local time
                    if due > instant:
                        return due
        return None

    def _days(self, first: date) -> Iterator[date]:
        for year in range(first.year, LAST_YEAR + 1):
            if year not in self.years:
                continue
            for month in self.months:
                if (year, month) < (first.year, first.month):
                    continue
                for day in self._days_of(year, month):
                    if (found := date(year, month, day)) >= first:
                        yield found

    def _days_of(self, year: int, month: int) -> list[int]:
        if self.days_of_week == "?":
            return sorted(_days_of_month(self.days_of_month, year, month))
        return sorted(_days_of_week(self.days_of_week, year, month))


Schedule = Cron | Rate | At


def parse(expression: str) -> Schedule:
    """Read cron(...), rate(...) or at(...); raise BadExpression.

    >>> parse("rate(5 minutes)")
    Rate(seconds=300)
    """
    match = re.fullmatch(r"(cron|rate|at)\((.*)\)", expression.strip())
    if match is None:
        raise BadExpression(
            f"Parameter ScheduleExpression is not valid: {expression!r} is not cron(), rate() or at()"
        )
    kind, inside = match[1], match[2].strip()
    if kind == "cron":
        return parse_cron(inside)
    if kind == "rate":
        return _parse_rate(inside)
    try:
        return At(datetime.fromisoformat(inside).replace(tzinfo=None))
    except ValueError as error:
        raise BadExpression(f"at({inside}) is not at(yyyy-mm-ddThh:mm:ss)") from error


def _parse_rate(inside: str) -> Rate:
    match = re.fullmatch(r"([1-9][0-9]*)\s+(minute|hour|day)(s?)", inside)
    if match is None or (match[1] == "1") == bool(match[3]):
        raise BadExpression(f"rate({inside}) is not a rate: write rate(1 day) or rate(5 minutes)")
    return Rate(int(match[1]) * UNIT_SECONDS[match[2]])


def parse_cron(inside: str) -> Cron:
    """Read the six fields between the brackets: minutes hours day-of-month month day-of-week year."""
    fields = inside.upper().split()
    if len(fields) != 6:
        raise BadExpression(
            f"cron({inside}) has {len(fields)} fields; it needs six, the last one being the year"
        )
    minutes, hours, days_of_month, months, days_of_week, years = fields
    if (days_of_month == "?") == (days_of_week == "?"):
        raise BadExpression(f"cron({inside}): exactly one of day-of-month and day-of-week must be '?'")
    cron = Cron(
        minutes=_numbers(minutes, 0, 59),
        hours=_numbers(hours, 0, 23),
        days_of_month=days_of_month,
        months=_numbers(months, 1, 12, {name.upper(): number for name, number in MONTHS.items()}),
        days_of_week=days_of_week,
        years=frozenset(_numbers(years, FIRST_YEAR, LAST_YEAR)),
    )
    cron._days_of(2024, 1)  # raises when the days cannot be read
    return cron


def _numbers(field: str, low: int, high: int, names: dict[str, int] | None = None) -> tuple[int, ...]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        if span == "*":
            first, last = low, high
        else:
            start, dash, end = span.partition("-")
            first = _number(start, names)
            last = _number(end, names) if dash else (high if step else first)
        if not (low <= first <= high and low <= last <= high) or (step and not step.isdigit()) or step == "0":
            raise BadExpression(f"{field!r} is not within {low}-{high}")
        if first <= last:
            found.update(range(first, last + 1, int(step or 1)))
        else:  # a range such as FRI-MON goes round
            found.update([*range(first, high + 1), *range(low, last + 1)])
    return tuple(sorted(found))


def _number(text: str, names: dict[str, int] | None) -> int:
    if names and text in names:
        return names[text]
    if not text.isdigit():
        raise BadExpression(f"{text!r} is neither a number nor a name")
    return int(text)


def _days_of_month(field: str, year: int, month: int) -> set[int]:
    last = calendar.monthrange(year, month)[1]
    if field == "L":
        return {last}
    if field == "LW":
        return {_nearest_weekday(year, month, last)}
    if nearest := re.fullmatch(r"(\d+)W", field):
        return {_nearest_weekday(year, month, min(int(nearest[1]), last))}
    return {day for day in _numbers(field, 1, 31) if day <= last}


def _nearest_weekday(year: int, month: int, day: int) -> int:
    last = calendar.monthrange(year, month)[1]
    weekday = date(year, month, day).weekday()
    if weekday == calendar.SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == calendar.SUNDAY:
        return day + 1 if day < last else day - 2
    return day


def _days_of_week(field: str, year: int, month: int) -> set[int]:
    last = calendar.monthrange(year, month)[1]
    by_weekday: dict[int, list[int]] = {}
    for day in range(1, last + 1):
        by_weekday.setdefault(date(year, month, day).isoweekday() % 7 + 1, []).append(day)
    if nth := re.fullmatch(r"(\w+)#([1-5])", field):
        days = by_weekday[_number(nth[1], DAYS)]
        return set(days[int(nth[2]) - 1 : int(nth[2])])
    if field == "L":
        return set(by_weekday[DAYS["SAT"]])
    if final := re.fullmatch(r"([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)L", field):
        return {by_weekday[_number(final[1], DAYS)][-1]}
    return {day for weekday in _numbers(field, 1, 7, DAYS) for day in by_weekday[weekday]}
