"""A uniform sample of a stream of rows whose end is not known, in memory that does not grow with it."""

import numpy as np
import pyarrow as pa

from trimtab.profile.keys import Floats, Integers


class Reservoir:
    """Holds at most `most` rows, each row of the stream with the same probability.

    Every row draws a number and the smallest numbers stay, so that the sample depends on the seed and on the
    order of the rows, and not on the batches in which they come.
    """

    def __init__(self, most: int, seed: int) -> None:
        self._most = most
        self._random = np.random.default_rng(seed)
        self._parts: list[pa.Table] = []
        self._draws: list[Floats] = []
        self._places: list[Integers] = []
        self._largest = 1.0
        self.rows = 0

    def add(self, batch: pa.Table) -> None:
        """Take the rows of a batch into account; all batches have the same columns and types."""
        draws = self._random.random(batch.num_rows)
        kept = np.flatnonzero(draws < self._largest)
        self._parts.append(batch.take(kept))
        self._draws.append(draws[kept])
        self._places.append(kept + self.rows)
        self.rows += batch.num_rows
        if sum(map(len, self._draws)) > 2 * self._most:
            self._shrink()

    def sample(self) -> pa.Table:
        """Return the sampled rows, in the order of the stream; raise ValueError before any batch came."""
        self._shrink()
        return self._parts[0]

    def _shrink(self) -> None:
        draws, places = np.concatenate(self._draws), np.concatenate(self._places)
        smallest = np.argsort(draws, kind="stable")[: self._most]
        order = np.sort(smallest)
        self._parts = [pa.concat_tables(self._parts).take(order).combine_chunks()]
        self._draws, self._places = [draws[order]], [places[order]]
        if len(smallest) == self._most:
            self._largest = float(draws[smallest[-1]])
