"""Run one piece of work in a process of its own, and tell what it took."""

import json
import os
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

_LOOK_SECONDS = 0.02


@dataclass(frozen=True)
class Cost:
    """What a process took from its start to its end, and how many rows it found and how many bad ones."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    rows: int
    bad: int


def run(command: list[str | Path], folder: Path) -> Cost:
    """Run a command that prints its rows as JSON; raise RuntimeError with its words when it fails."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as words:
        started = time.perf_counter()
        process = subprocess.Popen([str(part) for part in command], stdout=out, stderr=words, cwd=folder)
        peak, ended = 0, 0
        while not ended:
            # The mark never falls, so that looking now and then finds it; getrusage would count what the
            # parent had before it became the child.
            peak = max(peak, _high_water_mark(process.pid))
            time.sleep(_LOOK_SECONDS)
            ended, status, used = os.wait4(process.pid, os.WNOHANG)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        words.seek(0)
        if process.returncode:
            raise RuntimeError(f"{command} failed ({process.returncode}): {words.read().decode()[-2000:]}")
        found = json.loads(out.read().splitlines()[-1])
    return Cost(seconds, used.ru_utime + used.ru_stime, peak, found["rows"], found["bad"])


def median(costs: list[Cost]) -> Cost:
    """Return the medians of a few runs."""
    return Cost(
        statistics.median(cost.seconds for cost in costs),
        statistics.median(cost.cpu_seconds for cost in costs),
        int(statistics.median(cost.peak_bytes for cost in costs)),
        costs[0].rows,
        costs[0].bad,
    )


def _high_water_mark(process: int) -> int:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)
