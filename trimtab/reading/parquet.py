"""Read Parquet row group by row group; a column of another type than its kind refuses the file."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from pyarrow import parquet, types

from trimtab.cells import CellKind, arrow_type, flags_of, flat, null_where
from trimtab.project.settings import Data
from trimtab.reading.archives import too_large
from trimtab.reading.header import compare_header
from trimtab.reading.refusal import Refusal, shown
from trimtab.reading.rows import Place, Rows, Wanted
from trimtab.reading.sources import Seekable, Source

pc: Any = pyarrow.compute

_BATCH_ROWS = 16_384
_BATCH_BYTES = 2**28
_BUFFER_BYTES = 2**20
_EXACT = 2.0**53


class ParquetFile:
    """One file whose row groups are read in turn."""

    is_splittable = True

    def __init__(self, source: Source, wanted: Wanted, data: Data) -> None:
        """Read the footer; raise Refusal when the columns do not fit what is wanted."""
        if source.size > data.max_bytes:
            raise too_large(data.max_bytes)
        try:
            file = io.BufferedReader(Seekable(source), _BUFFER_BYTES)
            names = parquet.read_schema(file).names if source.size else []
            file.seek(0)
            self._file = parquet.ParquetFile(file, buffer_size=_BUFFER_BYTES, pre_buffer=False)
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(error) from error
        self._wanted, self._data = wanted, data
        metadata = self._file.metadata
        if len(names) > data.max_columns:
            raise Refusal(
                "TOO_WIDE", f"the file has {len(names):,} columns, at most {data.max_columns:,} are read"
            )
        if (
            sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
            > data.max_bytes
        ):
            raise too_large(data.max_bytes, "the decompressed file")
        optional = [name for name in wanted.kinds if name not in wanted.required]
        self.extra = tuple(compare_header(names, wanted.required, optional, ""))
        self._kept = [name for name in wanted.kinds if name in names]
        schema = self._file.schema_arrow
        for name in self._kept:
            _refuse_other_type(name, schema.field(name).type, wanted.kinds[name], data.timezone)

    def places(self) -> Iterator[Place]:
        """Yield where the parts lie: row groups belong to the part in which their first byte lies."""
        row, last = 1, -1
        metadata = self._file.metadata
        for group in range(metadata.num_row_groups):
            found = metadata.row_group(group)
            part = _first_byte(found) // self._data.part_bytes
            if found.num_rows:
                if part != last:
                    yield Place(part, group, None, row)
                last = part
            row += found.num_rows

    def rows(self, place: Place | None = None) -> Iterator[Rows]:
        """Yield the rows of one part, or of all."""
        metadata, row = self._file.metadata, 1
        for group in range(metadata.num_row_groups):
            found = metadata.row_group(group)
            part = _first_byte(found) // self._data.part_bytes
            if place is None or place.part == part:
                yield from self._group(Place(part, group, None, row), row)
            row += found.num_rows

    def close(self) -> None:
        """Give the file back."""
        self._file.close(force=True)

    def _group(self, place: Place, row: int) -> Iterator[Rows]:
        batches = self._file.iter_batches(
            _BATCH_ROWS, row_groups=[place.start], columns=self._kept, use_threads=False
        )
        try:
            for batch in batches:
                if batch.nbytes > _BATCH_BYTES:
                    raise Refusal(
                        "TOO_LONG",
                        f"rows from {row:,} on have {batch.nbytes // batch.num_rows:,} bytes each; leave "
                        "such cells out",
                    )
                yield self._typed(pa.Table.from_batches([batch]), place, row)
                row += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(error) from error

    def _typed(self, table: pa.Table, place: Place, row: int) -> Rows:
        columns: dict[str, Any] = {}
        misfits: dict[str, Any] = {}
        for name in self._kept:
            columns[name], odd = _column(flat(table[name]), self._wanted.kinds[name])
            if len(odd):
                misfits[name] = odd
        after = row + table.num_rows
        numbers = np.arange(row, after, dtype=np.int64)
        return Rows(place=place, table=pa.table(columns), numbers=numbers, after=after, misfits=misfits)


def _first_byte(group: Any) -> int:
    column = group.column(0)
    start = column.dictionary_page_offset if column.has_dictionary_page else column.data_page_offset
    return int(start)


def _column(values: Any, kind: CellKind) -> tuple[Any, Any]:
    """Return the values in the type of their kind, and the places of those that have no such value."""
    if types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    none = np.zeros(0, dtype=np.int64)
    if kind == "integer" and types.is_floating(values.type):
        near = pc.cast(values, pa.float64())
        whole = pc.and_(pc.equal(near, pc.floor(near)), pc.less(pc.abs(near), _EXACT))
        odd = flags_of(values.is_valid()) & ~flags_of(whole)
        return pc.cast(null_where(near, odd), pa.int64()), np.flatnonzero(odd)
    if kind == "instant" and _is_local(values.type):
        return (values if types.is_timestamp(values.type) else pc.cast(values, pa.string())), none
    typed = pc.cast(values, arrow_type(kind), safe=False)
    if kind != "number":
        return typed, none
    odd = flags_of(typed.is_valid()) & ~flags_of(pc.is_finite(typed))
    return (null_where(typed, odd), np.flatnonzero(odd)) if odd.any() else (typed, none)


def _is_text(plain: Any) -> bool:
    return types.is_string(plain) or types.is_large_string(plain) or types.is_string_view(plain)


def _is_local(plain: Any) -> bool:
    """Tell whether instants of a type are read cell by cell, because they may be local times of a zone."""
    return _is_text(plain) or (types.is_timestamp(plain) and plain.tz is None)


def _refuse_other_type(name: str, found: Any, kind: CellKind, zone: str | None) -> None:
    plain = found.value_type if types.is_dictionary(found) else found
    if kind == "instant" and types.is_timestamp(plain) and plain.tz is None and zone is None:
        raise Refusal(
            "NAIVE_TIMESTAMP",
            f"column {shown(name)} holds timestamps without a zone ({found}); write it as a timestamp in "
            "UTC, or name the zone of its clocks as data.timezone in project.toml",
        )
    fits = {
        "text": _is_text(plain),
        "number": types.is_integer(plain) or types.is_floating(plain) or types.is_decimal(plain),
        "integer": (types.is_integer(plain) and plain != pa.uint64()) or types.is_floating(plain),
        "boolean": types.is_boolean(plain),
        "instant": types.is_timestamp(plain) or _is_text(plain),
    }[kind] or types.is_null(plain)
    if not fits:
        raise Refusal(
            "TYPE_MISMATCH",
            f"column {shown(name)} is of type {found}, the contract's kind is {kind}; write it so, or "
            "correct its "
            "type in contract.py",
        )


def _unreadable(error: Exception) -> Refusal:
    first = (str(error).splitlines() or [""])[0]
    return Refusal("FORMAT", f"the file is no Parquet that can be read: {first}; write and upload it again")
