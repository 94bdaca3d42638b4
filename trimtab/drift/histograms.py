"""Counts of several profiles side by side, and coarser groupings of them."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from trimtab.profile import CategoricalCounts, Counts, NumericCounts
from trimtab.profile.keys import CELLS, Floats, Integers

type Groups = npt.NDArray[np.intp]


def side_by_side(columns: Sequence[Counts]) -> Floats:
    """Return one row of counts per profile over the cells or categories that any of them has.

    Cells are in the order of their values, infinities at the ends; categories in the order of their names.
    """
    if isinstance(columns[0], NumericCounts):
        return _numeric(cast(Sequence[NumericCounts], columns))
    return _categorical(cast(Sequence[CategoricalCounts], columns))


def _numeric(columns: Sequence[NumericCounts]) -> Floats:
    found: list[tuple[Integers, Integers]] = []
    for column in columns:
        ends = np.array([column.negative_infinities, column.positive_infinities], dtype=np.int64)
        cells = np.concatenate(([-1], column.sums.cells, [CELLS]))
        found.append((cells, np.concatenate((ends[:1], column.sums.counts, ends[1:]))))
    union = np.unique(np.concatenate([cells for cells, _ in found]))
    table = np.zeros((len(columns), len(union)))
    for row, (cells, counts) in zip(table, found, strict=True):
        row[np.searchsorted(union, cells)] = counts
    result: Floats = table[:, table.any(axis=0)]
    return result


def _categorical(columns: Sequence[CategoricalCounts]) -> Floats:
    union = sorted(set().union(*(column.categories for column in columns)))
    table = np.array(
        [[column.categories.get(name, 0) for name in union] for column in columns], dtype=np.float64
    )
    return table.reshape(len(columns), len(union))


def equal_mass_groups(masses: Floats, groups: int) -> Groups:
    """Assign each cell to one of at most `groups` of about equal mass; a cell is never divided."""
    middle = np.cumsum(masses) - masses / 2
    numbers: Groups = np.clip((middle * groups).astype(np.intp), 0, groups - 1)
    return numbers


def regroup(groups: Groups, counts: Floats) -> Floats:
    """Add up the counts of each group; groups of no cell vanish."""
    return np.bincount(groups, weights=counts)[np.bincount(groups) > 0].astype(np.float64, copy=False)
