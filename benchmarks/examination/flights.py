"""Files of any size from the year of flights, the same on every machine, with one bad row in a thousand."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path

from demo.data import load_year, upload_csv
from trimtab.canonical import canonical_json
from trimtab.profile import Grid, Kind
from trimtab.project import Project

BAD_EVERY = 1_000
LAST_YEAR = 2260  # nanoseconds since 1970 end in 2262
VERSION = 1  # of what is written; other files are made again


@dataclass(frozen=True)
class Made:
    """What was written, to tell whether it is there already."""

    version: int
    bytes: int
    rows: int


def ensure_grid(folder: Path, project: Project) -> Path:
    """Return the grid that a first file of the year's flights gives the project."""
    path = folder / "grid.json"
    kinds: dict[str, Kind] = dict.fromkeys(project.features.numeric, "numeric")
    kinds |= dict.fromkeys(project.features.categorical, "categorical")
    path.write_bytes(canonical_json(Grid.from_table(load_year(), {**kinds, "score": "numeric"}).to_dict()))
    return path


def ensure_file(folder: Path, gigabytes: float) -> tuple[Path, Made]:
    """Return the file of a size, written if it is not there in that size."""
    path = folder / f"flights-{gigabytes:g}gb.csv"
    record = path.with_suffix(".json")
    if path.exists() and record.exists():
        made = Made(**json.loads(record.read_text()))
        if (made.version, made.bytes) == (VERSION, path.stat().st_size):
            return path, made
    folder.mkdir(parents=True, exist_ok=True)
    made = _write(path, int(gigabytes * 1e9))
    record.write_text(json.dumps(asdict(made)))
    return path, made


def _write(path: Path, size: int) -> Made:
    """Write year after year: the same flights, with other ids and times."""
    months = [upload_csv(month).decode().splitlines() for month in range(1, 13)]
    header, lines = months[0][0], [line for month in months for line in month[1:]]
    for spoil, place in zip(cycle(SPOILERS), range(BAD_EVERY, len(lines), BAD_EVERY), strict=False):
        names = header.split(",")
        cells = spoil(dict(zip(names, lines[place].split(","), strict=True)), lines[place - 1])
        lines[place] = ",".join(cells[name] for name in names)
    year_text = "\n" + "\n".join(lines) + "\n"
    written = rows = 0
    with path.open("wb") as file:
        written += file.write(header.encode())
        for year in range(2013, LAST_YEAR):
            text = year_text.replace(",2014-", f",{year + 1}-").replace("\n2013-", f"\n{year}-")
            block = text.replace(",2013-", f",{year}-").encode()[: size - written]
            block = block[: block.rfind(b"\n")]
            written += file.write(block)
            count = block.count(b"\n")
            rows += count
            if count < len(lines):
                written += file.write(b"\n")
                return Made(VERSION, written, rows)
    raise ValueError(f"{size:,} bytes take more years than fit before {LAST_YEAR}; ask for a smaller file")


def _with(**other: str) -> Callable[[dict[str, str], str], dict[str, str]]:
    return lambda cells, _: {**cells, **other}


def _repeated(cells: dict[str, str], line_before: str) -> dict[str, str]:
    return {**cells, "prediction_id": line_before.split(",", 1)[0]}


# A type, a null, a range, a value that is not allowed, a pattern, a check across columns, uniqueness.
SPOILERS = (
    _with(temp="warm"),
    _with(distance=""),
    _with(distance="5"),
    _with(origin="ZZZ"),
    _with(carrier="ua1"),
    _with(temp="10", dewp="99"),
    _repeated,
)
