"""The demo's data is the year as it was, with its errors."""

import csv
import io
from datetime import date, timedelta

import pyarrow.compute as pc
import pytest

from demo.data import REQUEST, daily_requests, labels_csv, load_year, upload_csv


def read(content):
    return list(csv.DictReader(io.StringIO(content.decode())))


@pytest.fixture(scope="module")
def february():
    return read(upload_csv(2))


def test_the_year_has_every_scheduled_flight_once():
    year = load_year()
    assert year.num_rows == 336_776
    assert pc.count_distinct(year["prediction_id"]).as_py() == 336_776
    assert year["late"].null_count == 9_430
    departures = year["scheduled_departure"].to_pylist()
    assert departures == sorted(departures)
    assert departures[0] == "2013-01-01T10:15:00Z"


def test_weather_is_that_of_three_hours_before():
    year = load_year()
    flight = year.filter(pc.equal(year["prediction_id"], "2013-01-01-UA-1545-EWR")).to_pylist()[0]
    # 05:15 in New York; the station's readings at 02:00.
    assert (flight["temp"], flight["dewp"], flight["wind_speed"]) == (39.02, 26.96, 8.05546)


def test_an_upload_has_the_labelled_flights_of_its_month_in_utc(february):
    assert list(february[0]) == [*REQUEST, "late"]
    assert {row["late"] for row in february} == {"0", "1"}
    times = [row["scheduled_departure"] for row in february]
    assert "2013-02-01T00:00:00Z" <= min(times) < max(times) < "2013-03-01T00:00:00Z"


def test_the_errors_of_the_source_are_kept(february):
    assert sum(float(row["wind_speed"] or 0) > 1000 for row in february) == 32
    assert sum(row["wind_gust"] == "" for row in february) > 10_000


def test_requests_cover_each_day_without_labels():
    requests = dict(daily_requests(7))
    assert list(requests) == [date(2013, 7, 1) + timedelta(days=day) for day in range(31)]
    rows = read(requests[date(2013, 7, 28)])
    assert list(rows[0]) == list(REQUEST)
    assert {row["scheduled_departure"][:10] for row in rows} == {"2013-07-28"}
    assert sum(float(row["distance"]) < 50 for row in read(b"".join([requests[date(2013, 7, 27)]]))) == 1


def test_labels_come_for_the_flights_that_arrived_only():
    labels = read(labels_csv(2))
    assert list(labels[0]) == ["prediction_id", "late", "event_time"]
    requested = {row["prediction_id"] for _, body in daily_requests(2) for row in read(body)}
    arrived = {row["prediction_id"] for row in labels}
    assert arrived < requested
    assert len(requested) - len(arrived) > 1000
