"""A profile: what Trimtab remembers of any amount of rows, in kilobytes that add up exactly."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self, cast

import numpy as np
import pyarrow as pa

from trimtab.canonical import sha256_hex
from trimtab.errors import BadInput, Conflict
from trimtab.profile.arrow import chunks_of
from trimtab.profile.counts import CategoricalCounts, Counts, NumericCounts
from trimtab.profile.encoding import compress, decompress, pack, unpack_arrays, unpack_header
from trimtab.profile.grid import Column, Grid, NumericColumn
from trimtab.profile.keys import CELLS, CellSums, Integers

_MAGIC = b"TTP\x01"
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

    @classmethod
    def empty(cls, grid: Grid) -> Self:
        """Return the profile of no rows."""
        return cls(grid, 0, {name: _nothing(column) for name, column in sorted(grid.columns.items())})

    @classmethod
    def of(cls, grid: Grid, data: pa.Table | pa.RecordBatch) -> Self:
        """Profile rows; columns outside the grid are ignored, and only a score may be absent.

        Raises BadInput for a missing column and for a type that does not fit the column's kind.

        >>> numbers = pa.Array.from_buffers(pa.float64(), 3, [None, pa.py_buffer(np.array([1.0, 1.0, 5.0]))])
        >>> table = pa.table({"x": numbers})
        >>> profile = Profile.of(Grid.from_table(table, {"x": "numeric"}), table)
        >>> (profile + profile).rows, profile.columns["x"].maximum
        (6, 5.0)
        """
        columns: dict[str, Counts] = {}
        for name, column in sorted(grid.columns.items()):
            if column.optional and name not in data.schema.names:
                columns[name] = _nothing(column)
                continue
            chunks = chunks_of(data, name)
            if isinstance(column, NumericColumn):
                columns[name] = NumericCounts.of(column, chunks)
            else:
                columns[name] = CategoricalCounts.of(column, chunks)
        return cls(grid, data.num_rows, columns)

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
        columns: dict[str, Counts] = {}
        for name, column in sorted(grid.columns.items()):
            counts = [part.columns[name] for part in parts]
            if isinstance(column, NumericColumn):
                columns[name] = NumericCounts.merged(cast(list[NumericCounts], counts))
            else:
                columns[name] = CategoricalCounts.merged(column, cast(list[CategoricalCounts], counts))
        return cls(grid, sum(part.rows for part in parts), columns)

    def merge(self, other: Self) -> Self:
        """Return the profile of both profiles' rows; raise Conflict for unequal grids."""
        return self.merged([self, other])

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
            if isinstance(counts, NumericCounts):
                columns[name] = {field: getattr(counts, field) for field in _NUMERIC_FIELDS}
                steps = np.diff(counts.sums.cells, prepend=0)
                arrays += [steps, counts.sums.counts, counts.sums.residuals]
            else:
                totals = {"nulls": counts.nulls, "nans": counts.nans, "other": counts.other}
                columns[name] = {**totals, "categories": list(counts.categories)}
                arrays.append(np.fromiter(counts.categories.values(), dtype=np.int64))
        return pack({"grid": self.grid.to_dict(), "rows": self.rows, "columns": columns}, arrays)

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
            profile = cls(grid, int(header["rows"]), columns)
        except (KeyError, TypeError, ValueError, StopIteration) as error:
            raise BadInput(f"profile is damaged ({error!r}); write it again from its data") from error
        _check(profile)
        return profile


def _nothing(column: Column) -> Counts:
    return NumericCounts() if isinstance(column, NumericColumn) else CategoricalCounts()


def _read_counts(column: Column, stored: Mapping[str, Any], arrays: Iterator[Integers]) -> Counts:
    if isinstance(column, NumericColumn):
        cells, counts, residuals = np.cumsum(next(arrays)), next(arrays), next(arrays)
        if not len(cells) == len(counts) == len(residuals):
            raise ValueError(f"arrays of column {column.name!r} differ in length")
        if len(cells) and (cells[-1] >= CELLS or np.any(np.diff(cells) <= 0) or np.any(counts <= 0)):
            raise ValueError(f"cells of column {column.name!r} are out of order or empty")
        return NumericCounts(
            CellSums(cells, counts, residuals), **{name: stored[name] for name in _NUMERIC_FIELDS}
        )
    names: list[str] = stored["categories"]
    categories = dict(zip(names, next(arrays).tolist(), strict=True))
    if sorted(categories) != names:
        raise ValueError(f"categories of column {column.name!r} are out of order")
    return CategoricalCounts(categories, int(stored["nulls"]), int(stored["nans"]), int(stored["other"]))


def _check(profile: Profile) -> None:
    for name, counts in profile.columns.items():
        absent = profile.grid.columns[name].optional
        if counts.rows > profile.rows or (counts.rows < profile.rows and not absent):
            raise BadInput(f"profile counts {counts.rows} of {profile.rows} rows in {name!r}; write it again")
