"""Look into a file that lies on disk, a batch at a time: its columns, its rows, and what these are like."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute
from pyarrow import csv, parquet

from trimtab.cells import read_cells
from trimtab.dataset.version import SchemaField
from trimtab.errors import BadInput
from trimtab.profile import Grid, Profile
from trimtab.profile.grid import NumericColumn
from trimtab.project.settings import Data

# The stubs of pyarrow's functions do not know chunked arrays.
pc: Any = pyarrow.compute

FORMATS = (".parquet", ".csv")
_BATCH_ROWS = 65_536
_BLOCK_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Table:
    """What a file holds. A CSV file has no types of its own: every column is text."""

    schema: list[SchemaField]
    rows: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a file's rows are like: their profile, and the first and last instant of event time."""

    profile: Profile
    first: datetime
    last: datetime


def inspect(path: Path, kind: str) -> Table:
    """Return columns and number of rows; raise BadInput for a file that cannot be read as its kind."""
    with _readable(path, kind):
        if kind == ".parquet":
            with parquet.ParquetFile(path) as file:
                schema = [SchemaField(name=field.name, type=str(field.type)) for field in file.schema_arrow]
                return Table(schema, file.metadata.num_rows)
        names = _header(path)
        rows = sum(batch.num_rows for batch in _csv_batches(path, dict.fromkeys(names, pa.string()), ()))
        return Table([SchemaField(name=name, type="string") for name in names], rows)


def statistics(path: Path, kind: str, grid: Grid, data: Data) -> Statistics | None:
    """Profile a file's rows on the project's grid; return None when it has no rows.

    Raises BadInput when the project's columns are missing or have types that do not fit.
    """
    profiles, spans = [], []
    with _readable(path, kind):
        for batch in _batches(path, kind, grid, data):
            if not batch.num_rows:
                continue
            table = pa.Table.from_batches([batch])
            times = _in_utc(table[data.timestamp], data)
            if times.null_count:
                raise BadInput(f"there are rows without a time in {data.timestamp!r}")
            profiles.append(Profile.of(grid, table))
            spans.append(_span(times))
    if not profiles:
        return None
    return Statistics(
        Profile.merged(profiles), min(first for first, _ in spans), max(last for _, last in spans)
    )


def _in_utc(times: Any, data: Data) -> Any:
    if data.timezone is None or getattr(times.type, "tz", None) is not None:
        return times
    instants, unreadable = read_cells(times, "instant", data.timezone)
    if len(unreadable):
        raise BadInput(
            f"{data.timestamp!r} holds {times[int(unreadable[0])].as_py()!s}, which is no instant, or is a "
            f"time that the clocks of {data.timezone} showed twice or never"
        )
    return instants


def _span(times: Any) -> tuple[datetime, datetime]:
    """Return the half-open interval, in whole seconds of UTC, that holds all times."""
    bounds = pc.min_max(times)
    first, last = (bounds[name].as_py().astimezone(UTC) for name in ("min", "max"))
    return first.replace(microsecond=0), last.replace(microsecond=0) + timedelta(seconds=1)


def _batches(path: Path, kind: str, grid: Grid, data: Data) -> Iterator[pa.RecordBatch]:
    timestamp = data.timestamp
    if kind == ".parquet":
        with parquet.ParquetFile(path) as file:
            present = set(file.schema_arrow.names)
            names = [*_needed(grid, present), timestamp]
            if timestamp not in present or not pa.types.is_timestamp(file.schema_arrow.field(timestamp).type):
                raise BadInput(f"there is no column {timestamp!r} of timestamps")
            if file.schema_arrow.field(timestamp).type.tz is None and data.timezone is None:
                raise BadInput(
                    f"the timestamps in {timestamp!r} have no zone; name it as data.timezone in project.toml"
                )
            yield from file.iter_batches(_BATCH_ROWS, columns=names)
        return
    present = set(_header(path))
    types: dict[str, Any] = {name: _csv_type(grid, name) for name in _needed(grid, present)}
    if timestamp not in present:
        raise BadInput(f"there is no column {timestamp!r}")
    types[timestamp] = pa.timestamp("us", tz="UTC") if data.timezone is None else pa.string()
    yield from _csv_batches(path, types, data.null_tokens)


def _needed(grid: Grid, present: set[str]) -> list[str]:
    missing = sorted(
        name for name, column in grid.columns.items() if not column.optional and name not in present
    )
    if missing:
        raise BadInput(f"the project's columns {', '.join(missing)} are missing")
    return [name for name in grid.columns if name in present]


def _csv_type(grid: Grid, name: str) -> pa.DataType:
    return pa.float64() if isinstance(grid.columns[name], NumericColumn) else pa.string()


def _header(path: Path) -> list[str]:
    with _reader(path, csv.ConvertOptions()) as reader:
        names: list[str] = reader.schema.names
    if len(set(names)) != len(names):
        raise BadInput("two columns have the same name")
    return names


def _csv_batches(path: Path, types: dict[str, Any], null_tokens: Sequence[str]) -> Iterator[pa.RecordBatch]:
    options = csv.ConvertOptions(
        column_types=types,
        include_columns=list(types),
        null_values=list(null_tokens),
        strings_can_be_null=bool(null_tokens),
    )
    with _reader(path, options) as reader:
        yield from reader


def _reader(path: Path, convert: csv.ConvertOptions) -> csv.CSVStreamingReader:
    return csv.open_csv(
        path,
        read_options=csv.ReadOptions(block_size=_BLOCK_BYTES, use_threads=False),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=convert,
    )


@contextmanager
def _readable(path: Path, kind: str) -> Iterator[None]:
    try:
        yield
    except pa.ArrowInvalid as error:
        raise BadInput(f"it cannot be read as {kind[1:]}: {error}") from error
