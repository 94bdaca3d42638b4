"""The files that the drift benchmarks read: 20 numeric and 10 categorical columns, the same on every machine.

Six columns of the current side have drifted: a mean by 0.1 standard deviations, a scale by a tenth, the shape
of a heavy tail, a mixture, five categories of fifty and the tail of ten thousand.
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from trimtab.profile import Kind

type Side = Literal["baseline", "current"]

CHUNK = 1_000_000  # rows generated at a time
ROW_GROUP = 131_072
CARDINALITIES = (2, 5, 10, 50, 100, 500, 10_000, 20, 1_000, 3)
_NUMBERS: dict[str, Kind] = {f"n{number:02d}": "numeric" for number in range(20)}
_CATEGORIES: dict[str, Kind] = {f"c{number}": "categorical" for number in range(len(CARDINALITIES))}
KINDS = _NUMBERS | _CATEGORIES


def ensure_file(folder: Path, side: Side, rows: int) -> Path:
    """Return the Parquet file of one side; write it when it is not there."""
    path = folder / f"{side}-{rows}.parquet"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    writer: pq.ParquetWriter | None = None
    for number, start in enumerate(range(0, rows, CHUNK)):
        table = make_rows(side, number, min(CHUNK, rows - start))
        # Without Arrow's own schema the categories are plain text, as other writers leave them.
        writer = writer or pq.ParquetWriter(
            unfinished, table.schema, compression="snappy", store_schema=False
        )
        writer.write_table(table, row_group_size=ROW_GROUP)
    if writer is not None:
        writer.close()
    unfinished.rename(path)
    return path


def make_rows(side: Side, chunk: int, count: int) -> pa.Table:
    """Make one chunk of rows; chunks and sides differ by their seed, and sides by the planted drift."""
    random = np.random.default_rng([7, chunk, side == "current"])
    drifted = side == "current"
    columns: dict[str, Any] = dict(zip(_NUMBERS, _numbers(random, count, drifted), strict=True))
    for share, name in ((0.02, "n03"), (0.2, "n04"), (0.05, "n15")):
        columns[name] = pa.array(columns[name], mask=random.random(count) < share)
    for number, cardinality in enumerate(CARDINALITIES):
        weights = 1 / np.arange(1, cardinality + 1)
        if drifted and number == 3:
            weights[:5] *= 1.15
        if drifted and number == 6:
            weights[1000:] *= 1.25
        bounds = np.cumsum(weights / weights.sum())
        codes: Any = np.minimum(np.searchsorted(bounds, random.random(count)), cardinality - 1)
        names = pa.array([f"value {code}" for code in range(cardinality)])
        columns[f"c{number}"] = pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), names)
    return pa.table(columns)


def _numbers(random: np.random.Generator, count: int, drifted: bool) -> list[npt.NDArray[Any]]:
    normal, lognormal = random.standard_normal, random.lognormal
    mixed = random.random(count) < (0.55 if drifted else 0.5)
    return [
        normal(count) + (0.1 if drifted else 0.0),
        normal(count),
        50 + 10 * normal(count),
        normal(count),
        normal(count),
        lognormal(0, 1, count),
        lognormal(0, 1.2, count) * (1.1 if drifted else 1.0),
        lognormal(0, 1.6, count),
        random.exponential(2, count),
        random.gamma(2, 3, count),
        random.pareto(1.4 if drifted else 1.5, count) + 1,
        random.standard_t(2, count),
        random.poisson(4, count),
        random.integers(0, 1000, count),
        random.random(count),
        random.random(count),
        np.where(random.random(count) < 0.6, 0.0, np.round(random.exponential(20, count), 2)),
        random.integers(1950, 2013, count),
        1_700_000_000 + random.integers(0, 86_400 * 30, count),
        np.where(mixed, normal(count), 5 + normal(count)),
    ]
