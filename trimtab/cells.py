"""Read text cells strictly as typed values: what cannot be read is located, never guessed.

Nothing here imports pandas on the way of good data (`pyarrow.array` would), because monitoring uses it too.
"""

from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from trimtab.zones import Offsets, offsets_of

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
# Exactly what Arrow casts, besides: a cell must not be read or refused by what else is in its chunk.
_SHAPES: dict[CellKind, str] = {
    "number": r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$",
    # A column of integers with nulls is often written as 1.0 by the tools that export it.
    "integer": r"^([+-]?\d+(\.0+)?|0[xX][0-9a-fA-F]+)$",
    "boolean": r"^((?i:true|false)|1|0|1\.0|0\.0)$",
    "instant": r"^\d{4}-\d\d-\d\d[T ]\d\d(:\d\d(:\d\d(\.\d{1,6})?)?)?(Z|[+-]\d\d(:?\d\d)?)$",
}
NAIVE_INSTANT = r"^\d{4}-\d\d-\d\d([T ]\d\d(:\d\d(:\d\d(\.\d+)?)?)?)?$"
_LOCAL: Any = pa.timestamp("us")


def arrow_type(kind: CellKind) -> Any:
    """Return the Arrow type that cells of `kind` are kept in."""
    return _TYPES[kind]


def read_cells(texts: Any, kind: CellKind, zone: str | None = None) -> tuple[Any, Positions]:
    """Read a column of texts as `kind`; return the typed array and the positions that could not be read.

    What could not be read is null in the array. Numbers have a decimal point, no blanks and are finite.
    Instants carry a zone; those that do not, among them those of a column of timestamps, are local times of
    `zone` if it is given, and cannot be read where its clocks showed them twice or never.
    """
    column = flat(texts)
    if kind == "instant" and zone is not None:
        return _read_instants(column, zone)
    if kind == "text":
        return column, np.zeros(0, dtype=np.int64)
    typed = _cast(column, _TYPES[kind])
    if typed is not None and (kind != "number" or _all_finite(typed)):
        return typed, np.zeros(0, dtype=np.int64)
    return _read_what_can_be(column, kind)


def local_times(column: Any) -> Any:
    """Return what of a column of texts or timestamps carries no zone, as clocks showed it; else null."""
    if column.type != pa.string():
        return pc.cast(column, _LOCAL, safe=False)
    naive = flags_of(pc.match_substring_regex(column, NAIVE_INSTANT))
    column = null_where(column, ~naive)
    naive[_uncastable(column, _LOCAL, 0)] = False
    return _cast(null_where(column, ~naive), _LOCAL)


def offsets_from_utc(local: Any, zone: str) -> Offsets:
    """Look up local times; what is said of null means nothing."""
    return offsets_of(np.where(_present(local), _micros(local) // 1_000_000, 0), zone)


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


def _read_instants(column: Any, zone: str) -> tuple[Any, Positions]:
    local = local_times(column)
    is_local = _present(local)
    found = offsets_from_utc(local, zone)
    bad = is_local & (found.twice | found.never)
    micros = _micros(local) - found.seconds * 1_000_000
    valid = is_local & ~bad
    if column.type == pa.string():
        zoned, unreadable = read_cells(null_where(column, is_local), "instant")
        micros = np.where(is_local, micros, _micros(zoned))
        valid |= _present(zoned)
        bad[unreadable] = True
    typed = pa.Array.from_buffers(_TYPES["instant"], len(column), [None, pa.py_buffer(micros.tobytes())])
    return null_where(typed, ~valid), np.flatnonzero(bad)


def _micros(instants: Any) -> NDArray[np.int64]:
    start = instants.offset * 8
    return np.frombuffer(instants.buffers()[1] or b"", dtype=np.int64, count=len(instants), offset=start)


def _read_what_can_be(column: Any, kind: CellKind) -> tuple[Any, Positions]:
    shaped = flags_of(pc.match_substring_regex(column, _SHAPES[kind])) | ~_present(column)
    bad = ~shaped
    column = null_where(column, bad)
    if kind in ("integer", "boolean"):
        column = pc.replace_substring_regex(column, r"\.0+$", "")
    bad[_uncastable(column, _TYPES[kind], 0)] = True
    typed = _cast(null_where(column, bad), _TYPES[kind])
    if typed is None:  # cannot happen: every cell that does not cast alone is null by now
        raise AssertionError(f"cells of kind {kind} cast one by one but not together")
    if kind == "number":
        bad |= _present(typed) & ~flags_of(pc.is_finite(typed))
        typed = null_where(typed, bad)
    return typed, np.flatnonzero(bad)


def _uncastable(column: Any, target: Any, start: int) -> list[int]:
    """Find the cells of a legal shape that are no value, such as a thirteenth month, by halving."""
    if _cast(column, target) is not None:
        return []
    if len(column) == 1:
        return [start]
    middle = len(column) // 2
    left = _uncastable(column.slice(0, middle), target, start)
    return left + _uncastable(column.slice(middle), target, start + middle)


def _cast(column: Any, target: Any) -> Any:
    try:
        return pc.cast(column, target)
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
