"""Read JSON Lines chunk by chunk: one object a line, its values of the kind that their column has."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from trimtab.cells import CellKind
from trimtab.project.settings import Data
from trimtab.reading.encoding import utf8
from trimtab.reading.records import Chunk, refuse_long_lines
from trimtab.reading.refusal import Refusal
from trimtab.reading.rows import BrokenRow, Place, Rows, Wanted

_MOST_EXTRA = 1_000


class _Number(str):
    """A JSON number as it stood: reading it is the contract's business."""

    __slots__ = ()


_FITTING: dict[CellKind, tuple[type, ...]] = {
    "text": (str,),
    "instant": (str,),
    "number": (_Number,),
    "integer": (_Number,),
    "boolean": (bool,),
}


class JsonLinesReader:
    """Reads the chunks of one file."""

    quoted = False
    first_row = 1

    def __init__(self, head: bytes, wanted: Wanted, data: Data) -> None:
        """Read from the first byte on, behind a byte order mark."""
        self.first_byte = 3 if head.startswith(b"\xef\xbb\xbf") else 0
        self.extra: tuple[str, ...] = ()
        self._wanted, self._data = wanted, data

    def rows(self, chunk: Chunk, first_row: int) -> Rows:
        """Read the lines of a chunk; a line that is no JSON object is a broken row."""
        refuse_long_lines(chunk, self._data.max_record_bytes)
        lines = utf8(chunk.data, self._data.encoding, chunk.start, first_row).split(b"\n")
        if not lines[-1]:
            lines.pop()
        found: list[dict[str, Any]] = []
        numbers: list[int] = []
        broken: list[BrokenRow] = []
        extra: set[str] = set()
        for number, line in enumerate(lines, first_row):
            if not line.strip():
                continue
            try:
                record = self._record(line, number)
            except _NoObject as error:
                broken.append(BrokenRow(number, line.decode(), str(error), f"which {error}"))
                continue
            if len(record) > len(self._wanted.kinds) or not record.keys() <= self._wanted.kinds.keys():
                extra.update(record.keys() - self._wanted.kinds.keys())
            found.append(record)
            numbers.append(number)
        columns, misfits = _columns(found, self._wanted.kinds)
        return Rows(
            place=Place(chunk.part, chunk.start, None, first_row),
            table=pa.table(columns),
            numbers=np.array(numbers, dtype=np.int64),
            after=first_row + len(lines),
            broken=tuple(broken),
            broken_as="are no JSON objects",
            misfits=misfits,
            extra=tuple(sorted(extra)[:_MOST_EXTRA]),
        )

    def _record(self, line: bytes, number: int) -> dict[str, Any]:
        if line.count(b"[") + line.count(b"{") > self._data.max_depth:
            _refuse_depth(line, number, self._data.max_depth)
        try:
            record = json.loads(
                line, parse_float=_Number, parse_int=_Number, parse_constant=_no_constant,
                object_pairs_hook=_without_repeats,
            )  # fmt: skip
        except ValueError as error:
            raise _NoObject(f"is no JSON: {str(error).splitlines()[0]}") from error
        if not isinstance(record, dict):
            raise _NoObject("is JSON, but no object")
        if len(record) > self._data.max_columns:
            raise Refusal(
                "TOO_WIDE",
                f"row {number:,} has {len(record):,} keys, at most {self._data.max_columns:,} are read; "
                "leave out "
                "what the contract does not name, or raise data.max_columns in project.toml",
            )
        return record


class _NoObject(Exception):
    """A line that holds something else than one JSON object."""


def _no_constant(name: str) -> None:
    raise _NoObject(f"is no JSON: {name} is no number there; write null")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        raise _NoObject("names a key twice")
    return record


def _refuse_depth(line: bytes, number: int, most: int) -> None:
    """Refuse nesting beyond the bound; brackets inside texts do not count."""
    depth, in_text, escaped = 0, False, False
    for letter in line:
        if escaped:
            escaped = False
        elif in_text:
            escaped, in_text = letter == 92, letter != 34
        elif letter == 34:
            in_text = True
        elif letter in b"[{":
            depth += 1
            if depth > most:
                raise Refusal(
                    "TOO_DEEP",
                    f"row {number:,} nests deeper than {most} levels; write flat objects, or raise "
                    "data.max_depth in project.toml",
                )
        elif letter in b"]}":
            depth -= 1


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, _Number) else json.dumps(value, ensure_ascii=False, default=str)


def _columns(
    records: list[dict[str, Any]], kinds: Mapping[str, CellKind]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the columns as text, and the places of the cells that are of another kind."""
    columns: dict[str, Any] = {}
    misfits: dict[str, Any] = {}
    for name, kind in kinds.items():
        values = [record.get(name) for record in records]
        # Exact types, because a number is kept as a kind of text.
        odd = [
            place for place, value in enumerate(values)
            if value is not None and type(value) not in _FITTING[kind]
        ]  # fmt: skip
        for place in odd:
            values[place] = _shown(values[place])
        if kind == "boolean":
            values = [str(value).lower() if isinstance(value, bool) else value for value in values]
        columns[name] = pa.array(values, pa.string())
        if odd:
            misfits[name] = np.array(odd, dtype=np.int64)
    return columns, misfits
