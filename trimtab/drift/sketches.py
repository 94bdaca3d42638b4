"""A baseline from quantile sketches: what a sketch kept, on the grid, worth the rows that it is as exact as.

A KLL sketch keeps, of two neighbours in order, one and lets it count twice, level by level. A share computed
from its items is therefore off by chance, as is one computed from a random sample; never more than if each
item had been drawn alone with its weight, and just as much where a value is rare. So Kish's effective size,
the square of the sum of all weights over the sum of their squares, is the number of rows that a test may take
the sketch for: too few for wide ranges, right for narrow ones, too many for none. It counts the rows' own
chance, too. (Kish, Survey Sampling, 1965, 11.7; Karnin, Lang, Liberty, arXiv 1603.05346.)
"""

from dataclasses import replace
from typing import cast

import numpy as np
import pyarrow as pa

from trimtab.drift.baseline import Baseline
from trimtab.drift.model_monitor import NumberStatistics, Statistics, TextStatistics
from trimtab.errors import BadInput
from trimtab.profile import (
    CategoricalColumn,
    CategoricalCounts,
    Counts,
    Grid,
    NumericColumn,
    NumericCounts,
    Profile,
)
from trimtab.profile.arrow import CountedChunk
from trimtab.profile.grid import SAMPLE_ROWS, Column
from trimtab.profile.keys import CellAdder, CellSums, Floats


def baseline_of(statistics: Statistics) -> tuple[Baseline, list[str]]:
    """Return a baseline and, in words, the columns that are left out of it because not all rows are told.

    Categories, extremes and missing rows are exact; numbers are what the sketch kept. Raises BadInput when no
    column is left.
    """
    columns: dict[str, Column] = {}
    counts: dict[str, Counts] = {}
    worth: dict[str, int] = {}
    notes = [f"{name}: left out, because its type is Unknown" for name in statistics.unknown]
    for feature in statistics.features:
        name = feature.name
        if isinstance(feature, TextStatistics):
            if feature.counts is None:
                notes.append(f"{name}: left out, because its values are not listed with all their rows")
                continue
            column = CategoricalColumn(name)
            columns[name], counts[name] = column, _categories(column, feature)
            continue
        if feature.levels is None:
            notes.append(f"{name}: left out, because it has no sketch that stands for all its rows")
            continue
        fitted = _fitted(feature)
        columns[name], counts[name] = fitted, _numbers(fitted, feature)
        equivalent = equivalent_rows([len(items) for items in feature.levels])
        if equivalent < feature.present:
            worth[name] = equivalent
    if not columns:
        raise BadInput("no column can be compared: none has a sketch or a list of values for all its rows")
    profile = Profile(Grid(columns), statistics.rows, counts)
    return Baseline(profile, equivalent_rows=worth), notes


def equivalent_rows(items: list[int]) -> int:
    """Return Kish's effective size of a sketch with so many items per level, those of level i weighing 2^i.

    >>> equivalent_rows([100]), equivalent_rows([0, 50]), equivalent_rows([0, 0, 1000])
    (100, 50, 1000)
    """
    total = sum(count << level for level, count in enumerate(items))
    squares = sum(count << 2 * level for level, count in enumerate(items))
    return total**2 // squares if squares else 0


def _fitted(feature: NumberStatistics) -> NumericColumn:
    """Fit the cells to the values as often as they count, or to evenly spread ones of very many."""
    values, weights = _weighted(feature)
    places = min(feature.present, SAMPLE_ROWS)
    ranks = (np.arange(places) + 0.5) * (feature.present / max(1, places))
    spread = values[np.searchsorted(np.cumsum(weights), ranks)] if places else values
    fitted = Grid.from_table(pa.table({feature.name: pa.array(spread)}), {feature.name: "numeric"})
    return cast(NumericColumn, fitted.columns[feature.name])


def _weighted(feature: NumberStatistics) -> tuple[Floats, Floats]:
    levels = feature.levels or ()
    values = np.concatenate((np.zeros(0), *levels))
    weights = np.concatenate((np.zeros(0), *(np.full(len(one), 2.0**i) for i, one in enumerate(levels))))
    order = np.argsort(values, kind="stable")
    return values[order], weights[order]


def _numbers(column: NumericColumn, feature: NumberStatistics) -> NumericCounts:
    adder = CellAdder()
    parts = [NumericCounts(nulls=feature.missing)]
    for level, items in enumerate(feature.levels or ()):
        found = NumericCounts.of(column, [pa.array(items)], adder)
        cells, counts, residuals = found.sums
        parts.append(replace(found, sums=CellSums(cells, counts << level, residuals << level)))
    merged = NumericCounts.merged(parts)
    if not feature.present:
        return merged
    return replace(merged, minimum=feature.minimum + 0.0, maximum=feature.maximum + 0.0)


def _categories(column: CategoricalColumn, feature: TextStatistics) -> CategoricalCounts:
    found = {name: rows for name, rows in (feature.counts or {}).items() if rows}
    values = pa.array(list(found), pa.string())
    counts = np.fromiter(found.values(), dtype=np.int64, count=len(found))
    return CategoricalCounts.of(column, [CountedChunk(values, counts, feature.missing)])
