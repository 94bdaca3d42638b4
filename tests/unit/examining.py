"""Examine bytes as an upload is examined, and read back what was written."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from tests.unit import shop
from trimtab.contract.contract import Contract
from trimtab.contract.examination import Examination, examine_file
from trimtab.contract.part import PartCheck
from trimtab.project import Project
from trimtab.reading.sources import Stream


@dataclass(frozen=True, slots=True)
class BytesSource:
    """A file that is in memory."""

    data: bytes

    @property
    def size(self) -> int:
        """Count the bytes."""
        return len(self.data)

    def open(self, start: int = 0, stop: int | None = None) -> Stream:
        """Open the bytes from `start` up to `stop`, or to the end."""
        return io.BytesIO(memoryview(self.data)[start:stop])

    def verify(self) -> None:
        """Accept the bytes: nobody said what they should be."""


@dataclass
class Examined:
    """An examination, with its files read into memory."""

    found: Examination

    def __getattr__(self, name: str) -> Any:
        return getattr(self.found, name)

    @property
    def table(self) -> pa.Table | None:
        """Return the clean rows."""
        if self.found.clean is None:
            return None
        return pa.concat_tables([parquet.read_table(file.path) for file in self.found.clean.files])

    @property
    def set_aside(self) -> list[dict[str, Any]]:
        """Return the rows set aside."""
        return shop.lines(b"".join(file.read_bytes() for file in self.found.set_aside))


def examine(data: bytes, contract: Contract, project: Project, folder: Path, **settings: Any) -> Examined:
    """Examine the bytes of a file, writing to `folder`; `settings` replace some of the project's [data]."""
    if settings:
        project = project.model_copy(update={"data": project.data.model_copy(update=settings)})
    return Examined(examine_file(BytesSource(data), PartCheck(contract, project, folder)))
