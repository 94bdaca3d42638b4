"""A profile: what Trimtab remembers of any amount of rows, in kilobytes that add up exactly."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import pyarrow as pa

from trimtab.canonical import sha256_hex
from trimtab.errors import BadInput, Conflict
from trimtab.profile.builder import ProfileBuilder, merged_counts
from trimtab.profile.counts import HOURS, CategoricalCounts, Counts, Hashed, NumericCounts, TimestampCounts
from trimtab.profile.encoding import (
    compress,
    decompress,
    pack,
    signed,
    unpack_arrays,
    unpack_header,
    unsigned,
)
from trimtab.profile.grid import CategoricalColumn, Column, Grid, NumericColumn
from trimtab.profile.hashing import BUCKETS, LONGEST, REGISTERS
from trimtab.profile.keys import CELLS, CellSums, Integers, middles
from trimtab.profile.second_moments import SecondMoments

# The first version's residuals were rounded, so its counts would not add up to the last bit with these; the
# second's were not told from the middle of their cells.
_MAGIC = b"TTP\x03"
_NUMERIC_FIELDS = ("nulls", "nans", "positive_infinities", "negative_infinities", "minimum", "maximum")


@dataclass(frozen=True, eq=False)
class Profile:
    """Counts per column on a grid.

    Merging is commutative and associative, `empty` is its identity, and equal contents give equal bytes:
    a row group, a file, a shard, a day and a month are the same thing, in any order.
    """

    grid: Grid
    rows: int
    columns: Mapping[str, Counts]
    moments: SecondMoments | None = None

    @classmethod
    def empty(cls, grid: Grid) -> Self:
        """Return the profile of no rows."""
        return cls(grid, 0, ProfileBuilder(grid).counts())

    @classmethod
    def of(cls, grid: Grid, data: pa.Table | pa.RecordBatch, *, second_moments: bool = False) -> Self:
        """Profile rows; columns outside the grid are ignored, and only a score may be absent.

        `second_moments` adds how numeric columns move together, for about the price of decoding them again.
        Raises BadInput for a missing column and for a type that does not fit the column's kind.

        >>> numbers = pa.Array.from_buffers(pa.float64(), 3, [None, pa.py_buffer(np.array([1.0, 1.0, 5.0]))])
        >>> table = pa.table({"x": numbers})
        >>> profile = Profile.of(Grid.from_table(table, {"x": "numeric"}), table)
        >>> (profile + profile).rows, profile.columns["x"].maximum
        (6, 5.0)
        """
        return cls.of_batches(grid, [data], second_moments=second_moments)

    @classmethod
    def of_batches(
        cls, grid: Grid, batches: Iterable[pa.Table | pa.RecordBatch], *, second_moments: bool = False
    ) -> Self:
        """Profile any number of batches in one pass, in memory that does not grow with their number."""
        builder = ProfileBuilder(grid, second_moments=second_moments)
        for batch in batches:
            builder.add(batch)
        return cls(grid, builder.rows, builder.counts(), builder.moments)

    @classmethod
    def merged(cls, profiles: Iterable[Self]) -> Self:
        """Add up one or more profiles at once, which is faster than one after the other.

        Raises BadInput for none, Conflict for profiles of unequal grids.
        """
        parts = list(profiles)
        if not parts:
            raise BadInput("no profile to merge; start from Profile.empty(grid)")
        grid = parts[0].grid
        for part in parts:
            if part.grid.id != grid.id:
                raise Conflict(
                    f"profiles of grids {grid.id[:12]} and {part.grid.id[:12]} cannot be added up; "
                    "profile both from their data on the project's grid"
                )
        columns = {
            name: merged_counts(column, [part.columns[name] for part in parts])
            for name, column in sorted(grid.columns.items())
        }
        return cls(grid, sum(part.rows for part in parts), columns, _moments_of(parts))

    def merge(self, other: Self) -> Self:
        """Return the profile of both profiles' rows; raise Conflict for unequal grids."""
        return self.merged([self, other])

    def rounded(self) -> Self:
        """Return the profile with every number in the middle of its cell: of less than half the bytes.

        Counts are the same, and so is every test; only the Wasserstein distance knows where in a cell values
        lie.
        """
        columns = {name: _rounded(counts) for name, counts in self.columns.items()}
        return replace(self, columns=columns)

    def __add__(self, other: Self) -> Self:
        return self.merge(other)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Profile) and self.payload == other.payload

    def __hash__(self) -> int:
        return hash(self.payload)

    @cached_property
    def payload(self) -> bytes:
        """Return the bytes that equal profiles have in common on every machine."""
        columns: dict[str, dict[str, Any]] = {}
        arrays: list[Integers] = []
        for name, counts in sorted(self.columns.items()):
            columns[name], found = _fields_and_arrays(counts)
            arrays += found
        header = {"grid": self.grid.to_dict(), "rows": self.rows, "columns": columns}
        if self.moments is not None:
            header["moments"] = list(self.moments.names)
            arrays.append(unsigned(self.moments.products.ravel()))
        return pack(header, arrays)

    @property
    def key(self) -> str:
        """Return the sha256 of the payload: the name of this content."""
        return sha256_hex(self.payload)

    def to_bytes(self) -> bytes:
        """Return the profile compressed, for storing."""
        return compress(_MAGIC, self.payload)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` wrote; raise BadInput for another format, damage or impossible counts."""
        return cls.from_payload(decompress(_MAGIC, "profile", data))

    @classmethod
    def from_payload(cls, payload: bytes) -> Self:
        """Read a payload; raise BadInput for damage and for impossible counts."""
        text, start = unpack_header(payload)
        arrays = unpack_arrays(payload, start)
        try:
            header = json.loads(text)
            grid = Grid.from_dict(header["grid"])
            stored: dict[str, Any] = header["columns"]
            columns = {
                name: _read_counts(column, stored[name], arrays)
                for name, column in sorted(grid.columns.items())
            }
            profile = cls(grid, int(header["rows"]), columns, _read_moments(header, arrays))
        except (KeyError, TypeError, ValueError, StopIteration) as error:
            raise BadInput(f"profile is damaged ({error!r}); write it again from its data") from error
        _check(profile)
        return profile


def _moments_of(parts: list[Any]) -> SecondMoments | None:
    """Add up second moments; without those of all rows there are none."""
    found = [part.moments for part in parts if part.rows]
    if not found or any(part is None for part in found):
        return None
    total: SecondMoments = found[0]
    for part in found[1:]:
        total += part
    return total


def _rounded(counts: Counts) -> Counts:
    if not isinstance(counts, NumericCounts):
        return counts
    return replace(counts, sums=counts.sums._replace(residuals=middles(counts.sums)))


def _fields_and_arrays(counts: Counts) -> tuple[dict[str, Any], list[Integers]]:
    if isinstance(counts, NumericCounts):
        steps = np.diff(counts.sums.cells, prepend=0)
        fields = {name: getattr(counts, name) for name in _NUMERIC_FIELDS}
        # Around the middle of a cell, residuals are small, and none at all where they were left out.
        return fields, [steps, counts.sums.counts, unsigned(counts.sums.residuals - middles(counts.sums))]
    if isinstance(counts, TimestampCounts):
        extremes = {"minimum": counts.minimum, "maximum": counts.maximum}
        return {"nulls": counts.nulls, **extremes}, [counts.hours]
    names = sorted(counts.categories)
    rows = np.fromiter(map(counts.categories.__getitem__, names), dtype=np.int64, count=len(names))
    totals = {"nulls": counts.nulls, "nans": counts.nans}
    if counts.hashed is None:
        return {**totals, "categories": names}, [rows]
    return totals, [counts.hashed.buckets, counts.hashed.registers, counts.hashed.lengths]


def _read_counts(column: Column, stored: Mapping[str, Any], arrays: Iterator[Integers]) -> Counts:
    if isinstance(column, NumericColumn):
        return _read_numeric(column, stored, arrays)
    if not isinstance(column, CategoricalColumn):
        hours = _sized(next(arrays), HOURS)
        return TimestampCounts(hours, int(stored["nulls"]), stored["minimum"], stored["maximum"])
    nulls, nans = int(stored["nulls"]), int(stored["nans"])
    if "categories" not in stored:
        sizes = (BUCKETS, REGISTERS, LONGEST + 2)
        return CategoricalCounts({}, nulls, nans, Hashed(*(_sized(next(arrays), size) for size in sizes)))
    names: list[str] = stored["categories"]
    categories = dict(zip(names, next(arrays).tolist(), strict=True))
    if sorted(categories) != names:
        raise ValueError(f"categories of column {column.name!r} are out of order")
    return CategoricalCounts(categories, nulls, nans)


def _read_numeric(column: Column, stored: Mapping[str, Any], arrays: Iterator[Integers]) -> NumericCounts:
    cells, counts, around = np.cumsum(next(arrays)), next(arrays), signed(next(arrays))
    if not len(cells) == len(counts) == len(around):
        raise ValueError(f"arrays of column {column.name!r} differ in length")
    if len(cells) and (cells[-1] >= CELLS or np.any(np.diff(cells) <= 0) or np.any(counts <= 0)):
        raise ValueError(f"cells of column {column.name!r} are out of order or empty")
    sums = CellSums(cells, counts, around)
    return NumericCounts(
        CellSums(cells, counts, around + middles(sums)), **{name: stored[name] for name in _NUMERIC_FIELDS}
    )


def _read_moments(header: Mapping[str, Any], arrays: Iterator[Integers]) -> SecondMoments | None:
    if "moments" not in header:
        return None
    names = tuple(str(name) for name in header["moments"])
    side = len(names) + 1
    return SecondMoments(names, signed(_sized(next(arrays), side * side)).reshape(side, side))


def _sized(array: Integers, length: int) -> Integers:
    if len(array) != length:
        raise ValueError(f"an array has {len(array)} places instead of {length}")
    return array


def _check(profile: Profile) -> None:
    for name, counts in profile.columns.items():
        absent = profile.grid.columns[name].optional
        if counts.rows > profile.rows or (counts.rows < profile.rows and not absent):
            raise BadInput(f"profile counts {counts.rows} of {profile.rows} rows in {name!r}; write it again")
