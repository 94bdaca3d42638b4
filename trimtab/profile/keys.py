"""The log-linear key: cells that are uniform near a column's centre and widen with the distance from it.

With `y = (x - center) / scale` and `u = y + copysign(1, y)`, the cell is made of the upper bits of u as a
float64: its sign, 32 octaves and 1,024 cells in each; the next 13 bits are the residual, cut off and not
rounded. A cell is never coarser than `(scale + distance) / 1024`, cells are in the order of the values, and
there are no edges to search or tune. Scales are powers of two, so nothing has to be divided: u times the
scale has the same bits but for its exponent. Only add, copy of a sign and shift are used, so that every
processor gives the same cell.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

type Floats = npt.NDArray[np.float64]
type Integers = npt.NDArray[np.int64]
type _Words = npt.NDArray[np.uint64]

RESIDUAL_BITS = 13
RESIDUALS = 1 << RESIDUAL_BITS
CELLS_PER_SIGN = 32 * 1024
LOW_END = 0
HIGH_END = 2 * CELLS_PER_SIGN + 1
CELLS = HIGH_END + 1
# Values at a time: the temporaries stay in the processor's cache, and no block outnumbers the smallest key,
# that of the finest scale, two to the power of -1000.
BLOCK = 23 << 10

_CELL_BITS = 10
_BIAS = 1023
_SIGN = 1 << (11 + _CELL_BITS)  # of a key: a float64's sign, exponent and first ten bits
_KEYS = 2 * _SIGN
_LOST = np.uint64(52 - _CELL_BITS - RESIDUAL_BITS)
_RESIDUAL = np.uint64(RESIDUAL_BITS)
_SIGN_BIT = np.uint64(1 << 63)
_MOST = 1 << 18  # values between two readings, so that no sum overflows


class CellSums(NamedTuple):
    """Occupied cells in ascending order, with their counts and their sums of residuals."""

    cells: Integers
    counts: Integers
    residuals: Integers


def no_cells() -> CellSums:
    """Return the sums of no value at all."""
    nothing = np.zeros(0, dtype=np.int64)
    return CellSums(nothing, nothing, nothing)


class CellAdder:
    """Counts values per cell, and sums their residuals, in one addition per value.

    A value's upper 35 bits are its key times 8,192 plus its residual. Added up by key they give, for n values
    of one cell, n times the key times 8,192 plus the sum of their residuals; n is below the key, so division
    takes the two apart again. The sums are integers: any order gives the same. One adder serves one thread.
    """

    def __init__(self) -> None:
        self._sums: _Words = np.zeros(_KEYS, dtype=np.uint64)  # untouched pages of it take no memory
        self._shifted: Floats = np.empty(BLOCK)
        self._words: _Words = np.empty(BLOCK, dtype=np.uint64)
        self._keys: _Words = np.empty(BLOCK, dtype=np.uint64)

    def sums(self, blocks: Iterable[Floats], exponent: int = 0) -> CellSums:
        """Count distances from the centre, on a scale of two to the power of `exponent`.

        A block holds at most `BLOCK` distances, none of them NaN or -0.0.
        """
        first = (_BIAS + exponent) << _CELL_BITS
        parts: list[CellSums] = []
        waiting, farthest = 0, 0.0
        for distances in blocks:
            if waiting + len(distances) > min(_MOST, first):
                parts.append(self._read(first, farthest, exponent))
                waiting, farthest = 0, 0.0
            if len(distances):
                farthest = max(farthest, -float(distances.min()), float(distances.max()))
                waiting += len(distances)
                self._add(distances, exponent)
        parts.append(self._read(first, farthest, exponent))
        return parts[0] if len(parts) == 1 else add_cells(parts)

    def _add(self, distances: Floats, exponent: int) -> None:
        count = len(distances)
        shifted, words, keys = self._shifted[:count], self._words[:count], self._keys[:count]
        np.bitwise_and(distances.view(np.uint64), _SIGN_BIT, out=words)
        np.bitwise_or(words, np.ldexp(1.0, exponent).view(np.uint64), out=words)
        with np.errstate(over="ignore"):
            np.add(distances, words.view(np.float64), out=shifted)
        np.right_shift(shifted.view(np.uint64), _LOST, out=words)
        np.right_shift(words, _RESIDUAL, out=keys)
        np.add.at(self._sums, keys.view(np.int64), words)

    def _read(self, first: int, farthest: float, exponent: int) -> CellSums:
        """Take the sums out, and leave zeros behind."""
        with np.errstate(over="ignore"):
            last = int((np.float64(farthest) + np.ldexp(1.0, exponent)).view(np.uint64)) >> (52 - _CELL_BITS)
        positive, below = self._take(first, last), self._take(_SIGN + first, _SIGN + last)
        negative = CellSums(*(array[::-1] for array in below))
        above = np.minimum(positive.cells - first, CELLS_PER_SIGN) + (CELLS_PER_SIGN + 1)
        under = CELLS_PER_SIGN - np.minimum(negative.cells - (_SIGN + first), CELLS_PER_SIGN)
        cells = np.concatenate((under, above))
        counts = np.concatenate((negative.counts, positive.counts))
        residuals = np.concatenate((negative.residuals, positive.residuals))
        if len(cells) and (cells[0] == LOW_END or cells[-1] == HIGH_END):
            residuals[(cells == LOW_END) | (cells == HIGH_END)] = 0
            return add_cells([CellSums(cells, counts, residuals)])
        return CellSums(cells, counts, residuals)

    def _take(self, first: int, last: int) -> CellSums:
        held = self._sums[first : last + 1]
        places = np.flatnonzero(held)
        sums = held[places]
        held[places] = 0
        keys = (places + first).astype(np.uint64)
        counts = sums // (keys << _RESIDUAL)
        residuals = sums - counts * (keys << _RESIDUAL)
        return CellSums(keys.astype(np.int64), counts.astype(np.int64), residuals.astype(np.int64))


def cells_of(offsets: Floats) -> tuple[Integers, Integers]:
    """Return the cell and the residual of each `y`; values beyond 2^32 go to the two end cells.

    >>> cells, _ = cells_of(np.array([-1e300, -0.5, 0.0, 0.5, 1e300]))
    >>> cells.tolist()
    [0, 32256, 32769, 33281, 65537]
    """
    words = (offsets + np.copysign(1.0, offsets)).view(np.uint64) >> _LOST
    magnitude = ((words >> _RESIDUAL) & np.uint64(_SIGN - 1)).astype(np.int64) - (_BIAS << _CELL_BITS)
    magnitude = np.minimum(magnitude, CELLS_PER_SIGN)
    cells = np.where(np.signbit(offsets), CELLS_PER_SIGN - magnitude, CELLS_PER_SIGN + 1 + magnitude)
    residuals = (words & np.uint64(RESIDUALS - 1)).astype(np.int64)
    residuals[magnitude == CELLS_PER_SIGN] = 0
    return cells, residuals


def add_cells(parts: list[CellSums]) -> CellSums:
    """Add the sums of several parts, cell by cell."""
    if not any(len(part.cells) for part in parts):
        return no_cells()
    low = min(int(part.cells.min()) for part in parts if len(part.cells))
    high = max(int(part.cells.max()) for part in parts if len(part.cells))
    counts = np.zeros(high - low + 1, dtype=np.int64)
    residuals = np.zeros(high - low + 1, dtype=np.int64)
    for part in parts:
        np.add.at(counts, part.cells - low, part.counts)
        np.add.at(residuals, part.cells - low, part.residuals)
    occupied = np.flatnonzero(counts)
    return CellSums(occupied + low, counts[occupied], residuals[occupied])


def middles(sums: CellSums) -> Integers:
    """Return the sums of residuals that values in the middle of each cell would have; none at the ends."""
    inside = (sums.cells != LOW_END) & (sums.cells != HIGH_END)
    result: Integers = np.where(inside, sums.counts * (RESIDUALS // 2), 0)
    return result


def mean_offsets(sums: CellSums) -> Floats:
    """Return the mean `y` of each occupied cell, exact to half a residual; the end cells give +-2^32."""
    mirrored = sums.cells - (CELLS_PER_SIGN + 1)
    negative = mirrored < 0
    magnitude = np.where(negative, -mirrored - 1, mirrored)
    # A residual is cut off, so a value lies half a unit above it on average - but for whole ones, such as the
    # centre itself, which lie on it.
    within = sums.residuals / sums.counts
    within = np.where(sums.residuals > 0, within + 0.5, within)
    octave = np.ldexp(1.0, magnitude >> _CELL_BITS)
    share = (magnitude & ((1 << _CELL_BITS) - 1)) + within / RESIDUALS
    distance = octave * (1.0 + share / (1 << _CELL_BITS)) - 1.0
    distance[(sums.cells == LOW_END) | (sums.cells == HIGH_END)] = 2.0**32
    result: Floats = np.where(negative, -distance, distance)
    return result
