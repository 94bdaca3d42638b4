"""Predictions that came more than once, in different shards: found by the hashes of their ids.

A hash has 64 bits: among a hundred million rows the odds that any two different ids share one are 1 in 3,700,
and then one row in a hundred million is left out.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from trimtab.cells import flat
from trimtab.profile.hashing import hashes_of

type Hashes = npt.NDArray[np.uint64]


def id_hashes(table: pa.Table, prediction_id: str) -> Hashes:
    """Return a hash of each row's prediction id."""
    if not table.num_rows:
        return np.zeros(0, dtype=np.uint64)
    return hashes_of(flat(table[prediction_id]).to_pylist())


def partitioned(hashes: Hashes, partitions: int) -> list[Hashes]:
    """Split hashes by partition, each sorted: the same ids give the same bytes in any order."""
    ordered = np.sort(hashes)
    places = ordered % np.uint64(partitions)
    return [ordered[places == np.uint64(number)] for number in range(partitions)]


def repeats_of(shards: Sequence[Hashes]) -> Mapping[int, Hashes]:
    """Return, by shard, the hashes that an earlier shard holds as well; the first to hold an id keeps it.

    >>> one, two = np.array([1, 2], dtype=np.uint64), np.array([2, 3], dtype=np.uint64)
    >>> {shard: found.tolist() for shard, found in repeats_of([one, two, two]).items()}
    {1: [2], 2: [2, 3]}
    """
    every = np.concatenate([np.zeros(0, dtype=np.uint64), *shards])
    owners = np.repeat(np.arange(len(shards)), [len(found) for found in shards])
    order = np.argsort(every, kind="stable")
    every, owners = every[order], owners[order]
    again = np.concatenate([np.zeros(1, dtype=np.bool_), every[1:] == every[:-1]])[: len(every)]
    repeated, owners = every[again], owners[again]
    return {int(owner): repeated[owners == owner] for owner in np.unique(owners)}


def without(table: pa.Table, hashes: Hashes, repeated: Hashes) -> pa.Table:
    """Return the rows whose hash is not among `repeated`."""
    kept = np.flatnonzero(~np.isin(hashes, repeated)).astype(np.int64)
    places = pa.Array.from_buffers(pa.int64(), len(kept), [None, pa.py_buffer(kept.tobytes())])
    return table.take(places)
