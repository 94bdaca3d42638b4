"""Read CSV chunk by chunk into rows of text; nothing is guessed, neither delimiter nor types."""

import io
from collections.abc import Collection, Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from trimtab.project.settings import Data
from trimtab.reading.encoding import utf8
from trimtab.reading.header import compare_header, read_header
from trimtab.reading.records import Chunk, record_end, refuse_unclear
from trimtab.reading.refusal import Refusal
from trimtab.reading.rows import BrokenRow, Place, Rows, Wanted

MARK = b"\xef\xbb\xbf"


class CsvReader:
    """Reads the chunks of one file whose header it knows."""

    quoted = True

    def __init__(self, head: bytes, wanted: Wanted, data: Data) -> None:
        """Read the header off the file's first bytes; raise Refusal when it does not fit what is wanted."""
        self.first_byte = record_end(head, 0, quoted=True) or len(head)
        if self.first_byte > data.max_record_bytes:
            raise Refusal(
                "TOO_LONG",
                f"the first row is longer than {data.max_record_bytes:,} bytes, which no header is; "
                "upload CSV "
                "with the columns' names on top",
            )
        record = Chunk(0, 0, head[: self.first_byte].removeprefix(MARK))
        refuse_unclear(record, delimiter=data.delimiter, row=1, longest=data.max_record_bytes)
        text = utf8(head[: self.first_byte], data.encoding, 0, 1)
        self._header = read_header(text, data.delimiter)
        if len(self._header) > data.max_columns:
            raise Refusal(
                "TOO_WIDE",
                f"the header has {len(self._header):,} columns, at most {data.max_columns:,} are read; "
                "check the "
                "delimiter, leave out what the contract does not name, or raise data.max_columns in "
                "project.toml",
            )
        optional = [name for name in wanted.kinds if name not in wanted.required]
        self.extra = tuple(compare_header(self._header, wanted.required, optional, data.delimiter))
        self._kept = [name for name in wanted.kinds if name in self._header]
        self._data = data
        self.first_row = 2

    def rows(self, chunk: Chunk, first_row: int) -> Rows:
        """Read the records of a chunk; raise Refusal for what is no CSV."""
        data = self._data
        refuse_unclear(chunk, delimiter=data.delimiter, row=first_row, longest=data.max_record_bytes)
        text = utf8(chunk.data, data.encoding, chunk.start, first_row)
        table, broken = _parse(text, self._header, data.delimiter, data.null_tokens, first_row)
        after = first_row + table.num_rows + len(broken)
        numbers = np.arange(first_row, after, dtype=np.int64)
        if broken:
            numbers = np.delete(numbers, [row.number - first_row for row in broken])
        blank = _blank(table)
        if blank.any():
            table, numbers = table.take(np.flatnonzero(~blank)), numbers[~blank]
        return Rows(
            place=Place(chunk.part, chunk.start, None, first_row),
            table=table.select(self._kept),
            numbers=numbers,
            after=after,
            broken=broken,
            broken_as=f"have another number of cells than the header's {len(self._header)}",
        )


def _parse(
    text: bytes, header: Sequence[str], delimiter: str, null_tokens: Collection[str], first_row: int
) -> tuple[pa.Table, tuple[BrokenRow, ...]]:
    broken: list[BrokenRow] = []

    def set_aside(row: Any) -> Literal["skip"]:
        what = f"has {row.actual_columns} cells, the header {row.expected_columns}"
        broken.append(BrokenRow(first_row - 1 + row.number, row.text, what, f"with {row.actual_columns}"))
        return "skip"

    try:
        table = csv.read_csv(
            io.BytesIO(text),
            # One thread, because only then does Arrow tell a ragged row's number; one block, hence one chunk.
            read_options=csv.ReadOptions(
                use_threads=False, column_names=list(header), block_size=len(text) + 1
            ),
            parse_options=csv.ParseOptions(
                delimiter=delimiter,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=set_aside,
            ),
            # Text first, types later: it is as fast as reading types at once, and keeps what stood there.
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()),
                null_values=list(null_tokens),
                strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid as error:
        raise Refusal(
            "FORMAT",
            f"rows from {first_row:,} on are no CSV that can be read: {error}; export the file again as "
            "RFC 4180 "
            "says",
        ) from error
    return table, tuple(broken)


def _blank(table: pa.Table) -> NDArray[np.bool_]:
    """Flag the rows in which nothing stands: Arrow makes them of empty lines."""
    if not table.num_columns or min(column.null_count for column in table.columns) == 0:
        return np.zeros(table.num_rows, dtype=np.bool_)
    nulls = [np.asarray(column.is_null().combine_chunks()) for column in table.columns]
    blank: NDArray[np.bool_] = np.logical_and.reduce(nulls)
    return blank
