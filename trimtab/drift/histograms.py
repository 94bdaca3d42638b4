"""Counts of several profiles side by side, and coarser groupings of them."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from trimtab.profile import CategoricalCounts, Counts, NumericCounts, TimestampCounts
from trimtab.profile.counts import Hashed
from trimtab.profile.keys import Floats

type Groups = npt.NDArray[np.intp]


def side_by_side(columns: Sequence[Counts]) -> Floats:
    """Return one row of counts per profile over the cells or categories that any of them has.

    Cells are in the order of their values, infinities at the ends; categories in the order of their names,
    or by their hash if one of the profiles had too many to name; hours of the week from Monday, all of them.
    """
    if isinstance(columns[0], NumericCounts):
        return _numeric(cast(Sequence[NumericCounts], columns))
    if isinstance(columns[0], TimestampCounts):
        return np.array(
            [column.hours for column in cast(Sequence[TimestampCounts], columns)], dtype=np.float64
        )
    return _categorical(cast(Sequence[CategoricalCounts], columns))


def _numeric(columns: Sequence[NumericCounts]) -> Floats:
    filled = [column.sums.cells for column in columns if len(column.sums.cells)]
    low = min((int(cells[0]) for cells in filled), default=0)
    high = max((int(cells[-1]) for cells in filled), default=-1)
    table = np.zeros((len(columns), high - low + 3))
    for row, column in zip(table, columns, strict=True):
        row[column.sums.cells - (low - 1)] = column.sums.counts
        row[0], row[-1] = column.negative_infinities, column.positive_infinities
    result: Floats = table[:, table.any(axis=0)]
    return result


def _categorical(columns: Sequence[CategoricalCounts]) -> Floats:
    if any(column.hashed is not None for column in columns):
        folded = [column.hashed or Hashed.of(column.categories) for column in columns]
        table = np.array([part.buckets for part in folded], dtype=np.float64)
        result: Floats = table[:, table.any(axis=0)]
        return result
    union = sorted(set().union(*(column.categories for column in columns)))
    if not union:
        return np.zeros((len(columns), 0))
    return np.array(
        [
            np.fromiter(
                map(column.categories.get, union, [0] * len(union)), dtype=np.float64, count=len(union)
            )
            for column in columns
        ]
    )


def equal_mass_groups(masses: Floats, groups: int) -> Groups:
    """Assign each cell to one of at most `groups` of about equal mass; a cell is never divided."""
    middle = np.cumsum(masses) - masses / 2
    numbers: Groups = np.clip((middle * groups).astype(np.intp), 0, groups - 1)
    return numbers


def regroup(groups: Groups, counts: Floats) -> Floats:
    """Add up the counts of each group; groups of no cell vanish."""
    return np.bincount(groups, weights=counts)[np.bincount(groups) > 0].astype(np.float64, copy=False)
