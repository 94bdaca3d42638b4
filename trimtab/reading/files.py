"""Open an uploaded file, of whatever format, as rows that come part by part."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from trimtab.project.settings import Data
from trimtab.reading.archives import plain, too_large
from trimtab.reading.csv import CsvReader
from trimtab.reading.header import ignored_columns
from trimtab.reading.jsonl import JsonLinesReader
from trimtab.reading.records import chunks
from trimtab.reading.refusal import Refusal
from trimtab.reading.rows import Place, Rows, Wanted
from trimtab.reading.sources import Rejoined, Source, Stream, read_fully

_BLOCK = 2**16


class File(Protocol):
    """An open file, whose rows come part by part."""

    extra: tuple[str, ...]

    @property
    def is_splittable(self) -> bool:
        """Tell whether parts can be read without what comes before them."""
        ...

    def rows(self, place: Place | None = None) -> Iterator[Rows]:
        """Yield the rows of one part, or of all."""
        ...

    def close(self) -> None:
        """Give the file back."""
        ...


class TextFile:
    """A file of records that end in line breaks."""

    def __init__(self, source: Source, wanted: Wanted, data: Data) -> None:
        """Look at the first record; raise Refusal when the file as such cannot be used."""
        self._source, self._data = source, data
        stream, self._compression = plain(source.open(), data)
        if self._compression is None and source.size > data.max_bytes:
            stream.close()
            raise too_large(data.max_bytes)
        head = self._head(stream)
        reader = CsvReader if data.format == "csv" else JsonLinesReader
        self._reader: CsvReader | JsonLinesReader = reader(head, wanted, data)
        self.extra = self._reader.extra
        self._fresh: Stream | None = Rejoined(head[self._reader.first_byte :], stream)

    @property
    def is_splittable(self) -> bool:
        """Tell whether parts can be read without what comes before them."""
        return self._compression is None

    @property
    def first_byte(self) -> int:
        """Return where the first row starts, behind a header."""
        return self._reader.first_byte

    @property
    def first_row(self) -> int:
        """Return the first row's number."""
        return self._reader.first_row

    @property
    def quoted(self) -> bool:
        """Tell whether a line break in quotes ends no record."""
        return self._reader.quoted

    def rows(self, place: Place | None = None) -> Iterator[Rows]:
        """Yield the rows of one part, or of all."""
        if place is None:
            yield from self._read(self._from_first(), self._reader.first_byte, self._reader.first_row)
        elif self.is_splittable:
            stream = self._source.open(place.start, place.stop)
            yield from self._read(stream, place.start, place.first_row)
        else:
            yield from self._read(self._from_first(), self._reader.first_byte, place.first_row, place.part)

    def close(self) -> None:
        """Give the file back."""
        if self._fresh is not None:
            self._fresh.close()
            self._fresh = None

    def _read(self, stream: Stream, start: int, row: int, only: int | None = None) -> Iterator[Rows]:
        found = chunks(
            stream,
            start,
            quoted=self.quoted,
            part_bytes=self._data.part_bytes,
            longest=self._data.max_record_bytes,
        )
        try:
            for chunk in found:
                if only is not None and chunk.part != only:
                    if chunk.part > only:
                        return
                    continue
                rows = self._reader.rows(chunk, row)
                row = rows.after
                yield rows
        finally:
            stream.close()

    def _from_first(self) -> Stream:
        if self._fresh is not None:
            stream, self._fresh = self._fresh, None
            return stream
        stream, _ = plain(self._source.open(), self._data)
        read_fully(stream, self._reader.first_byte)
        return stream

    def _head(self, stream: Stream) -> bytes:
        """Read the first record, or more."""
        head = b""
        while b"\n" not in head or (head.count(b'"') % 2 and len(head) <= self._data.max_record_bytes):
            block = read_fully(stream, _BLOCK)
            head += block
            if len(block) < _BLOCK or len(head) > self._data.max_record_bytes:
                break
        if not head.strip():
            raise Refusal("EMPTY_FILE", "the file is empty; upload it again with a header and rows")
        if b"\0" in head:
            raise Refusal(
                "ENCODING", f"byte {head.index(0):,} is zero, which no text holds; export it as UTF-8"
            )
        return head


def read_whole(source: Source, wanted: Wanted, data: Data) -> tuple[Rows, tuple[str, ...]]:
    """Read a whole file into memory, which `data.max_bytes` bounds; return its rows and warnings."""
    file = open_file(source, wanted, data)
    try:
        found = list(file.rows())
    finally:
        file.close()
    if not found:
        raise Refusal("NO_ROWS", "the file has a header but no rows; upload it again with its rows")
    lengths = np.cumsum([0, *(rows.table.num_rows for rows in found)])
    misfits: dict[str, list[Any]] = {}
    for rows, before in zip(found, lengths, strict=False):
        for name, places in rows.misfits.items():
            misfits.setdefault(name, []).append(places + before)
    whole = Rows(
        place=found[0].place,
        table=pa.concat_tables([rows.table for rows in found]).combine_chunks(),
        numbers=np.concatenate([rows.numbers for rows in found]),
        after=found[-1].after,
        broken=tuple(row for rows in found for row in rows.broken),
        broken_as=found[0].broken_as,
        misfits={name: np.concatenate(places) for name, places in misfits.items()},
    )
    extra = [*file.extra, *sorted({name for rows in found for name in rows.extra})]
    return whole, ignored_columns(extra)


def open_file(source: Source, wanted: Wanted, data: Data) -> File:
    """Open a file as the project declares its files; raise Refusal when it is none of them."""
    if source.size == 0:
        raise Refusal("EMPTY_FILE", "the file is empty; upload it again with a header and rows")
    if data.format == "parquet":
        from trimtab.reading.parquet import ParquetFile

        return ParquetFile(source, wanted, data)
    return TextFile(source, wanted, data)
