"""Exact uniqueness over a whole file: keys are spilled by part and hash, and compared by value."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from trimtab.cells import flags_of, flat
from trimtab.contract.contract import Unique

pc: Any = pyarrow.compute

ROW = "(number)"
PARTITIONS = 32
# Fewer bytes of keys than these are compared at once: partitions save memory, not time.
_FEW_BYTES = 2**24
_MIXED = 16
_PRIME = np.uint64(0x9E3779B97F4A7C15)
_EXACT_TYPES = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}

type RowNumbers = NDArray[np.int64]


def keys_of(table: pa.Table, numbers: RowNumbers, unique: Unique) -> pa.Table:
    """Return the values that must be unique, with the numbers of their rows."""
    columns = {name: _plain(flat(table[name])) for name in unique.columns}
    rows = pa.Array.from_buffers(
        pa.int64(), len(numbers), [None, pa.py_buffer(np.ascontiguousarray(numbers))]
    )
    return pa.table({**columns, ROW: rows})


def _plain(values: Any) -> Any:
    """Return the values with one zero: -0.0 equals 0.0, yet has other bytes."""
    return pc.add(values, 0.0) if values.type == pa.float64() else values


def write_keys(chunks: Sequence[pa.Table], path: Path) -> None:
    """Write one part's keys, one batch for each partition: a value lies in the same one in every part."""
    # Chunk by chunk, because pandas takes several times the memory.
    places = np.concatenate([_partitions(chunk) for chunk in chunks])
    keys = pa.concat_tables(chunks).combine_chunks()
    order = np.argsort(places, kind="stable")
    bounds = np.searchsorted(places[order], np.arange(PARTITIONS + 1))
    sorted_keys = keys.take(order).combine_chunks()
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, keys.schema) as writer:
        for first, last in pairwise(bounds):
            batches = sorted_keys.slice(first, last - first).to_batches()
            writer.write_batch(batches[0] if batches else pa.RecordBatch.from_pylist([], keys.schema))


def duplicates(paths: Sequence[Path], unique: Unique) -> RowNumbers:
    """Return the numbers of the rows at fault, in order; `paths` are the parts' keys in order."""
    files = [pa.OSFile(str(path), "rb") for path in paths]
    try:
        readers = [pa.ipc.open_file(file) for file in files]
        at_once = PARTITIONS if sum(path.stat().st_size for path in paths) <= _FEW_BYTES else 1
        found = [_repeated(keys, unique) for keys in _groups(readers, at_once)]
    finally:
        for file in files:
            file.close()
    return np.sort(np.concatenate(found)) if found else np.zeros(0, dtype=np.int64)


def repeated_rows(table: pa.Table, numbers: RowNumbers, unique: Unique) -> RowNumbers:
    """Return the numbers of the rows at fault in a table that is whole."""
    return _repeated(keys_of(table, numbers, unique), unique)


def _groups(readers: Sequence[Any], at_once: int) -> Iterator[pa.Table]:
    for first in range(0, PARTITIONS, at_once):
        places = range(first, first + at_once)
        batches = [reader.get_batch(place) for place in places for reader in readers]
        if filled := [batch for batch in batches if batch.num_rows]:
            yield pa.Table.from_batches(filled)


def _repeated(keys: pa.Table, unique: Unique) -> RowNumbers:
    keys = _suspects(keys)
    if keys.group_by(list(unique.columns), use_threads=False).aggregate([]).num_rows == keys.num_rows:
        return np.zeros(0, dtype=np.int64)
    frame = keys.to_pandas(types_mapper=_EXACT_TYPES.get).sort_values(ROW, kind="stable")
    columns = list(unique.columns)
    # Null counts as a value, as pandera has it.
    at_fault = frame.duplicated(columns, keep=unique.keep)
    rows: RowNumbers = frame.loc[at_fault, ROW].to_numpy(dtype=np.int64)
    return rows


def _suspects(keys: pa.Table) -> pa.Table:
    """Return the few rows that share a hash, so that no more than those are compared by value."""
    if not keys.num_rows:
        return keys
    hashes = np.concatenate([_row_hashes(pa.Table.from_batches([batch])) for batch in keys.to_batches()])
    in_order = np.sort(hashes)
    shared = in_order[1:][in_order[1:] == in_order[:-1]]
    return keys.take(np.flatnonzero(np.isin(hashes, shared)))


def _partitions(keys: pa.Table) -> NDArray[np.int64]:
    return ((_row_hashes(keys) >> np.uint64(32)) % PARTITIONS).astype(np.int64)


def _row_hashes(keys: pa.Table) -> NDArray[np.uint64]:
    """Hash the values; unequal ones may have equal hashes, which costs memory and nothing else."""
    hashes = np.zeros(keys.num_rows, dtype=np.uint64)
    for name in keys.column_names[:-1]:
        hashes = (hashes ^ _hashes(flat(keys[name]))) * _PRIME
    return hashes


def _hashes(values: Any) -> NDArray[np.uint64]:
    missing = flags_of(values.is_null())
    if values.type == pa.string():
        hashes = _text_hashes(values)
    elif values.type == pa.bool_():
        hashes = flags_of(values).astype(np.uint64)
    else:
        hashes = np.frombuffer(values.buffers()[1], np.uint64, len(values), values.offset * 8) * _PRIME
    return np.where(missing, np.uint64(0), hashes)


def _text_hashes(values: Any) -> NDArray[np.uint64]:
    """Mix the length with the first and the last bytes of each text."""
    _, offsets, data = values.buffers()
    bounds = np.frombuffer(offsets, np.int32, len(values) + 1, values.offset * 4).astype(np.int64)
    letters = np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(1, np.uint8)
    first, last = bounds[:-1], bounds[1:]
    hashes = (last - first).astype(np.uint64)
    for step in range(min(_MIXED, int((last - first).max(initial=0)))):
        inside = step < last - first
        for place in (first + step, last - 1 - step):
            letter = letters[np.where(inside, place, 0)].astype(np.uint64)
            hashes = np.where(inside, (hashes ^ letter) * _PRIME, hashes)
    return hashes
