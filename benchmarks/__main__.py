"""`python -m benchmarks`: drift against the price of reading the data, and against scipy, in one run."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from trimtab.drift import Baseline, Settings, compare
from trimtab.profile import Grid, Kind, Profile

ROWS, NUMERIC, CATEGORICAL, ROUNDS = 1_000_000, 20, 10, 3


def make_table(seed: int) -> pa.Table:
    """Make rows with skewed, heavy-tailed and categorical columns."""
    random = np.random.default_rng(seed)
    columns: dict[str, pa.Array[Any]] = {}
    for number in range(NUMERIC):
        values = (
            random.lognormal(sigma=1 + number / NUMERIC, size=ROWS)
            if number % 2
            else random.normal(size=ROWS)
        )
        columns[f"n{number:02d}"] = pa.array(values)
    for number in range(CATEGORICAL):
        codes = random.zipf(1.5, ROWS) % (10 * (number + 1))
        columns[f"c{number}"] = pa.array(codes.astype(np.int32)).cast(pa.string()).dictionary_encode()
    return pa.table(columns)


def median_seconds(work: Callable[[], object]) -> float:
    """Return the median wall time of a few rounds."""
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def main() -> None:
    """Measure and print."""
    pa.set_cpu_count(1)
    table = make_table(0)
    kinds: dict[str, Kind] = {
        name: "numeric" if name[0] == "n" else "categorical" for name in table.column_names
    }
    grid = Grid.from_table(table, kinds)
    baseline = Baseline(Profile.of(grid, table), (), dict.fromkeys(kinds, 1 / len(kinds)))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "current.parquet"
        pq.write_table(make_table(1), path, row_group_size=131_072)
        dictionary = [name for name, kind in kinds.items() if kind == "categorical"]

        def decode() -> pa.Table:
            return pq.read_table(path, use_threads=False, read_dictionary=dictionary)

        current = Profile.of(grid, decode())
        measured = {
            "decode the Parquet file": median_seconds(decode),
            "decode and profile": median_seconds(lambda: Profile.of(grid, decode())),
            "compare two profiles": median_seconds(lambda: compare(baseline, current, Settings())),
            "scipy ks_2samp, numeric columns only": median_seconds(lambda: _scipy(table, decode())),
        }
    _print(measured, len(current.to_bytes()))


def _scipy(baseline: pa.Table, current: pa.Table) -> list[float]:
    from scipy.stats import ks_2samp

    names = [name for name in baseline.column_names if name[0] == "n"]
    return [ks_2samp(baseline[name].to_numpy(), current[name].to_numpy()).statistic for name in names]


def _print(measured: dict[str, float], size: int) -> None:
    floor = measured["decode the Parquet file"]
    table = Table(title=f"{ROWS:,} rows, {NUMERIC} numeric and {CATEGORICAL} categorical columns, one thread")
    table.add_column("work")
    table.add_column("seconds", justify="right")
    table.add_column("of decode", justify="right")
    for name, seconds in measured.items():
        table.add_row(name, f"{seconds:.3f}", f"{seconds / floor:.2f} x")
    console = Console()
    console.print(table)
    console.print(f"one profile takes {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
