"""`python -m benchmarks.drift.work WORK ...`: one piece of work in a process of its own; its cost as JSON.

The cost printed leaves out imports and a warm-up on a few rows; whoever starts the process sees the whole.
"""

import importlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

# Imports are within: one of the works measures them, and the sums of the others must not hold what they
# do not need.


def batches(path: Path, times: int = 1) -> "Iterator[pa.Table]":
    """Read a Parquet file one row group after the other, any number of times, on one thread."""
    import pyarrow.parquet as pq

    for _ in range(times):
        # Read, not mapped: pages of a mapped file would count as this process's memory.
        schema = pq.read_schema(path)
        text = [field.name for field in schema if str(field.type) == "string"]
        with pq.ParquetFile(path, read_dictionary=text) as file:
            for number in range(file.num_row_groups):
                yield file.read_row_group(number, use_threads=False)


def generate(folder: str, side: Any, rows: str) -> dict[str, Any]:
    """Write the file of one side."""
    from benchmarks.drift.rows import ensure_file

    return {"path": str(ensure_file(Path(folder), side, int(rows)))}


def baseline(path: str, target: str, second_moments: str) -> dict[str, Any]:
    """Profile the baseline's file on a grid fitted to its first row group, and store it."""
    made = _baseline(Path(path), second_moments == "yes")
    Path(target).write_bytes(made.to_bytes())
    return {"bytes": Path(target).stat().st_size}


def decode(path: str, times: str = "1") -> dict[str, Any]:
    """Decode every column and drop it: what everything else is compared with."""
    next(batches(Path(path))).slice(0, 1000)
    return _measured(lambda: {"rows": sum(batch.num_rows for batch in batches(Path(path), int(times)))})


def compare(path: str, stored: str, times: str = "1") -> dict[str, Any]:
    """Decode, profile and compare with a stored baseline: every statistic and effect of every column."""
    from trimtab.drift import Baseline
    from trimtab.drift import compare as judge
    from trimtab.profile import Profile

    known = Baseline.from_bytes(Path(stored).read_bytes())
    grid, moments = known.profile.grid, known.profile.moments is not None

    def work() -> dict[str, Any]:
        current = Profile.of_batches(grid, batches(Path(path), int(times)), second_moments=moments)
        return _told(judge(known, current))

    few = next(batches(Path(path))).slice(0, 1000)
    judge(known, Profile.of(grid, few, second_moments=moments))
    return _measured(work)


def both(first: str, second: str) -> dict[str, Any]:
    """Do what the peers do: read two files, know nothing before, and say which columns drifted."""
    from trimtab.drift import compare as judge
    from trimtab.profile import Profile

    known = _baseline(Path(first), second_moments=False)
    current = Profile.of_batches(known.profile.grid, batches(Path(second)))
    return _told(judge(known, current))


def handler(name: str, runtime: str) -> dict[str, Any]:
    """Import a Lambda handler; `runtime` says whether what Lambda's own runtime brings counts."""
    if runtime == "without":
        for module in ("boto3", "botocore.session", "botocore.httpsession"):
            importlib.import_module(module)
    return _measured(lambda: {"module": importlib.import_module(f"lambdas.{name}.handler").__name__})


def _baseline(path: Path, second_moments: bool) -> Any:
    from benchmarks.drift.rows import KINDS
    from trimtab.drift import Baseline
    from trimtab.profile import Grid, Profile

    grid = Grid.from_table(next(batches(path)), KINDS)
    return Baseline(Profile.of_batches(grid, batches(path), second_moments=second_moments))


def _told(report: Any) -> dict[str, Any]:
    drifted = sorted(feature.name for feature in report.features if feature.verdict == "drifted")
    return {"rows": report.current_rows, "drifted": drifted}


def _measured(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    wall, processor = time.perf_counter(), time.process_time()
    told = work()
    return told | {"cpu": time.process_time() - processor, "wall": time.perf_counter() - wall}


WORKS: dict[str, Callable[..., dict[str, Any]]] = {
    work.__name__: work for work in (generate, baseline, decode, compare, both, handler)
}

if __name__ == "__main__":
    print(json.dumps(WORKS[sys.argv[1]](*sys.argv[2:])))
