"""Run one piece of work in a process of its own, on one thread, and see what it cost."""

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
     "VECLIB_MAXIMUM_THREADS", "POLARS_MAX_THREADS", "NUMBA_NUM_THREADS"), "1"
)  # fmt: skip
# What the peers send home would be measured as theirs, and fail without a network.
_SILENT = {"DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1", "WHYLOGS_NO_ANALYTICS": "True"}


class WorkFailed(Exception):
    """A measured process failed; the message ends with what it printed."""


@dataclass(frozen=True)
class Cost:
    """What a process took: all of it, from start to end, and what it told about its inner part."""

    wall: float
    cpu: float
    megabytes: float  # the highest resident memory
    told: dict[str, Any]


def run(command: Sequence[str | Path]) -> Cost:
    """Run a command to its end and read the JSON that it prints last; raise WorkFailed when it fails.

    The caller itself must stay small: Linux counts its memory to the child that it starts.
    """
    words = [str(word) for word in command]
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        child = subprocess.Popen(
            words, cwd=ROOT, env=os.environ | _ONE_THREAD | _SILENT, stdout=printed, stderr=errors
        )
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        printed.seek(0)
        errors.seek(0)
        if child.returncode:
            tail = errors.read().decode(errors="replace")[-1500:]
            raise WorkFailed(f"{' '.join(words)} ended with exit code {child.returncode}: {tail}")
        told = json.loads(printed.read().splitlines()[-1])
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6, told)


def median(costs: Sequence[Cost]) -> Cost:
    """Return the medians of several runs of one work, with what the last one told."""
    told: dict[str, Any] = dict(costs[-1].told)
    for name in ("cpu", "wall"):
        if name in told:
            told[name] = statistics.median(cost.told[name] for cost in costs)
    return Cost(
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.cpu for cost in costs),
        statistics.median(cost.megabytes for cost in costs),
        told,
    )
