"""Windows of the calendar: half-open, without gaps, named after day, ISO week or month."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import islice, pairwise

import pytest

from trimtab.errors import BadInput
from trimtab.monitoring.windows import ended_windows, preceding, window_named, window_of


@pytest.mark.parametrize(
    ("kind", "instant", "name", "start", "end"),
    [
        ("day", "2013-02-28T23:59:59", "2013-02-28", "2013-02-28", "2013-03-01"),
        ("month", "2013-01-31T00:00:00", "2013-01", "2013-01-01", "2013-02-01"),
        ("month", "2012-02-29T12:00:00", "2012-02", "2012-02-01", "2012-03-01"),
        ("month", "2013-12-31T23:59:59", "2013-12", "2013-12-01", "2014-01-01"),
        ("week", "2013-03-10T23:59:59", "2013-W10", "2013-03-04", "2013-03-11"),
        ("week", "2012-12-31T00:00:00", "2013-W01", "2012-12-31", "2013-01-07"),
        ("week", "2021-01-03T00:00:00", "2020-W53", "2020-12-28", "2021-01-04"),
    ],
)
def test_window_of_an_instant(kind, instant, name, start, end):
    window = window_of(kind, datetime.fromisoformat(instant).replace(tzinfo=UTC))
    assert window.id == name
    assert (window.start, window.end) == (_utc(start), _utc(end))
    assert window == window_named(name)


@pytest.mark.parametrize("kind", ["day", "week", "month"])
def test_windows_touch_without_gap_or_overlap(kind):
    windows = list(islice(ended_windows(kind, _utc("2013-03-15")), 60))
    assert windows[0].end <= _utc("2013-03-15")
    assert all(newer.start == older.end for newer, older in pairwise(windows))
    assert all(preceding(kind, newer) == older for newer, older in pairwise(windows))


def test_a_boundary_belongs_to_the_later_window():
    march = window_named("2013-03")
    assert window_of("month", march.start) == march
    assert window_of("month", march.end - timedelta(microseconds=1)) == march
    assert window_of("month", march.end) == window_named("2013-04")


def test_a_window_that_ends_now_has_ended():
    assert next(ended_windows("month", _utc("2013-04-01"))).id == "2013-03"
    assert next(ended_windows("month", _utc("2013-04-01") - timedelta(microseconds=1))).id == "2013-02"


def test_F25_windows_are_utc_whatever_zone_the_instant_is_written_in():
    eastern = timezone(timedelta(hours=-5))
    assert window_of("month", datetime(2013, 3, 31, 20, tzinfo=eastern)).id == "2013-04"
    # 10 March 2013 has 23 hours in New York, and 24 in UTC.
    day = window_named("2013-03-10")
    assert day.end - day.start == timedelta(hours=24)


@pytest.mark.parametrize("name", ["2013", "2013-13", "2013-W54", "2013-02-30", "march", ""])
def test_a_name_of_no_window_is_refused(name):
    with pytest.raises(BadInput, match="is no window"):
        window_named(name)


def _utc(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)
