"""Build a profile from batches, one after the other, in memory that does not grow with their number."""

from typing import Any

import pyarrow as pa

from trimtab.profile.arrow import CountedChunk, chunks_of, count_chunks
from trimtab.profile.counts import CategoricalCounts, Counts, NumericCounts, TimestampCounts
from trimtab.profile.grid import CategoricalColumn, Column, Grid, NumericColumn, TimestampColumn
from trimtab.profile.keys import CellAdder
from trimtab.profile.second_moments import SecondMoments

_PARTS = 8  # batches whose counts wait to be added up: several at once is faster, and they take memory
_WAITING = 1 << 18  # categories that wait in one column


class ProfileBuilder:
    """Collects the counts of a grid's columns. One builder serves one thread."""

    def __init__(self, grid: Grid, *, second_moments: bool = False) -> None:
        self._grid = grid
        self._adder = CellAdder()
        self._second_moments = second_moments
        self._counts: dict[str, list[Counts]] = {name: [] for name in grid.columns}
        self._waiting: dict[str, list[CountedChunk]] = {name: [] for name in grid.columns}
        self.rows = 0
        self.moments: SecondMoments | None = None

    def add(self, data: pa.Table | pa.RecordBatch) -> None:
        """Count the rows of a batch; raise BadInput for a missing column or one of the wrong type."""
        for name, column in self._grid.columns.items():
            if not (column.optional and name not in data.schema.names):
                self._add(column, chunks_of(data, name))
        if self._second_moments and data.num_rows:
            found = SecondMoments.of(self._grid, data)
            self.moments = found if self.moments is None else self.moments + found
        self.rows += data.num_rows

    def counts(self) -> dict[str, Counts]:
        """Return the counts of all columns so far."""
        return {name: self._condensed(column) for name, column in sorted(self._grid.columns.items())}

    def _add(self, column: Column, chunks: list[Any]) -> None:
        parts, waiting = self._counts[column.name], self._waiting[column.name]
        if isinstance(column, NumericColumn):
            parts.append(NumericCounts.of(column, chunks, self._adder))
        elif isinstance(column, TimestampColumn):
            parts.append(TimestampCounts.of(column, chunks))
        else:
            waiting += count_chunks(column.name, chunks)
        full = len(waiting) >= _PARTS or sum(len(part.counts) for part in waiting) > _WAITING
        if len(parts) >= _PARTS or full:
            self._counts[column.name] = [self._condensed(column)]

    def _condensed(self, column: Column) -> Counts:
        parts = self._counts[column.name]
        if isinstance(column, CategoricalColumn):
            parts = [*parts, CategoricalCounts.of(column, self._waiting[column.name])]
            self._waiting[column.name] = []
        self._counts[column.name] = [merged_counts(column, parts)]
        return self._counts[column.name][0]


def merged_counts(column: Column, parts: list[Any]) -> Counts:
    """Add up any number of a column's counts."""
    if isinstance(column, CategoricalColumn):
        return parts[0] if len(parts) == 1 else CategoricalCounts.merged(column, parts)
    if isinstance(column, NumericColumn):
        return parts[0] if len(parts) == 1 else NumericCounts.merged(parts)
    if not parts:
        return TimestampCounts()
    return parts[0] if len(parts) == 1 else TimestampCounts.merged(parts)
