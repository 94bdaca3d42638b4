"""How numeric columns move together: sums of products on a coarse grid, in integers that add up in any order.

Each value is taken as its distance from the column's centre in 1/128 of the scale, at most 16 scales away, so
that products of two stay below 2^22 and their sums are exact in a float64: a matrix product of floats gives
integers. A missing value counts as the centre. The price is a second pass over the numbers.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from trimtab.errors import BadInput
from trimtab.profile.arrow import chunks_of, numeric_slots
from trimtab.profile.grid import Grid, NumericColumn
from trimtab.profile.keys import BLOCK, Floats, Integers

STEPS = 128
REACH = 16 * STEPS


@dataclass(frozen=True, slots=True, eq=False)
class SecondMoments:
    """Sums of products of the numeric columns, in the order of `names`, and last of a column of ones."""

    names: tuple[str, ...]
    products: Integers

    @classmethod
    def of(cls, grid: Grid, data: pa.Table | pa.RecordBatch) -> Self:
        """Sum the products of the rows; a column that the data may lack and lacks counts as its centre."""
        columns = [column for _, column in sorted(grid.columns.items()) if isinstance(column, NumericColumn)]
        products = np.zeros((len(columns) + 1, len(columns) + 1), dtype=np.int64)
        block = np.ones((len(columns) + 1, BLOCK))
        batches = data.to_batches(max_chunksize=BLOCK) if isinstance(data, pa.Table) else _blocks(data)
        for batch in batches:
            rows = block[:, : batch.num_rows]
            for row, column in zip(rows, columns, strict=False):
                if column.optional and column.name not in batch.schema.names:
                    row[:] = 0.0
                else:
                    _place(column, chunks_of(batch, column.name)[0], row)
            products += (rows @ rows.T).astype(np.int64)
        return cls(tuple(column.name for column in columns), products)

    def __add__(self, other: "SecondMoments") -> "SecondMoments":
        if self.names != other.names:
            raise BadInput("second moments of unequal columns; profile both on the project's grid")
        return SecondMoments(self.names, self.products + other.products)

    @property
    def rows(self) -> int:
        """Return the number of rows counted."""
        return int(self.products[-1, -1])

    @property
    def means(self) -> Floats:
        """Return the mean offsets, in scales from the centre."""
        means: Floats = self.products[-1, :-1] / (self.rows * STEPS)
        return means

    @property
    def covariances(self) -> Floats:
        """Return the covariances of the offsets."""
        second = self.products[:-1, :-1] / (self.rows * STEPS**2)
        covariances: Floats = second - np.outer(self.means, self.means)
        return covariances


def _blocks(batch: pa.RecordBatch) -> list[pa.RecordBatch]:
    return [batch.slice(start, BLOCK) for start in range(0, batch.num_rows, BLOCK)]


def _place(column: NumericColumn, chunk: Any, row: npt.NDArray[np.float64]) -> None:
    values, missing = numeric_slots(column.name, chunk)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        np.multiply(column.distances(values), np.ldexp(1.0, -column.exponent) * STEPS, out=row)
    np.clip(row, -REACH, REACH, out=row)
    np.rint(row, out=row)
    if values.dtype.kind == "f":
        row[np.isnan(row)] = 0.0
    if missing is not None:
        row[missing] = 0.0
