"""What a profile remembers of one column: integers that add up in any order, and the extremes."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self, cast

import numpy as np

from trimtab.profile.arrow import CountedChunk, Numbers, gathered, hours_of_week, numeric_values
from trimtab.profile.grid import CategoricalColumn, NumericColumn, TimestampColumn
from trimtab.profile.hashing import (
    bucket_counts,
    distinct_estimate,
    hashes_of,
    length_counts,
    registers_of,
)
from trimtab.profile.keys import BLOCK, CellAdder, CellSums, Floats, Integers, add_cells, no_cells

HOURS = 168  # of a week, from Monday at midnight
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
    def of(cls, column: NumericColumn, chunks: list[Any], adder: CellAdder) -> Self:
        """Count the values of one column; raise BadInput for a type that is no number."""
        values, nulls = numeric_values(column.name, chunks)
        nans = positive = negative = 0
        low, high = _extremes(values)
        if not (math.isfinite(low) and math.isfinite(high)):
            floats = cast(Floats, values)
            finite = np.isfinite(floats)
            nans = int(np.isnan(floats).sum())
            positive = int(np.isposinf(floats).sum())
            negative = len(floats) - int(finite.sum()) - nans - positive
            values = floats[finite]
            low, high = _extremes(values)
        if not len(values):
            return cls(no_cells(), nulls, nans, positive, negative)
        blocks = (column.distances(values[start : start + BLOCK]) for start in range(0, len(values), BLOCK))
        sums = adder.sums(blocks, column.exponent)
        # Adding zero makes -0.0 and 0.0 one value; always float64, so that the order of merges is no matter.
        return cls(sums, nulls, nans, positive, negative, low + 0.0, high + 0.0)

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
class Hashed:
    """Rows of a column with too many categories: by hash, by length, and what tells how many there were."""

    buckets: Integers
    registers: Integers
    lengths: Integers

    @classmethod
    def of(cls, categories: dict[str, int]) -> Self:
        """Fold named categories into their buckets."""
        counts = np.fromiter(categories.values(), dtype=np.int64, count=len(categories))
        texts = list(categories)
        hashes = hashes_of(texts)
        return cls(bucket_counts(hashes, counts), registers_of(hashes), length_counts(texts, counts))

    def __add__(self, other: "Hashed") -> "Hashed":
        return Hashed(
            self.buckets + other.buckets,
            np.maximum(self.registers, other.registers),
            self.lengths + other.lengths,
        )

    @property
    def rows(self) -> int:
        """Return the number of rows counted."""
        return int(self.buckets.sum())


@dataclass(frozen=True, slots=True)
class CategoricalCounts:
    """A categorical column: rows per category, or `hashed` once there are too many to name."""

    categories: dict[str, int] = field(default_factory=dict)
    nulls: int = 0
    nans: int = 0
    hashed: Hashed | None = None

    @classmethod
    def of(cls, column: CategoricalColumn, chunks: list[CountedChunk]) -> Self:
        """Name the values of a column's chunks."""
        values, counts, nulls = gathered(chunks)
        names = _labels(values)
        if len({*names}) == len(names) and None not in names:
            return cls._bounded(
                column.limit, dict(zip(cast(list[str], names), counts, strict=True)), nulls, 0, None
            )
        categories: dict[str, int] = {}
        nans = 0
        for name, count in zip(names, counts, strict=True):
            if name is None:
                nans += count
            else:
                categories[name] = categories.get(name, 0) + count
        return cls._bounded(column.limit, categories, nulls, nans, None)

    @classmethod
    def merged(cls, column: CategoricalColumn, parts: Sequence[Self]) -> Self:
        """Add up the counts of several parts; only their union decides whether they are too many."""
        categories: dict[str, int] = {}
        hashed: Hashed | None = None
        for part in parts:
            for name, count in part.categories.items():
                categories[name] = categories.get(name, 0) + count
            if part.hashed is not None:
                hashed = part.hashed if hashed is None else hashed + part.hashed
        nulls, nans = sum(part.nulls for part in parts), sum(part.nans for part in parts)
        return cls._bounded(column.limit, categories, nulls, nans, hashed)

    @classmethod
    def _bounded(
        cls, limit: int, categories: dict[str, int], nulls: int, nans: int, hashed: Hashed | None
    ) -> Self:
        if hashed is None and len(categories) <= limit:
            return cls(categories, nulls, nans)
        # Which categories came first must not matter, so none keeps its name.
        folded = Hashed.of(categories)
        return cls({}, nulls, nans, folded if hashed is None else hashed + folded)

    @property
    def is_overflowed(self) -> bool:
        """Tell whether there were more categories than the grid's limit."""
        return self.hashed is not None

    @property
    def other(self) -> int:
        """Return the number of rows whose category is known by its hash only."""
        return self.hashed.rows if self.hashed else 0

    @property
    def distinct(self) -> int:
        """Return the number of categories; about, with an error of 3 percent, if there were too many."""
        if self.hashed is None:
            return len(self.categories)
        return round(distinct_estimate(self.hashed.registers))

    @property
    def lengths(self) -> Integers:
        """Return the rows by the number of characters of their category, the last place for all longer."""
        if self.hashed is not None:
            return self.hashed.lengths
        counts = np.fromiter(self.categories.values(), dtype=np.int64, count=len(self.categories))
        return length_counts(list(self.categories), counts)

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


@dataclass(frozen=True, slots=True)
class TimestampCounts:
    """A column of instants: rows by the hour of the week in UTC; the extremes as microseconds since 1970."""

    hours: Integers = field(default_factory=lambda: np.zeros(HOURS, dtype=np.int64))
    nulls: int = 0
    minimum: int | None = None
    maximum: int | None = None

    @classmethod
    def of(cls, column: TimestampColumn, chunks: list[Any]) -> Self:
        """Count the values of one column; raise BadInput for a type that is no instant."""
        hours, extremes, nulls = hours_of_week(column.name, chunks)
        counts = np.bincount(hours, minlength=HOURS).astype(np.int64)
        return cls(counts, nulls, *extremes)

    @classmethod
    def merged(cls, parts: Sequence[Self]) -> Self:
        """Add up the counts of several parts."""
        return cls(
            np.sum([part.hours for part in parts], axis=0),
            sum(part.nulls for part in parts),
            min((part.minimum for part in parts if part.minimum is not None), default=None),
            max((part.maximum for part in parts if part.maximum is not None), default=None),
        )

    @property
    def missing(self) -> int:
        """Return the number of rows without a value."""
        return self.nulls

    @property
    def present(self) -> int:
        """Return the number of rows with a value."""
        return int(self.hours.sum())

    @property
    def rows(self) -> int:
        """Return the number of rows counted."""
        return self.missing + self.present


type Counts = NumericCounts | CategoricalCounts | TimestampCounts


def _extremes(values: Numbers) -> tuple[float, float]:
    """Return the smallest and the largest value; NaN if there is one, zeros if there is none at all."""
    return (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)


def _labels(values: list[Any]) -> list[str | None]:
    """Name categories; a code is the same one as an integer, as a float without a fraction and as text."""
    if values and set(map(type, values)) == {str} and max(map(len, values)) <= _LONGEST_CATEGORY:
        return values
    return [_label(value) for value in values]


def _label(value: Any) -> str | None:
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
