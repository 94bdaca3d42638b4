"""Exact uniqueness over a whole file: keys by part, spilled by hash, compared by value partition by partition."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from trimtab.contract.contract import Unique

ROW = "(number)"
PARTITIONS = 32
# Fewer keys than these are compared at once: partitions save memory, not time.
_FEW_KEYS = 500_000
_EXACT_TYPES = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}

type RowNumbers = NDArray[np.int64]


def keys_of(table: pa.Table, numbers: RowNumbers, unique: Unique) -> pa.Table:
    """Return the values that must be unique, with the numbers of their rows."""
    return table.select(list(unique.columns)).append_column(ROW, pa.Array.from_buffers(
        pa.int64(), len(numbers), [None, pa.py_buffer(np.ascontiguousarray(numbers))]
    ))  # fmt: skip


def write_keys(chunks: Sequence[pa.Table], path: Path) -> None:
    """Write one part's keys, one batch for each hash partition: a value lies in the same one in every part."""
    keys = pa.concat_tables(chunks).combine_chunks()
    places = _partitions(keys)
    order = np.argsort(places, kind="stable")
    bounds = np.searchsorted(places[order], np.arange(PARTITIONS + 1))
    sorted_keys = keys.take(order).combine_chunks()
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, keys.schema) as writer:
        for first, last in zip(bounds[:-1], bounds[1:], strict=True):
            batches = sorted_keys.slice(first, last - first).to_batches()
            writer.write_batch(batches[0] if batches else pa.RecordBatch.from_pylist([], keys.schema))


def duplicates(paths: Sequence[Path], unique: Unique) -> RowNumbers:
    """Return the numbers of the rows at fault, in order; `paths` are the parts' keys in order."""
    files = [pa.memory_map(str(path)) for path in paths]
    try:
        readers = [pa.ipc.open_file(file) for file in files]
        found = [_repeated(keys, unique) for keys in _groups(readers)]
    finally:
        for file in files:
            file.close()
    return np.sort(np.concatenate(found)) if found else np.zeros(0, dtype=np.int64)


def repeated_rows(table: pa.Table, numbers: RowNumbers, unique: Unique) -> RowNumbers:
    """Return the numbers of the rows at fault in a table that is whole."""
    return _repeated(keys_of(table, numbers, unique), unique)


def _groups(readers: Sequence[Any]) -> Iterator[pa.Table]:
    batches = [[reader.get_batch(place) for reader in readers] for place in range(PARTITIONS)]
    if sum(batch.num_rows for group in batches for batch in group) <= _FEW_KEYS:
        batches = [[batch for group in batches for batch in group]]
    for group in batches:
        if table := [batch for batch in group if batch.num_rows]:
            yield pa.Table.from_batches(table)


def _repeated(keys: pa.Table, unique: Unique) -> RowNumbers:
    frame = keys.to_pandas(types_mapper=_EXACT_TYPES.get).sort_values(ROW, kind="stable")
    columns = list(unique.columns)
    # Null counts as a value, as pandera has it.
    at_fault = frame.duplicated(columns, keep=unique.keep)
    rows: RowNumbers = frame.loc[at_fault, ROW].to_numpy(dtype=np.int64)
    return rows


def _partitions(keys: pa.Table) -> NDArray[np.int64]:
    frame = keys.drop_columns(ROW).to_pandas(types_mapper=_EXACT_TYPES.get)
    for name, column in frame.items():
        if column.dtype.kind == "f":
            frame[name] = column + 0.0  # -0.0 equals 0.0 and so has to have its hash
    hashes = pd.util.hash_pandas_object(frame, index=False, categorize=False).to_numpy()
    return (hashes % PARTITIONS).astype(np.int64)
