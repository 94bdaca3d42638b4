"""Which captured rows belong to a window: by event time, each prediction once. Imports no pandas."""

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

from trimtab.cells import flags_of, flat, read_cells
from trimtab.errors import BadInput
from trimtab.instants import format_time
from trimtab.monitoring.windows import Window

pc: Any = pyarrow.compute

type Positions = npt.NDArray[np.int64]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RowCounts:
    """How many captured rows were read and why some were left out; `by_version` counts those that were kept.

    `objects` counts captured files, `unreadable` lines that are no capture, `untimed` rows whose event time
    cannot be read; `last_event` is the latest event time within the window, as text.
    """

    objects: int = 0
    read: int = 0
    outside: int = 0
    untimed: int = 0
    duplicate: int = 0
    unreadable: int = 0
    by_version: dict[str, int] | None = None
    last_event: str | None = None

    def __add__(self, other: "RowCounts") -> "RowCounts":
        versions = dict(self.by_version or {})
        for name, count in (other.by_version or {}).items():
            versions[name] = versions.get(name, 0) + count
        return RowCounts(
            self.objects + other.objects,
            self.read + other.read,
            self.outside + other.outside,
            self.untimed + other.untimed,
            self.duplicate + other.duplicate,
            self.unreadable + other.unreadable,
            versions,
            max(filter(None, (self.last_event, other.last_event)), default=None),
        )

    def with_repeats(self, dropped: int, by_version: dict[str, int]) -> "RowCounts":
        """Return the counts after more repeated rows were left out."""
        return replace(self, duplicate=self.duplicate + dropped, by_version=by_version)

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as JSON-able data."""
        return asdict(self) | {"by_version": dict(self.by_version or {})}


def rows_inside(
    table: pa.Table, window: Window, timestamp: str, zone: str | None = None
) -> tuple[pa.Table, RowCounts]:
    """Return the rows whose event lies in the window, and the counts of the others.

    `zone` is that of times that carry none. Raises BadInput if the rows have no column for the event's time.
    """
    if not table.num_rows:
        return table, RowCounts()
    if timestamp not in table.column_names:
        raise BadInput(
            f"captured requests have no column {timestamp!r}; send the event's time with every request"
        )
    micros, timed = _instants(table[timestamp], zone)
    inside = timed & (micros >= _micros(window.start)) & (micros < _micros(window.end))
    counts = RowCounts(
        read=table.num_rows,
        outside=int(timed.sum() - inside.sum()),
        untimed=int(len(timed) - timed.sum()),
        last_event=_text(int(micros[inside].max())) if inside.any() else None,
    )
    return _taken(table, np.flatnonzero(inside)), counts


def once_each(table: pa.Table, prediction_id: str) -> tuple[pa.Table, RowCounts]:
    """Return the first row of each prediction id, and the counts of repeated rows and of versions."""
    if not table.num_rows:
        return table, RowCounts()
    codes = flat(pc.dictionary_encode(flat(table[prediction_id]), null_encoding="encode")).indices
    numbers = np.frombuffer(codes.buffers()[1], dtype=np.int32, count=len(codes), offset=codes.offset * 4)
    _, first = np.unique(numbers, return_index=True)
    kept = _taken(table, np.sort(first))
    return kept, RowCounts(duplicate=table.num_rows - kept.num_rows, by_version=versions_of(kept))


def versions_of(table: pa.Table) -> dict[str, int]:
    """Count the rows by the model version that scored them."""
    if not table.num_rows:
        return {}
    found = flat(table["model_version"]).value_counts()
    counts = zip(found.field(0).to_pylist(), found.field(1).to_pylist(), strict=True)
    return {str(version): count for version, count in sorted(counts, key=str)}


def days_of(instants: Any) -> Positions:
    """Return the UTC day of each instant, as days since 1970."""
    micros, _ = _instants(instants)
    return micros // 86_400_000_000


def _instants(column: Any, zone: str | None = None) -> tuple[Positions, npt.NDArray[np.bool_]]:
    """Return microseconds since 1970 in UTC, and which rows have any."""
    array = flat(column)
    if pa.types.is_timestamp(array.type):
        array = array.cast(pa.timestamp("us", tz="UTC"))
    else:
        array, _ = read_cells(array, "instant", zone)
    known = flags_of(pc.is_valid(array))
    values = np.frombuffer(array.buffers()[1], dtype=np.int64, count=len(array), offset=array.offset * 8)
    return values, known


def _taken(table: pa.Table, places: Positions) -> pa.Table:
    if len(places) == table.num_rows:
        return table
    numbers = places.astype(np.int64, copy=False).tobytes()
    positions = pa.Array.from_buffers(pa.int64(), len(places), [None, pa.py_buffer(numbers)])
    return table.take(positions)


def _text(micros: int) -> str:
    return format_time(_EPOCH + timedelta(microseconds=micros))


def _micros(instant: datetime) -> int:
    apart = instant - _EPOCH
    return (apart.days * 86_400 + apart.seconds) * 1_000_000 + apart.microseconds
