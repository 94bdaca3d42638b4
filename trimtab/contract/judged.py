"""What the contract's checks said of a part's rows, kept for when the part is examined again."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from trimtab.contract.problems import Problem
from trimtab.reading.rows import Numbers, Rows


def write_judged(file: BinaryIO, problems: Sequence[Problem], numbers: Numbers) -> None:
    """Append problems of rows with these numbers, in the order of the rows."""
    for one in sorted(problems, key=lambda problem: problem.position):
        row = int(numbers[one.position])
        file.write(json.dumps([row, one.column, one.check, one.value, one.message]).encode() + b"\n")


class JudgedBefore:
    """Gives problems back to the chunks of the part, which come in the same order."""

    def __init__(self, path: Path) -> None:
        """Read what `write_judged` wrote; where nothing was said, there may be no file."""
        self._file: BinaryIO = path.open("rb") if path.exists() else io.BytesIO()
        self._next = self._read()

    def of(self, rows: Rows) -> list[Problem]:
        """Return the problems of some rows."""
        found = []
        while self._next is not None and self._next[0] < rows.after:
            found.append(self._next)
            self._next = self._read()
        places = np.searchsorted(rows.numbers, [row for row, *_ in found]).tolist()
        return [Problem(place, *rest) for place, (_, *rest) in zip(places, found, strict=True)]

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def _read(self) -> Any:
        line = self._file.readline()
        return json.loads(line) if line else None
