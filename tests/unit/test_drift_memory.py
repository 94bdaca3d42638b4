"""Comparing text takes no more memory for more rows: measured in processes of their own, by their peaks."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

MEASURED = """
import sys
from pathlib import Path
from trimtab.cli import main

sys.argv = ["trimtab", "drift", "compare", sys.argv[1], sys.argv[1], "--slices", "8", "--json"]
try:
    main()
finally:
    # Not ru_maxrss, which begins with the peak of the process that started this one.
    lines = Path("/proc/self/status").read_text().splitlines()
    print(*(line.split()[1] for line in lines if line.startswith("VmHWM:")), file=sys.stderr)
"""


def write(path: Path, rows: int) -> int:
    random = np.random.default_rng(1)
    numbers, places = random.normal(size=rows), random.choice(["Rome", "Oslo", "Lima"], rows)
    with path.open("w") as file:
        if path.suffix == ".csv":
            file.write("weight,place,note\n")
            file.writelines(
                f"{one},{place},{'x' * 100}\n" for one, place in zip(numbers, places, strict=True)
            )
        else:
            for one, place in zip(numbers, places, strict=True):
                file.write(json.dumps({"weight": one, "place": str(place), "note": "x" * 100}) + "\n")
    return path.stat().st_size


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, suffix: str) -> None:
    sizes, peaks = [], []
    for rows in (60_000, 480_000):
        path = tmp_path / f"{rows}.{suffix}"
        sizes.append(write(path, rows))
        ran = subprocess.run(
            [sys.executable, "-c", MEASURED, str(path)], capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
        assert json.loads(ran.stdout)["rows"]["current"] == rows
        peaks.append(int(ran.stderr.split()[-1]) * 1024)
    # Chunks have 4 MB; even the smaller file fills two, and the other has fifty megabytes more.
    assert peaks[1] - peaks[0] < (sizes[1] - sizes[0]) / 3
