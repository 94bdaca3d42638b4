"""The profile of a table that stays where it lies: one SQL statement for Athena, and what its answer means.

The statement counts on the same grid by the same arithmetic as `keys` does - a subtraction and an addition
of IEEE 754, then the upper bits of a float64 - so that the profile has the same bytes as the one that
`Profile.of` makes of the same rows. The dialect is that of Trino, Athena's engine version 3. UNNEST makes one
row per column of every row, so the table is scanned once, and of its columns only those of the grid.
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from trimtab.errors import BadInput
from trimtab.profile.arrow import CountedChunk
from trimtab.profile.builder import merged_counts
from trimtab.profile.counts import HOURS, CategoricalCounts, Counts, NumericCounts, TimestampCounts
from trimtab.profile.grid import SAFE, CategoricalColumn, Column, Grid, NumericColumn
from trimtab.profile.keys import CELLS_PER_SIGN, RESIDUAL_BITS, RESIDUALS, CellSums, Integers
from trimtab.profile.profile import Profile

pc: Any = pyarrow.compute

_INTEGERS = ("tinyint", "smallint", "int", "integer", "bigint")
_FLOATS = ("float", "real", "double")
_TEXTS = ("string", "varchar")
_INSTANTS = ("timestamp", "date")
_LOW_BITS = 52 - 10 - RESIDUAL_BITS  # of a float64, below those of the cell and the residual
_NAN, _POSITIVE, _NEGATIVE = -1, -2, -3  # in place of the cell, for values that have none
_TYPES = ("DOUBLE", "DOUBLE", "DOUBLE", "TIMESTAMP(6)", "VARCHAR")  # of what a row becomes, per column
_LONGEST_ARRAY = 200  # elements of one constructor: Trino's takes at most 254
_FAR = f"bitwise_right_shift(upper_bits, {RESIDUAL_BITS})"
_NEAR = f"CASE WHEN {_FAR} > {CELLS_PER_SIGN} THEN {CELLS_PER_SIGN} ELSE {_FAR} END"
_EPOCH = np.datetime64(0, "us")


@dataclass(frozen=True, slots=True)
class SqlTable:
    """A table as the Glue catalog has it: where it is found, and the types of its columns by their names."""

    database: str
    name: str
    types: Mapping[str, str]

    @property
    def address(self) -> str:
        """Return the name by which a statement reads it."""
        return f"{quoted(self.database)}.{quoted(self.name)}"

    def has(self, name: str) -> bool:
        """Tell whether it has a column; names in the catalog are in lower case, and found in any."""
        return name.lower() in self.types

    def type_of(self, name: str) -> str:
        """Return the type of a column without its parameters; raise BadInput if there is none."""
        if not self.has(name):
            raise BadInput(
                f"column {name!r} is missing; table {self.database}.{self.name} has "
                f"{', '.join(map(repr, self.types))}"
            )
        return self.types[name.lower()].partition("(")[0].strip().lower()


def quoted(name: str) -> str:
    """Return a name as an SQL identifier.

    >>> quoted('a "b" c')
    '"a ""b"" c"'
    """
    return '"' + name.replace('"', '""') + '"'


def profile_sql(grid: Grid, table: SqlTable, where: str = "") -> str:
    """Return the statement that counts a table's rows, those that `where` holds for, on a grid.

    Its answer has a row per occupied cell, hour or category of a column, in any order. Raises BadInput for a
    missing column and for a type that does not fit its column's kind.
    """
    columns = columns_in(grid, table)
    parts = [_parts(column, table) for column in columns]
    arrays = ",\n    ".join(map(_array, _TYPES, zip(*parts, strict=True)))
    condition = f"\n  WHERE (\n{where}\n  )" if where.strip() else ""
    # Names are quoted, numbers are ours, and the condition is the caller's own.
    return f"""\
WITH source AS (
  SELECT {", ".join(quoted(column.name) for column in columns)}
  FROM {table.address}{condition}
), cells AS (
  SELECT cell.item, cell.value, cell.distance, cell.instant, cell.category,
    {_upper_bits("abs(cell.distance) + cell.scale")}
      - {_upper_bits("cell.scale")} AS upper_bits
  FROM source CROSS JOIN UNNEST(
    {arrays}
  ) WITH ORDINALITY AS cell (value, distance, scale, instant, category, item)
), places AS (
  SELECT item, value, instant, category,
    CASE
      WHEN instant IS NOT NULL THEN (day_of_week(instant) - 1) * 24 + hour(instant)
      WHEN is_nan(value) THEN {_NAN}
      WHEN is_infinite(value) THEN CASE WHEN value > 0 THEN {_POSITIVE} ELSE {_NEGATIVE} END
      WHEN distance < 0 THEN {CELLS_PER_SIGN} - {_NEAR}
      ELSE {CELLS_PER_SIGN + 1} + {_NEAR}
    END AS place,
    CASE WHEN {_FAR} < {CELLS_PER_SIGN} THEN bitwise_and(upper_bits, {RESIDUALS - 1}) ELSE 0 END AS residual
  FROM cells
)
SELECT item, place, category, count(*) AS held, CAST(sum(residual) AS BIGINT) AS residuals,
  coalesce({_text_of_bits("min(value)")}, CAST(min(instant) AS VARCHAR)) AS low,
  coalesce({_text_of_bits("max(value)")}, CAST(max(instant) AS VARCHAR)) AS high
FROM places
GROUP BY item, place, category"""  # noqa: S608


def profile_of_answer(grid: Grid, table: SqlTable, answer: Iterable[pa.Table]) -> Profile:
    """Return the profile that the answer to `profile_sql` tells, in any number of parts, in any order."""
    columns = columns_in(grid, table)
    found: dict[str, Counts] = dict(Profile.empty(grid).columns)
    for part in answer:
        for item in pc.unique(part["item"]).to_pylist():
            column = columns[item - 1]
            rows = part.filter(pc.equal(part["item"], item)).combine_chunks()
            counts = _counts_of(column, table.type_of(column.name), rows)
            found[column.name] = merged_counts(column, [found[column.name], counts])
    return Profile(grid, found[columns[0].name].rows, found)


def columns_in(grid: Grid, table: SqlTable) -> list[Column]:
    """Return the grid's columns that the table is asked for, in the order of their numbers in the answer."""
    found = [
        column for _, column in sorted(grid.columns.items()) if not column.optional or table.has(column.name)
    ]
    if not found:
        raise BadInput(f"table {table.database}.{table.name} has no column of the grid; name another table")
    lower = [column.name.lower() for column in found]
    for column in found:
        if lower.count(column.name.lower()) > 1:
            raise BadInput(f"column {column.name!r} differs from another by case only, and SQL by nothing")
    return found


def _parts(column: Column, table: SqlTable) -> tuple[str, str, str, str, str]:
    """Return a column's value, distance, scale, instant and category: those that it has, else NULL."""
    kind, cell = table.type_of(column.name), f"source.{quoted(column.name)}"
    if isinstance(column, NumericColumn):
        value = _float_of(column.name, kind, cell)
        return value, _distance(column, kind, cell, value), double_of(column.scale), "NULL", "NULL"
    if isinstance(column, CategoricalColumn):
        return "NULL", "NULL", "NULL", "NULL", _category(column.name, kind, cell)
    if kind not in _INSTANTS:
        raise BadInput(f"column {column.name!r} has type {kind}, which is no instant; list it elsewhere")
    # An instant without a zone is taken in the session's, which is UTC.
    utc = f"CAST({cell} AS TIMESTAMP(6) WITH TIME ZONE) AT TIME ZONE 'UTC'"
    return "NULL", "NULL", "NULL", f"CAST({utc} AS TIMESTAMP(6))", "NULL"


def _array(kind: str, elements: tuple[str, ...]) -> str:
    parts = [elements[at : at + _LONGEST_ARRAY] for at in range(0, len(elements), _LONGEST_ARRAY)]
    typed = [f"CAST(ARRAY[{', '.join(part)}] AS ARRAY({kind}))" for part in parts]
    return " || ".join(typed)


def distance_of(column: NumericColumn, table: SqlTable, source: str) -> str:
    """Return the expression of a column's distance from its centre; raise BadInput if it is no number."""
    kind, cell = table.type_of(column.name), f"{source}.{quoted(column.name)}"
    return _distance(column, kind, cell, _float_of(column.name, kind, cell))


def between(column: str, start: datetime, end: datetime) -> str:
    """Return the condition that a column of instants lies in `[start, end)`; both are in UTC.

    >>> print(between("at", datetime(2013, 3, 1), datetime(2013, 4, 1)))
    "at" >= TIMESTAMP '2013-03-01 00:00:00' AND "at" < TIMESTAMP '2013-04-01 00:00:00'
    """
    first, last = (f"TIMESTAMP '{instant:%Y-%m-%d %H:%M:%S}'" for instant in (start, end))
    return f"{quoted(column)} >= {first} AND {quoted(column)} < {last}"


def _float_of(name: str, kind: str, cell: str) -> str:
    if kind in (*_INTEGERS, *_FLOATS):
        return f"CAST({cell} AS DOUBLE)"
    if kind == "decimal":
        # By way of text it is rounded once.
        return f"CAST(CAST({cell} AS VARCHAR) AS DOUBLE)"
    raise BadInput(
        f"column {name!r} has type {kind}, which is no number; list it under categorical, or mend the type "
        "in a view"
    )


def _distance(column: NumericColumn, kind: str, cell: str, value: str) -> str:
    """Subtract the centre, integers from integers where that cannot overflow: as `grid` does."""
    center = column.center
    plain = f"{value} - {double_of(float(center))}"
    if kind not in _INTEGERS or isinstance(center, float) or abs(center) >= SAFE:
        return plain
    whole = f"CAST({cell} AS BIGINT)"
    near = f"{whole} > {-SAFE} AND {whole} < {SAFE}"
    return f"CASE WHEN {near} THEN CAST({whole} - ({center}) AS DOUBLE) ELSE {plain} END"


def _category(name: str, kind: str, cell: str) -> str:
    if kind in _FLOATS:
        return _text_of_bits(f"CAST({cell} AS DOUBLE)")
    if kind in (*_INTEGERS, *_TEXTS, "boolean", "decimal"):
        return f"CAST({cell} AS VARCHAR)"
    raise BadInput(
        f"column {name!r} has type {kind}; a category is text, a boolean or a code: leave it out, or cast it "
        "in a view"
    )


def double_of(value: float) -> str:
    """Return a float64 as a literal, without rounding it."""
    return f"DOUBLE '{value!r}'"


def _upper_bits(value: str) -> str:
    return f"bitwise_right_shift(from_big_endian_64(to_ieee754_64({value})), {_LOW_BITS})"


def _text_of_bits(value: str) -> str:
    """Print a float64 without rounding it."""
    return f"CAST(from_big_endian_64(to_ieee754_64({value})) AS VARCHAR)"


def _counts_of(column: Column, kind: str, rows: pa.Table) -> Counts:
    if isinstance(column, NumericColumn):
        return _numeric(rows)
    if isinstance(column, CategoricalColumn):
        return _categorical(column, kind, rows)
    return _timestamps(rows)


def _numeric(rows: pa.Table) -> NumericCounts:
    apart: dict[int | None, int] = dict.fromkeys((None, _NAN, _POSITIVE, _NEGATIVE), 0)
    for place, held in zip(_values(rows, "place"), _values(rows, "held"), strict=True):
        if place in apart:
            apart[place] += held
    finite = rows.filter(pc.greater_equal(rows["place"], 0)).sort_by("place")
    return NumericCounts(
        CellSums(_integers(finite, "place"), _integers(finite, "held"), _integers(finite, "residuals")),
        apart[None],
        apart[_NAN],
        apart[_POSITIVE],
        apart[_NEGATIVE],
        min(map(_float_of_bits, _values(finite, "low")), default=None),
        max(map(_float_of_bits, _values(finite, "high")), default=None),
    )


def _categorical(column: CategoricalColumn, kind: str, rows: pa.Table) -> CategoricalCounts:
    nulls = sum(_values(rows.filter(pc.is_null(rows["category"])), "held"))
    known = rows.filter(pc.is_valid(rows["category"]))
    values = known["category"].combine_chunks()
    if kind in _FLOATS:
        values = values.cast(pa.int64()).view(pa.float64())
    elif kind in _INTEGERS:
        values = values.cast(pa.int64())
    elif kind == "decimal" and len(values):
        scale = len(values[0].as_py().partition(".")[2])
        values = values.cast(pa.decimal128(38, scale))
    return CategoricalCounts.of(column, [CountedChunk(values, _integers(known, "held"), nulls)])


def _timestamps(rows: pa.Table) -> TimestampCounts:
    known = rows.filter(pc.is_valid(rows["place"]))
    hours = np.zeros(HOURS, dtype=np.int64)
    np.add.at(hours, _integers(known, "place"), _integers(known, "held"))
    nulls = sum(_values(rows.filter(pc.is_null(rows["place"])), "held"))
    return TimestampCounts(
        hours,
        nulls,
        min(map(_microseconds, _values(known, "low")), default=None),
        max(map(_microseconds, _values(known, "high")), default=None),
    )


def _values(rows: pa.Table, name: str) -> list[Any]:
    return rows[name].to_pylist()


def _integers(rows: pa.Table, name: str) -> Integers:
    return np.array(_values(rows, name), dtype=np.int64)


def _float_of_bits(text: str) -> float:
    value: float = struct.unpack("<d", struct.pack("<q", int(text)))[0]
    return value + 0.0  # which makes -0.0 and 0.0 one value


def _microseconds(text: str) -> int:
    return int((np.datetime64(text, "us") - _EPOCH).astype(np.int64))
