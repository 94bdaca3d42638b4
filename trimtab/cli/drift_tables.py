"""A table of the Glue catalog as one side of a comparison: counted by Athena, where it lies."""

from collections.abc import Collection
from dataclasses import dataclass, field

from trimtab.aws.athena import Athena, find_table
from trimtab.cli.drift_files import TABLE, Kind
from trimtab.errors import BadInput
from trimtab.profile import (
    CategoricalColumn,
    CategoricalCounts,
    Grid,
    NumericColumn,
    NumericCounts,
    Profile,
    TimestampCounts,
)  # fmt: skip
from trimtab.profile.counts import Counts
from trimtab.profile.grid import Column
from trimtab.profile.sql import SqlTable


@dataclass(frozen=True, slots=True)
class TableAddress:
    """A table as a person wrote it, the condition for its rows, and where its statements run."""

    text: str
    table: SqlTable
    where: str
    athena: Athena
    remarks: list[str] = field(default_factory=list)

    @classmethod
    def find(cls, text: str, where: str, athena: Athena) -> "TableAddress":
        """Look the table up; raise BadInput for an address that names none, Gone if there is none."""
        database, _, name = text.removeprefix(TABLE).partition("/")
        if not (database and name) or "/" in name:
            raise BadInput(f"{text} names no table; write athena://DATABASE/TABLE")
        return cls(text, find_table(database, name), where, athena)

    def names(self, known: Collection[str]) -> set[str]:
        """Return the names of its columns, as `known` writes them: the catalog's are in lower case."""
        written = {name.lower(): name for name in known}
        return {written.get(name, name) for name in self.table.types}

    def profile(self, grid: Grid, kinds: dict[str, Kind]) -> Profile:
        """Profile the rows; raise BadInput for a column whose type does not fit, or if there is no row."""
        held = {name: one for name, one in grid.columns.items() if self.table.has(name)}
        profile, scanned = self.athena.profile(self.table, Grid(held), self.where)
        if not profile.rows:
            raise BadInput(f"{self.text} has no rows{' that hold for --where' if self.where else ''}; "
                           "choose others")  # fmt: skip
        self.remarks.append(f"Athena scanned {scanned:,} bytes of {self.text}")
        absent = {name: _nulls(one, profile.rows) for name, one in grid.columns.items() if name not in held}
        return Profile(grid, profile.rows, {**profile.columns, **absent})


def _nulls(column: Column, rows: int) -> Counts:
    """Count a column that is not there, as one without any value."""
    if isinstance(column, NumericColumn):
        return NumericCounts(nulls=rows)
    return (
        CategoricalCounts(nulls=rows)
        if isinstance(column, CategoricalColumn)
        else TimestampCounts(nulls=rows)
    )
