"""Arrow columns as numpy arrays, read from their buffers.

`Array.to_numpy()` and `pyarrow.array()` import pandas when it is installed, which costs a second at every
cold start; nothing here does.
"""

from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import types

from trimtab.errors import BadInput

type Numbers = npt.NDArray[Any]


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


def category_counts(name: str, chunks: list[Any]) -> tuple[list[tuple[Any, int]], int]:
    """Return (value, count) pairs of a categorical column, a value possibly more than once, and its nulls.

    Raises BadInput for types that have no categories, such as timestamps.
    """
    pairs: list[tuple[Any, int]] = []
    nulls = 0
    for chunk in chunks:
        found = _counted(name, chunk)
        nulls += sum(count for value, count in found if value is None)
        pairs += [pair for pair in found if pair[0] is not None]
    return pairs, nulls


def _numbers(name: str, array: Any) -> tuple[Numbers, int]:
    kind = array.type
    if types.is_null(kind):
        return np.zeros(0), len(array)
    if types.is_dictionary(kind):
        return _numbers(name, array.cast(kind.value_type))
    if types.is_decimal(kind):
        return _numbers(name, array.cast(pa.float64()))
    if not (types.is_integer(kind) or types.is_floating(kind)):
        raise BadInput(f"column {name!r} has type {kind}, which is no number; {_advice(kind)}")
    values = _valid(array, _buffer_values(array))
    nulls = len(array) - len(values)
    if types.is_floating(kind):
        return values.astype(np.float64, copy=False), nulls
    return values.astype(np.uint64 if kind == pa.uint64() else np.int64, copy=False), nulls


def _advice(kind: Any) -> str:
    if types.is_temporal(kind):
        return "raw time always drifts: derive the hour, the weekday or a lag, and list that"
    if types.is_boolean(kind):
        return "list it under categorical"
    return "list it under categorical, or mend the type where the data is made"


def _counted(name: str, array: Any) -> list[tuple[Any, int]]:
    kind = array.type
    if types.is_null(kind):
        return [(None, len(array))]
    _refuse_without_categories(name, kind.value_type if types.is_dictionary(kind) else kind)
    if not types.is_dictionary(kind):
        if types.is_string_view(kind):
            array = array.cast(pa.large_string())
        found = array.value_counts()
        return list(zip(found.field(0).to_pylist(), found.field(1).to_pylist(), strict=True))
    indices = array.indices
    used = _valid(indices, _buffer_values(indices)).astype(np.int64, copy=False)
    counts = np.bincount(used, minlength=len(array.dictionary)).tolist()
    pairs = zip(array.dictionary.to_pylist(), counts, strict=True)
    return [pair for pair in pairs if pair[1]] + [(None, len(array) - len(used))]


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
    bitmap = array.buffers()[0]
    if bitmap is None or not array.null_count:
        return values
    bits = np.unpackbits(np.frombuffer(bitmap, dtype=np.uint8), bitorder="little")
    return values[bits[array.offset : array.offset + len(array)].view(np.bool_)]
