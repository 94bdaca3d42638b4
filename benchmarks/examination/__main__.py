"""`python -m benchmarks.examination`: our examination of a CSV file, and the same checks by peers."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from assets.synth import OUTPUT
from benchmarks.examination.flights import ensure_file, ensure_grid
from benchmarks.examination.process import Cost, median, run
from benchmarks.examination.report import OURS, PANDERA, report
from benchmarks.peers.environment import ensure_peer
from trimtab.project import load_project

ROOT = Path(__file__).parents[2]
FILES = ROOT / "build/bench"
SMALL, ROUNDS = 0.5, 3  # up to how many gigabytes a figure is the median of how many runs


def main(
    sizes: Annotated[str, typer.Option(help="Gigabytes of the files that all examine.")] = "0.1,1",
    ours: Annotated[str, typer.Option(help="Gigabytes of files that only Trimtab examines.")] = "",
) -> None:
    """Measure, print, and write the page."""
    common = [float(size) for size in sizes.split(",") if size]
    alone = [float(size) for size in ours.split(",") if size]
    memory_mb = _memory_of("validate_upload")
    grid = ensure_grid(FILES, load_project(ROOT / "pipelines/flights"))
    costs: dict[tuple[float, str], Cost] = {}
    for size in sorted({*common, *alone}):
        file, made = ensure_file(FILES, size)
        commands = _commands(file, grid)
        for name in commands if size in common else [OURS]:
            rounds = ROUNDS if size <= SMALL else 1
            cost = median([_measure(commands[name]) for _ in range(rounds)])
            print(f"{size:g} GB, {name}: {cost}", file=sys.stderr)
            costs[size, name] = cost
            expected = made.rows, costs[size, OURS].bad
            if (cost.rows, cost.bad) != expected:
                raise SystemExit(f"{name} finds {cost.rows:,} rows and {cost.bad:,} bad ones, not {expected}")
    report(costs, memory_mb)


def _commands(file: Path, grid: Path) -> Mapping[str, list[str | Path]]:
    """Return what to run; the last argument, a folder for what is written, is added."""
    peers = Path("benchmarks/peers")
    return {
        OURS: [sys.executable, "-m", "benchmarks.examination.ours", file, grid],
        PANDERA: [sys.executable, peers / "pandera_frame.py", file, "benchmarks/examination/contract.py"],
        "pandas + Great Expectations": [
            ensure_peer(ROOT, "great_expectations"),
            peers / "great_expectations_frame.py",
            file,
        ],
        "DuckDB": [ensure_peer(ROOT, "duckdb"), peers / "duckdb_file.py", file],
    }


def _measure(command: list[str | Path]) -> Cost:
    with TemporaryDirectory(dir=FILES) as folder:
        return run([*command, folder], ROOT)


def _memory_of(function: str) -> int:
    """Return the memory that the synthesized stack gives a function."""
    for template in sorted((ROOT / OUTPUT).rglob("*.template.json")):
        for resource in json.loads(template.read_text())["Resources"].values():
            properties = resource.get("Properties", {})
            if properties.get("Handler") == f"lambdas.{function}.handler.handler":
                return int(properties["MemorySize"])
    raise SystemExit(f"no stack in {OUTPUT} has the function {function}; run: make synth")


if __name__ == "__main__":
    typer.run(main)
