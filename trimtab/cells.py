"""Read text cells strictly as typed values: what cannot be read is located, never guessed.

Nothing here imports pandas on the way of good data (`pyarrow.array` would), because monitoring uses it too.
"""

from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

# The stubs of pyarrow's functions know neither chunked arrays nor plain Python values as arguments.
pc: Any = pyarrow.compute

type CellKind = Literal["text", "number", "integer", "boolean", "instant"]
type Flags = NDArray[np.bool_]
type Positions = NDArray[np.int64]

_TYPES: dict[CellKind, Any] = {
    "text": pa.string(),
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "instant": pa.timestamp("us", tz="UTC"),
}
_SHAPES: dict[CellKind, str] = {
    "number": r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$",
    # A column of integers with nulls is often written as 1.0 by the tools that export it.
    "integer": r"^[+-]?\d+(\.0+)?$",
    "boolean": r"^(true|false|True|False|TRUE|FALSE|1|0|1\.0|0\.0)$",
    "instant": r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d(:?\d\d)?)$",
}
NAIVE_INSTANT = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?$"


def arrow_type(kind: CellKind) -> Any:
    """Return the Arrow type that cells of `kind` are kept in."""
    return _TYPES[kind]


def read_cells(texts: Any, kind: CellKind) -> tuple[Any, Positions]:
    """Read a column of texts as `kind`; return the typed array and the positions that could not be read.

    What could not be read is null in the array. Numbers have a decimal point, no blanks and are finite;
    instants carry a zone.
    """
    column = flat(texts)
    if kind == "text":
        return column, np.zeros(0, dtype=np.int64)
    typed = _cast(column, kind)
    if typed is not None and (kind != "number" or _all_finite(typed)):
        return typed, np.zeros(0, dtype=np.int64)
    return _read_what_can_be(column, kind)


def flat(column: Any) -> Any:
    """Return a column as one array."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def flags_of(array: Any) -> Flags:
    """Return a boolean array as numpy flags; null is False."""
    return _bits(array.buffers()[1], array) & _present(array)


def null_where(array: Any, flags: Flags) -> Any:
    """Return the array with null wherever a flag is set."""
    kept = np.packbits(_present(array) & ~flags, bitorder="little").tobytes()
    buffers = [pa.py_buffer(kept), *_from_start(array).buffers()[1:]]
    return pa.Array.from_buffers(array.type, len(array), buffers)


def _read_what_can_be(column: Any, kind: CellKind) -> tuple[Any, Positions]:
    shaped = flags_of(pc.match_substring_regex(column, _SHAPES[kind])) | ~_present(column)
    bad = ~shaped
    column = null_where(column, bad)
    if kind in ("integer", "boolean"):
        column = pc.replace_substring_regex(column, r"\.0+$", "")
    bad[_uncastable(column, kind, 0)] = True
    typed = _cast(null_where(column, bad), kind)
    if typed is None:  # cannot happen: every cell that does not cast alone is null by now
        raise AssertionError(f"cells of kind {kind} cast one by one but not together")
    if kind == "number":
        bad |= _present(typed) & ~flags_of(pc.is_finite(typed))
        typed = null_where(typed, bad)
    return typed, np.flatnonzero(bad)


def _uncastable(column: Any, kind: CellKind, start: int) -> list[int]:
    """Find the cells of a legal shape that are no value, such as a thirteenth month, by halving."""
    if _cast(column, kind) is not None:
        return []
    if len(column) == 1:
        return [start]
    middle = len(column) // 2
    left = _uncastable(column.slice(0, middle), kind, start)
    return left + _uncastable(column.slice(middle), kind, start + middle)


def _cast(column: Any, kind: CellKind) -> Any:
    try:
        return pc.cast(column, _TYPES[kind])
    except pa.ArrowInvalid:
        return None


def _all_finite(column: Any) -> bool:
    return bool(np.all(flags_of(pc.is_finite(column)) | ~_present(column)))


def _present(array: Any) -> Flags:
    bitmap = array.buffers()[0]
    return np.ones(len(array), dtype=np.bool_) if bitmap is None else _bits(bitmap, array)


def _bits(buffer: Any, array: Any) -> Flags:
    if not len(array):
        return np.zeros(0, dtype=np.bool_)
    bits = np.unpackbits(np.frombuffer(buffer, dtype=np.uint8), bitorder="little")
    return bits[array.offset : array.offset + len(array)].astype(np.bool_)


def _from_start(array: Any) -> Any:
    """Return the array with offset zero, which its buffers alone then describe."""
    return array if array.offset == 0 else pa.concat_arrays([array, array.slice(0, 0)])
