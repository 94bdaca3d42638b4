"""What a profile remembers of one column: integers that add up in any order, and the extremes."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self, cast

import numpy as np

from trimtab.profile.arrow import category_counts, numeric_values
from trimtab.profile.grid import CategoricalColumn, NumericColumn
from trimtab.profile.keys import BLOCK, CellSums, Floats, add_cells, no_cells, sum_cells

_LONGEST_CATEGORY = 128  # characters; a longer one is named by its beginning and its digest


@dataclass(frozen=True, slots=True)
class NumericCounts:
    """A numeric column: finite values per cell; nulls, NaN and the infinities apart; the finite extremes."""

    sums: CellSums = field(default_factory=no_cells)
    nulls: int = 0
    nans: int = 0
    positive_infinities: int = 0
    negative_infinities: int = 0
    minimum: float | None = None
    maximum: float | None = None

    @classmethod
    def of(cls, column: NumericColumn, chunks: list[Any]) -> Self:
        """Count the values of one column; raise BadInput for a type that is no number."""
        values, nulls = numeric_values(column.name, chunks)
        nans = positive = negative = 0
        if values.dtype.kind == "f":
            floats = cast(Floats, values)
            finite = np.isfinite(floats)
            if not finite.all():
                nans = int(np.isnan(floats).sum())
                positive = int(np.isposinf(floats).sum())
                negative = len(floats) - int(finite.sum()) - nans - positive
                values = floats[finite]
        if not len(values):
            return cls(no_cells(), nulls, nans, positive, negative)
        sums = sum_cells(
            column.offsets(values[start : start + BLOCK]) for start in range(0, len(values), BLOCK)
        )
        # Adding zero makes -0.0 and 0.0 one value; always float64, so that the order of merges is no matter.
        low, high = float(values.min()) + 0.0, float(values.max()) + 0.0
        return cls(sums, nulls, nans, positive, negative, low, high)

    @classmethod
    def merged(cls, parts: Sequence[Self]) -> Self:
        """Add up the counts of several parts."""
        lows = [part.minimum for part in parts if part.minimum is not None]
        highs = [part.maximum for part in parts if part.maximum is not None]
        return cls(
            add_cells([part.sums for part in parts]),
            sum(part.nulls for part in parts),
            sum(part.nans for part in parts),
            sum(part.positive_infinities for part in parts),
            sum(part.negative_infinities for part in parts),
            min(lows, default=None),
            max(highs, default=None),
        )

    @property
    def missing(self) -> int:
        """Return the number of rows without a value: null or NaN."""
        return self.nulls + self.nans

    @property
    def present(self) -> int:
        """Return the number of rows with a value, infinities among them."""
        return int(self.sums.counts.sum()) + self.positive_infinities + self.negative_infinities

    @property
    def rows(self) -> int:
        """Return the number of rows counted."""
        return self.missing + self.present


@dataclass(frozen=True, slots=True)
class CategoricalCounts:
    """A categorical column: rows per category, or just `other` rows once there are too many categories."""

    categories: dict[str, int] = field(default_factory=dict)
    nulls: int = 0
    nans: int = 0
    other: int = 0

    @classmethod
    def of(cls, column: CategoricalColumn, chunks: list[Any]) -> Self:
        """Count the values of one column; raise BadInput for a type without categories."""
        pairs, nulls = category_counts(column.name, chunks)
        categories: dict[str, int] = {}
        nans = 0
        for value, count in pairs:
            label = _label(value)
            if label is None:
                nans += count
            else:
                categories[label] = categories.get(label, 0) + count
        return cls._bounded(column.limit, categories, nulls, nans, 0)

    @classmethod
    def merged(cls, column: CategoricalColumn, parts: Sequence[Self]) -> Self:
        """Add up the counts of several parts; only their union decides whether they are too many."""
        categories: dict[str, int] = {}
        for part in parts:
            for name, count in part.categories.items():
                categories[name] = categories.get(name, 0) + count
        nulls, nans = sum(part.nulls for part in parts), sum(part.nans for part in parts)
        return cls._bounded(column.limit, categories, nulls, nans, sum(part.other for part in parts))

    @classmethod
    def _bounded(cls, limit: int, categories: dict[str, int], nulls: int, nans: int, other: int) -> Self:
        if other or len(categories) > limit:
            # Which categories came first must not matter, so none is kept.
            return cls({}, nulls, nans, other + sum(categories.values()))
        return cls(dict(sorted(categories.items())), nulls, nans, 0)

    @property
    def is_overflowed(self) -> bool:
        """Tell whether there were more categories than the grid's limit: HIGH_CARDINALITY."""
        return self.other > 0

    @property
    def missing(self) -> int:
        """Return the number of rows without a value: null or NaN."""
        return self.nulls + self.nans

    @property
    def present(self) -> int:
        """Return the number of rows with a value."""
        return sum(self.categories.values()) + self.other

    @property
    def rows(self) -> int:
        """Return the number of rows counted."""
        return self.missing + self.present


type Counts = NumericCounts | CategoricalCounts


def _label(value: Any) -> str | None:
    """Name a category; a code is the same one as an integer, as a float without a fraction and as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isnan(value):
            return None
        text = str(int(value)) if value.is_integer() else repr(value)
    else:
        text = str(value)
    if len(text) <= _LONGEST_CATEGORY:
        return text
    return f"{text[:100]}~{hashlib.sha256(text.encode()).hexdigest()[:16]}"
