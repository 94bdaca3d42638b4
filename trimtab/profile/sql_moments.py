"""The second moments of a table that stays where it lies: one more statement, over its numbers only."""

from itertools import combinations_with_replacement

import numpy as np
import pyarrow as pa

from trimtab.profile.grid import Grid, NumericColumn
from trimtab.profile.second_moments import REACH, STEPS, SecondMoments
from trimtab.profile.sql import SqlTable, distance_of, double_of

# Added and taken away again, it rounds to whole numbers, halves to the even one, as `rint` does; Trino's own
# `round` takes halves away from zero.
_ROUNDER = double_of(1.5 * 2.0**52)


def moments_sql(grid: Grid, table: SqlTable, where: str = "") -> str:
    """Return the statement whose answer is one row of sums of products.

    Raises BadInput for a missing column and for one that is no number.
    """
    columns = _numeric(grid)
    steps = [_step(number, column, table) for number, column in enumerate(columns)]
    distances = [
        f"({distance_of(column, table, 'source')}) * {_per_unit(column)} AS d{number}"
        for number, column in enumerate(columns)
        if table.has(column.name)
    ]
    sums = [
        f"CAST(sum(s{i} * s{j}) AS BIGINT) AS p{i}_{j}"
        for i, j in combinations_with_replacement(range(len(columns) + 1), 2)
    ]
    condition = f"\n  WHERE (\n{where}\n  )" if where.strip() else ""
    # Names are quoted, numbers are ours, and the condition is the caller's own.
    return f"""\
WITH distances AS (
  SELECT {", ".join([*distances, "1 AS one"])}
  FROM {table.address} AS source{condition}
), steps AS (
  SELECT {", ".join([*steps, f"CAST(one AS BIGINT) AS s{len(columns)}"])}
  FROM distances
)
SELECT {", ".join(sums)}
FROM steps"""  # noqa: S608


def moments_of_answer(grid: Grid, answer: pa.Table) -> SecondMoments | None:
    """Return the second moments that the answer to `moments_sql` tells; None if no row was there."""
    names = tuple(column.name for column in _numeric(grid))
    side = len(names) + 1
    [row] = answer.to_pylist()
    if row[f"p{side - 1}_{side - 1}"] is None:
        return None
    products = np.zeros((side, side), dtype=np.int64)
    for i, j in combinations_with_replacement(range(side), 2):
        products[i, j] = products[j, i] = row[f"p{i}_{j}"]
    return SecondMoments(names, products)


def _numeric(grid: Grid) -> list[NumericColumn]:
    return [column for _, column in sorted(grid.columns.items()) if isinstance(column, NumericColumn)]


def _step(number: int, column: NumericColumn, table: SqlTable) -> str:
    """Place a value in whole steps from the centre; one that is missing counts as the centre."""
    if column.optional and not table.has(column.name):
        return f"CAST(0 AS BIGINT) AS s{number}"
    d = f"d{number}"
    whole = f"CAST({d} + {_ROUNDER} - {_ROUNDER} AS BIGINT)"
    return (
        f"CASE WHEN {d} IS NULL OR is_nan({d}) THEN 0 WHEN {d} > {REACH} THEN {REACH} "
        f"WHEN {d} < {-REACH} THEN {-REACH} ELSE {whole} END AS s{number}"
    )


def _per_unit(column: NumericColumn) -> str:
    return double_of(float(np.ldexp(1.0, -column.exponent)) * STEPS)
