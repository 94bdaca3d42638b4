"""Arrow columns as numpy arrays, read from their buffers.

`Array.to_numpy()` and `pyarrow.array()` import pandas when it is installed, which costs a second at every
cold start; nothing here does.
"""

import itertools
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import types

from trimtab.errors import BadInput

type Numbers = npt.NDArray[Any]
type Integers = npt.NDArray[np.int64]

# Microseconds in a unit of time; 0 for nanoseconds, of which many make one.
_MICROSECONDS = {
    "s": 1_000_000,
    "ms": 1000,
    "us": 1,
    "ns": 0,
    "date32[day]": 86_400_000_000,
    "date64[ms]": 1000,
}


def chunks_of(data: pa.Table | pa.RecordBatch, name: str) -> list[Any]:
    """Return the chunks of one column; raise BadInput if the column is missing or there are two of it."""
    places = data.schema.get_all_field_indices(name)
    if not places:
        raise BadInput(f"column {name!r} is missing; the data has {', '.join(map(repr, data.schema.names))}")
    if len(places) > 1:
        raise BadInput(f"column {name!r} appears {len(places)} times; give each column a name of its own")
    column = data.column(places[0])
    return cast(list[Any], column.chunks) if isinstance(column, pa.ChunkedArray) else [column]


def numeric_values(name: str, chunks: list[Any]) -> tuple[Numbers, int]:
    """Return the non-null values of a numeric column, as int64, uint64 or float64, and the count of nulls.

    Raises BadInput for a column that is no number.
    """
    read = [_numbers(name, chunk) for chunk in chunks]
    parts = [values for values, _ in read if len(values)]
    nulls = sum(missing for _, missing in read)
    if not parts:
        return np.zeros(0), nulls
    if len(parts) == 1:
        return parts[0], nulls
    if len({part.dtype for part in parts}) > 1:  # cannot happen within one Arrow column
        raise BadInput(f"column {name!r} mixes types between its chunks; write it with one type")
    return np.concatenate(parts), nulls


class CountedChunk(NamedTuple):
    """The distinct values of a chunk as an Arrow array, how often each comes, and the chunk's nulls."""

    values: Any
    counts: Integers
    nulls: int


def count_chunks(name: str, chunks: list[Any]) -> list[CountedChunk]:
    """Count the values of a categorical column, chunk by chunk.

    Raises BadInput for types that have no categories, such as timestamps.
    """
    return [_counted(name, chunk) for chunk in chunks]


def gathered(chunks: list[CountedChunk]) -> tuple[list[Any], list[int], int]:
    """Return the values of several chunks, their counts, and the nulls; a value may come more than once."""
    nulls = sum(chunk.nulls for chunk in chunks)
    filled = [chunk for chunk in chunks if len(chunk.counts)]
    if len(filled) > 1 and all(types.is_string(chunk.values.type) for chunk in filled):
        encoded = pa.concat_arrays([chunk.values for chunk in filled]).dictionary_encode()
        counts = np.zeros(len(encoded.dictionary), dtype=np.int64)
        np.add.at(
            counts,
            _buffer_values(encoded.indices).astype(np.int64),
            np.concatenate([chunk.counts for chunk in filled]),
        )
        return _listed(encoded.dictionary), counts.tolist(), nulls
    values = [value for chunk in filled for value in _listed(chunk.values)]
    return values, [count for chunk in filled for count in chunk.counts.tolist()], nulls


def hours_of_week(name: str, chunks: list[Any]) -> tuple[Integers, tuple[int | None, int | None], int]:
    """Return the hour of the week of each instant, their extremes in microseconds, and the count of nulls.

    Instants without a zone are taken as UTC. Raises BadInput for a column that is neither instant nor date.
    """
    parts: list[Integers] = []
    nulls = 0
    for chunk in chunks:
        if types.is_null(chunk.type):
            nulls += len(chunk)
            continue
        if not (types.is_timestamp(chunk.type) or types.is_date(chunk.type)):
            raise BadInput(f"column {name!r} has type {chunk.type}, which is no instant; list it elsewhere")
        unit = _MICROSECONDS[chunk.type.unit if types.is_timestamp(chunk.type) else str(chunk.type)]
        values = cast(Integers, _valid(chunk, _buffer_values(chunk)).astype(np.int64, copy=False))
        nulls += len(chunk) - len(values)
        parts.append(values // 1000 if unit == 0 else values * unit)
    micros = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
    extremes = (int(micros.min()), int(micros.max())) if len(micros) else (None, None)
    # 1970 began on a Thursday, three days after a Monday.
    return (micros // 3_600_000_000 + 72) % 168, extremes, nulls


def numeric_slots(name: str, array: Any) -> tuple[Numbers, npt.NDArray[np.bool_] | None]:
    """Return one value per row of a numeric array, and which of them are nulls and mean nothing."""
    array = _as_numbers(name, array)
    if types.is_null(array.type):
        return np.zeros(len(array)), None
    values, known = _widened(array, _buffer_values(array)), _validity(array)
    return values, None if known is None else ~known


def _numbers(name: str, array: Any) -> tuple[Numbers, int]:
    array = _as_numbers(name, array)
    if types.is_null(array.type):
        return np.zeros(0), len(array)
    values = _valid(array, _buffer_values(array))
    return _widened(array, values), len(array) - len(values)


def _as_numbers(name: str, array: Any) -> Any:
    kind = array.type
    if types.is_dictionary(kind):
        return _as_numbers(name, array.cast(kind.value_type))
    if types.is_decimal(kind):
        # Arrow's own cast multiplies by a rounded power of ten: by way of text, each is the nearest float.
        return array.cast(pa.string()).cast(pa.float64())
    if not (types.is_integer(kind) or types.is_floating(kind) or types.is_null(kind)):
        raise BadInput(f"column {name!r} has type {kind}, which is no number; {_advice(kind)}")
    return array


def _widened(array: Any, values: Numbers) -> Numbers:
    if types.is_floating(array.type):
        return values.astype(np.float64, copy=False)
    return values.astype(np.uint64 if array.type == pa.uint64() else np.int64, copy=False)


def _advice(kind: Any) -> str:
    if types.is_temporal(kind):
        return "raw time always drifts: derive the hour, the weekday or a lag, and list that"
    if types.is_boolean(kind):
        return "list it under categorical"
    return "list it under categorical, or mend the type where the data is made"


def _counted(name: str, array: Any) -> CountedChunk:
    kind = array.type
    if types.is_null(kind):
        return CountedChunk(array, np.zeros(0, dtype=np.int64), len(array))
    _refuse_without_categories(name, kind.value_type if types.is_dictionary(kind) else kind)
    if not types.is_dictionary(kind):
        if types.is_string_view(kind):
            array = array.cast(pa.large_string())
        array = array.dictionary_encode()
    indices, values = array.indices, array.dictionary
    used = _valid(indices, _buffer_values(indices))
    counts = np.bincount(used, minlength=len(values)).astype(np.int64, copy=False)
    missing = len(array) - len(used)
    if values.null_count:
        known = cast(npt.NDArray[np.bool_], _validity(values))
        missing += int(counts[~known].sum())
        counts = np.where(known, counts, 0)
    if not counts.all():
        held = np.flatnonzero(counts)
        values, counts = values.take(_positions(held)), counts[held]
    return CountedChunk(values, counts, missing)


def _positions(places: Integers) -> Any:
    return pa.Array.from_buffers(pa.int64(), len(places), [None, pa.py_buffer(places.tobytes())])


def _listed(array: Any) -> list[Any]:
    """Return an array as Python values; text ten times as fast as Arrow does, one scalar after the other."""
    wide = types.is_large_string(array.type)
    if array.null_count or not len(array) or not (wide or types.is_string(array.type)):
        return cast(list[Any], array.to_pylist())
    _, offsets, data = array.buffers()
    dtype = np.dtype(np.int64 if wide else np.int32)
    bounds = np.frombuffer(offsets, dtype=dtype, count=len(array) + 1, offset=array.offset * dtype.itemsize)
    first, last = int(bounds[0]), int(bounds[-1])
    raw = data[first:last].to_pybytes() if last > first else b""
    places = (bounds - first).tolist()
    if raw.isascii():
        text = raw.decode("ascii")
        return [text[start:end] for start, end in itertools.pairwise(places)]
    return [raw[start:end].decode() for start, end in itertools.pairwise(places)]


def _refuse_without_categories(name: str, kind: Any) -> None:
    if types.is_temporal(kind):
        raise BadInput(f"column {name!r} has type {kind}; {_advice(kind)}")
    if types.is_nested(kind) or types.is_binary(kind) or types.is_large_binary(kind):
        raise BadInput(f"column {name!r} has type {kind}; a category is text, a boolean or a code")


def _buffer_values(array: Any) -> Numbers:
    """Return the slots of a primitive array, those of its nulls too."""
    data = array.buffers()[1]
    width = array.type.bit_width // 8
    letter = "f" if types.is_floating(array.type) else "u" if types.is_unsigned_integer(array.type) else "i"
    dtype = np.dtype(f"{letter}{width}")
    if data is None or not len(array):
        return np.zeros(0, dtype=dtype)
    return np.frombuffer(data, dtype=dtype, count=len(array), offset=array.offset * width)


def _valid(array: Any, values: Numbers) -> Numbers:
    known = _validity(array)
    return values if known is None else values[known]


def _validity(array: Any) -> npt.NDArray[np.bool_] | None:
    bitmap = array.buffers()[0]
    if bitmap is None or not array.null_count:
        return None
    bits = np.unpackbits(np.frombuffer(bitmap, dtype=np.uint8), bitorder="little")
    return bits[array.offset : array.offset + len(array)].view(np.bool_)
