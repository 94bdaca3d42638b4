"""What every reader yields: rows of one chunk, as text or typed, each with its number in the file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from trimtab.cells import CellKind

type Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The columns to read, by name, with the kinds of their cells; and those that must be there."""

    kinds: Mapping[str, CellKind]
    required: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that could not be read as a row, as it stood; `how` completes "the first one is row 7 ..."."""

    number: int
    text: str
    what: str
    how: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part lies: its first byte (or row group), the end if known, and its first row's number."""

    part: int
    start: int
    stop: int | None
    first_row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Some rows that follow each other: cells as text (null where a null token stood), or typed.

    `numbers` are the rows' numbers in the file as a spreadsheet counts them: in CSV the header is row 1.
    `misfits` names the cells that are not of their column's kind, whatever their text says. `total` counts
    broken rows too, blank ones not; `broken_as` completes "some rows ...". `after` is the number of the row
    that follows.
    """

    place: Place
    table: pa.Table
    numbers: Numbers
    after: int
    broken: tuple[BrokenRow, ...] = ()
    broken_as: str = ""
    misfits: Mapping[str, Any] = field(default_factory=dict)
    extra: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """Count the rows."""
        return self.table.num_rows + len(self.broken)
