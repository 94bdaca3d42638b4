"""`python -m benchmarks.examination.ours FILE GRID FOLDER`: all that an upload gets, on this machine."""

import json
import sys
from pathlib import Path

from trimtab.contract.contract import read_contract
from trimtab.contract.examination import examine_file
from trimtab.contract.part import PartCheck
from trimtab.profile import Grid
from trimtab.project import load_project
from trimtab.reading.sources import FileSource

ROOT = Path(__file__).parents[2]


def main(file: Path, grid_file: Path, folder: Path) -> None:
    """Examine, and tell how many rows there are and how many are bad."""
    contract = read_contract(Path(__file__).with_name("contract.py"), "bench")
    project = load_project(ROOT / "pipelines/flights")
    grid = Grid.from_dict(json.loads(grid_file.read_bytes()))
    examined = examine_file(FileSource(file), PartCheck(contract, project, folder, grid))
    if examined.clean is None or not all(part.profile for part in examined.clean.files):
        raise SystemExit(f"{file} was not examined to its end: {examined.refusal}")
    print(json.dumps({"rows": examined.rows, "bad": examined.bad}))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
