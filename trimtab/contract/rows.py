"""Read a CSV file into rows of text, each with its number in the file; check the file itself on the way."""

import codecs
import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from trimtab.contract.header import compare_header, read_header
from trimtab.contract.refusal import Refusal

MOST_RAGGED_SHARE = 0.001
_CHUNK = 1 << 20
_KINDS = {
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "a gzip archive",
    b"PK\x03\x04": "a zip archive or a workbook",
}
_OTHER_ENCODINGS = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}


@dataclass(frozen=True, slots=True)
class RaggedRow:
    """A row with another number of cells than the header."""

    number: int
    cells: int
    text: str


@dataclass(frozen=True, slots=True)
class TextRows:
    """The rows of a file as text, null where a null token stood.

    `numbers` are the rows' numbers in the file as a spreadsheet counts them: the header is row 1. `total`
    counts ragged rows too, blank ones not.
    """

    table: pa.Table
    numbers: NDArray[np.int64]
    ragged: tuple[RaggedRow, ...]
    warnings: tuple[str, ...]

    @property
    def total(self) -> int:
        """Count the rows of the file."""
        return self.table.num_rows + len(self.ragged)


def read_rows(
    data: bytes,
    *,
    required: Sequence[str],
    optional: Collection[str],
    delimiter: str,
    null_tokens: Collection[str],
    max_bytes: int,
) -> TextRows:
    """Read a CSV file; raise Refusal when the file as such cannot be used.

    `data` may be cut off after `max_bytes` + 1. Columns are never guessed, nor is the delimiter.
    """
    _check_bytes(data, max_bytes)
    header = read_header(data[:_CHUNK], delimiter)
    warnings = compare_header(header, required, optional, delimiter)
    table, ragged = _parse(data, header, delimiter, null_tokens)
    numbers = _numbers(table.num_rows + len(ragged), ragged)
    blank = _blank(table)
    if blank.any():
        table, numbers = table.take(np.flatnonzero(~blank)), numbers[~blank]
    if not table.num_rows and not ragged:
        raise Refusal("NO_ROWS", "the file has a header but no rows; upload it again with its rows")
    kept = [name for name in (*required, *optional) if name in header]
    rows = TextRows(table.select(kept), numbers, ragged, tuple(warnings))
    if len(ragged) > MOST_RAGGED_SHARE * rows.total:
        raise Refusal("RAGGED_ROWS", _too_ragged(rows, len(header)))
    return rows


def _check_bytes(data: bytes, max_bytes: int) -> None:
    if not data or (len(data) < _CHUNK and not data.strip()):
        raise Refusal("EMPTY_FILE", "the file is empty; upload it again with a header and rows")
    if len(data) > max_bytes:
        raise Refusal(
            "TOO_LARGE",
            f"the file has more than {max_bytes:,} bytes; split it into several files, or raise "
            "data.max_bytes in project.toml",
        )
    for magic, kind in _KINDS.items():
        if data.startswith(magic):
            raise Refusal("FORMAT", f"the file is {kind}; upload plain CSV with a header")
    _check_encoding(data)


def _check_encoding(data: bytes) -> None:
    for mark, name in _OTHER_ENCODINGS.items():
        if data.startswith(mark):
            raise Refusal("ENCODING", f"the file is {name} (byte 0); export it as UTF-8")
    if b"\0" in data[:_CHUNK]:
        raise Refusal("ENCODING", f"byte {data.index(0):,} is zero, which no text holds; export it as UTF-8")
    decoder, read = codecs.getincrementaldecoder("utf-8")(), 0
    for start in range(0, len(data), _CHUNK):
        chunk = data[start : start + _CHUNK]
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(chunk, final=start + _CHUNK >= len(data))
        except UnicodeDecodeError as error:
            offset = read - pending + error.start
            raise Refusal(
                "ENCODING",
                f"the file is not UTF-8: byte {offset:,} is {data[offset]:#04x}, in row "
                f"{data.count(b'\n', 0, offset) + 1:,}; export it as UTF-8",
            ) from error
        read += len(chunk)


def _parse(
    data: bytes, header: Sequence[str], delimiter: str, null_tokens: Collection[str]
) -> tuple[pa.Table, tuple[RaggedRow, ...]]:
    ragged: list[RaggedRow] = []
    if b"\n" not in data:  # Arrow reads no header without a line's end
        data += b"\n"

    def set_aside(row: Any) -> Literal["skip"]:
        ragged.append(RaggedRow(row.number, row.actual_columns, row.text))
        return "skip"

    try:
        table = csv.read_csv(
            io.BytesIO(data),
            # One thread, because only then does Arrow tell a ragged row's number.
            read_options=csv.ReadOptions(use_threads=False),
            parse_options=csv.ParseOptions(
                delimiter=delimiter,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=set_aside,
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()),
                null_values=list(null_tokens),
                strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid as error:
        raise Refusal(
            "FORMAT", f"the file is no CSV that can be read: {error}; export it again as RFC 4180 says"
        ) from error
    if table.column_names != list(header):
        raise Refusal("FORMAT", "the header cannot be read without doubt; quote names as RFC 4180 says")
    return table, tuple(ragged)


def _numbers(total: int, ragged: Sequence[RaggedRow]) -> NDArray[np.int64]:
    numbers = np.arange(2, total + 2, dtype=np.int64)
    return np.delete(numbers, [row.number - 2 for row in ragged])


def _blank(table: pa.Table) -> NDArray[np.bool_]:
    """Flag the rows in which nothing stands: Arrow makes them of empty lines."""
    if not table.num_columns or min(column.null_count for column in table.columns) == 0:
        return np.zeros(table.num_rows, dtype=np.bool_)
    nulls = [np.asarray(column.is_null().combine_chunks()) for column in table.columns]
    blank: NDArray[np.bool_] = np.logical_and.reduce(nulls)
    return blank


def _too_ragged(rows: TextRows, cells: int) -> str:
    first = rows.ragged[0]
    return (
        f"{len(rows.ragged):,} of {rows.total:,} rows have another number of cells than the header's {cells}"
        f", the first one row {first.number:,} with {first.cells}; quote cells that hold the delimiter or a "
        "line break"
    )
