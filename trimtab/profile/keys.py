"""The log-linear key: cells that are uniform near a column's centre and widen with the distance from it.

With `y = (x - center) / scale` and `u = y + copysign(1, y)`, the cell is made of the upper bits of u as a
float32: its sign, 32 octaves and 1,024 cells in each. A cell is never coarser than
`(scale + distance) / 1024`, cells are in the order of the values, and there are no edges to search or tune.
Only subtract, multiply, add, cast and shift are used, so that every processor gives the same cell.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

type Floats = npt.NDArray[np.float64]
type Integers = npt.NDArray[np.int64]

RESIDUAL_BITS = 13
RESIDUALS = 1 << RESIDUAL_BITS
CELLS_PER_SIGN = 32 * 1024
LOW_END = 0
HIGH_END = 2 * CELLS_PER_SIGN + 1
CELLS = HIGH_END + 1

_FIRST_KEY = 127 << 10  # the key of u = 1.0, the smallest magnitude there is
_LIMIT = np.float32(2.0**32)
_MAGNITUDE = np.int32(0x7FFFFFFF)
BLOCK = 1 << 17  # values at a time, so that the temporaries stay in the processor's cache
# A block's residuals sum to less than this, and its count times this fits in a float64 without rounding.
_ONE = 1 << 31


class CellSums(NamedTuple):
    """Occupied cells in ascending order, with their counts and their sums of residuals."""

    cells: Integers
    counts: Integers
    residuals: Integers


def no_cells() -> CellSums:
    """Return the sums of no value at all."""
    nothing = np.zeros(0, dtype=np.int64)
    return CellSums(nothing, nothing, nothing)


def cells_of(offsets: Floats) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return the cell and the residual of each `y`; values beyond 2^32 go to the two end cells.

    >>> cells, _ = cells_of(np.array([-1e300, -0.5, 0.0, 0.5, 1e300]))
    >>> cells.tolist()
    [0, 32256, 32769, 33281, 65537]
    """
    with np.errstate(over="ignore", under="ignore"):
        shifted = (offsets + np.copysign(1.0, offsets)).astype(np.float32)
    np.clip(shifted, -_LIMIT, _LIMIT, out=shifted)
    bits = shifted.view(np.int32)
    magnitude = (bits & _MAGNITUDE) >> RESIDUAL_BITS
    # A negative number's magnitude m becomes -m - 1 by the exclusive or, which mirrors the cells around zero.
    cells = ((magnitude - np.int32(_FIRST_KEY)) ^ (bits >> 31)) + np.int32(CELLS_PER_SIGN + 1)
    return cells, bits & np.int32(RESIDUALS - 1)


def sum_cells(blocks: Iterable[Floats]) -> CellSums:
    """Count offsets per cell and sum their residuals, in integers: any order gives the same sums.

    A block holds at most `BLOCK` offsets.
    """
    counts = np.zeros(CELLS, dtype=np.int64)
    residuals = np.zeros(CELLS, dtype=np.int64)
    for offsets in blocks:
        cells, rest = cells_of(offsets)
        # One pass counts and sums: each value adds its residual, and one in the bits above.
        both = np.bincount(cells, weights=rest + float(_ONE), minlength=CELLS).astype(np.int64)
        counts += both >> 31
        residuals += both & (_ONE - 1)
    occupied = np.flatnonzero(counts)
    return CellSums(occupied, counts[occupied], residuals[occupied])


def add_cells(parts: list[CellSums]) -> CellSums:
    """Add the sums of several parts, cell by cell."""
    cells = np.concatenate([part.cells for part in parts])
    if not len(cells):
        return no_cells()
    order = np.argsort(cells, kind="stable")
    cells = cells[order]
    starts = np.flatnonzero(np.concatenate(([True], cells[1:] != cells[:-1])))
    counts = np.concatenate([part.counts for part in parts])[order]
    residuals = np.concatenate([part.residuals for part in parts])[order]
    return CellSums(cells[starts], np.add.reduceat(counts, starts), np.add.reduceat(residuals, starts))


def mean_offsets(sums: CellSums) -> Floats:
    """Return the mean `y` of each occupied cell, exact to the float32; the end cells give +-2^32."""
    mirrored = sums.cells - (CELLS_PER_SIGN + 1)
    negative = mirrored < 0
    key = np.where(negative, -mirrored - 1, mirrored) + _FIRST_KEY
    lower = (key << RESIDUAL_BITS).astype(np.int32).view(np.float32).astype(np.float64)
    upper = ((key + 1) << RESIDUAL_BITS).astype(np.int32).view(np.float32).astype(np.float64)
    within = sums.residuals / sums.counts / RESIDUALS
    magnitude = lower + (upper - lower) * within - 1.0
    ends = (sums.cells == LOW_END) | (sums.cells == HIGH_END)
    magnitude[ends] = float(_LIMIT)
    result: Floats = np.where(negative, -magnitude, magnitude)
    return result
