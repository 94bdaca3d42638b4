"""Examine one part of a file: clean Parquet, rows set aside, keys, profile and counts, chunk by chunk."""

import gc
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute

from trimtab.contract.check import Checked, check_rows
from trimtab.contract.contract import Contract, Unique
from trimtab.contract.judged import JudgedBefore, write_judged
from trimtab.contract.order import Order
from trimtab.contract.problems import BROKEN, EXAMPLES, Finding, Problem, added_up, by_position, summarize
from trimtab.contract.uniqueness import RowNumbers, keys_of, write_keys
from trimtab.dataset.parquet import PartWriter, schema_of
from trimtab.dataset.version import SchemaField
from trimtab.profile import Grid, Profile
from trimtab.project import Project
from trimtab.reading.refusal import shown
from trimtab.reading.rows import BrokenRow, Place, Rows, Wanted

pc: Any = pyarrow.compute

type SetAside = dict[str, Any]

# What a part keeps of its bad rows while nobody knows whether the file is refused, as lines of JSON.
KEPT_BYTES = 8 * 2**20
_MANY_ROWS = 100_000  # frames of fewer can wait for the collector's own turn, which costs less


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What an examination says of one part; its rows lie in files named after its number.

    `bad` counts the rows set aside, `kept` those of them whose lines lie in the file, `broken` those that are
    no rows at all; `after` is the number of the row behind the part.
    """

    place: Place
    after: int = 0
    rows: int = 0
    accepted: int = 0
    bad: int = 0
    kept: int = 0
    broken: int = 0
    first_broken: tuple[int, str] | None = None
    findings: tuple[Finding, ...] = ()
    extra: tuple[str, ...] = ()
    schema: tuple[SchemaField, ...] = ()
    order: Order | None = None
    labelled: bool = False

    def file(self, folder: Path, suffix: str) -> Path:
        """Return where what `suffix` stands for lies: parquet, jsonl, profile, judged, keys with a number."""
        return folder / f"{self.place.part:05d}.{suffix}"

    def to_dict(self) -> dict[str, Any]:
        """Return the part as JSON-able data."""
        place = self.place
        return {
            "place": [place.part, place.start, place.stop, place.first_row],
            "after": self.after,
            "rows": self.rows,
            "accepted": self.accepted,
            "bad": self.bad,
            "kept": self.kept,
            "broken": self.broken,
            "first_broken": self.first_broken,
            "findings": [finding.to_dict() for finding in self.findings],
            "extra": list(self.extra),
            "schema": list(self.schema),
            "order": self.order.to_dict() if self.order else None,
            "labelled": self.labelled,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        return cls(
            place=Place(*data["place"]),
            after=data["after"],
            rows=data["rows"],
            accepted=data["accepted"],
            bad=data["bad"],
            kept=data["kept"],
            broken=data["broken"],
            first_broken=tuple(data["first_broken"]) if data["first_broken"] else None,
            findings=tuple(Finding.from_dict(one) for one in data["findings"]),
            extra=tuple(data["extra"]),
            schema=tuple(data["schema"]),
            order=Order(**data["order"]) if data["order"] else None,
            labelled=data["labelled"],
        )


@dataclass(frozen=True)
class PartCheck:
    """What all parts of one file have in common: the rules, where files go, and the grid if there is one.

    `origin` names the upload, which every row set aside repeats.
    """

    contract: Contract
    project: Project
    folder: Path
    grid: Grid | None = None
    origin: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def wanted(self) -> Wanted:
        """Return the columns to read."""
        kinds = {name: column.kind for name, column in self.contract.columns.items()}
        kinds.setdefault(self.project.data.prediction_id, "text")
        return Wanted(kinds, self.contract.required)

    def examine(self, batches: Iterable[Rows], again: "Again | None" = None) -> Part:
        """Examine the rows of one part, which are all in `batches`; a function of them and nothing else.

        Of the bad rows it keeps the first ones, up to KEPT_BYTES of lines, unless it is done again for all.
        """
        state = _State(self, again)
        for rows in batches:
            state.add(rows)
        part = state.finish()
        # Pandera's errors hold the frames that they are about in cycles, which pile up part by part.
        if part.rows >= _MANY_ROWS:
            gc.collect()
        return part


@dataclass(frozen=True, slots=True)
class Again:
    """Why a part is examined again: the whole file shows which rows are repeated, or that it is accepted.

    `first` is the part as it was examined first. What the contract's checks said then is not asked again,
    unless there was too much of it to be kept.
    """

    first: Part
    repeated: Sequence[tuple[Unique, RowNumbers]] = ()
    is_accepted: bool = False


class _State:
    """A part while it is examined."""

    def __init__(self, check: PartCheck, again: Again | None) -> None:
        self._check, self._again = check, again
        self._room: float = math.inf if again and again.is_accepted else KEPT_BYTES
        self._kept = 0
        self._part: Part | None = None
        self._findings: list[Finding] = []
        self._extra: set[str] = set()
        self._profiles: list[Profile] = []
        self._keys: list[list[pa.Table]] = [[] for _ in check.contract.uniques]
        self._writer: PartWriter | None = None
        self._order: Order | None = None
        self._after = self._rows = self._accepted = self._bad = self._broken = 0
        self._first_broken: tuple[int, str] | None = None
        self._labelled = False
        self._schema: tuple[SchemaField, ...] = ()
        self._aside: Any = None
        self._judged: Any = None

    def add(self, rows: Rows) -> None:
        if self._part is None:
            self._part = Part(place=rows.place)
            self._aside = self._part.file(self._check.folder, "jsonl").open("wb")
            path = self._part.file(self._check.folder, "parquet")
            self._writer = PartWriter(path)
            path = self._part.file(self._check.folder, "judged")
            if self._again is None:
                self._judged = path.open("wb")
            elif self._again.first.kept == self._again.first.bad:
                self._judged = JudgedBefore(path)
        contract, settings = self._check.contract, self._check.project.data
        before = self._judged.of(rows) if self._again and self._judged else None
        checked = check_rows(rows.table, contract, rows.misfits, before, zone=settings.timezone)
        problems = [*checked.problems]
        for problem in self._found_again(rows):
            checked.good[problem.position] = False
            problems.append(problem)
        self._note(rows, problems)
        if self._again is None:
            self._add_keys(rows, checked)
            if self._kept == self._bad:
                write_judged(self._judged, checked.judged, rows.numbers)
        self._after = rows.after
        self._rows += rows.total
        self._broken += len(rows.broken)
        self._extra.update(rows.extra)
        self._schema = self._schema or tuple(schema_of(checked.table))
        clean = only(checked.table, checked.good)
        if not clean.num_rows or self._writer is None:
            return
        self._accepted += clean.num_rows
        self._writer.add(clean)
        self._labelled = self._labelled or clean[settings.label].null_count < clean.num_rows
        order = Order.of(clean[settings.timestamp], rows.numbers[checked.good])
        self._order = order if self._order is None else self._order + order
        if self._check.grid is not None:
            self._profiles.append(Profile.of(self._check.grid, clean))

    def finish(self) -> Part:
        if self._part is None or self._writer is None:
            raise ValueError("a part has at least one chunk of rows")
        self._aside.close()
        self._writer.close()
        if self._judged:
            self._judged.close()
        if self._again is None and self._kept < self._bad:  # then what was judged is not all there
            self._part.file(self._check.folder, "judged").unlink(missing_ok=True)
        part = Part(
            place=self._part.place,
            after=self._after,
            rows=self._rows,
            accepted=self._accepted,
            bad=self._bad,
            kept=self._kept,
            broken=self._broken,
            first_broken=self._first_broken,
            findings=added_up(self._findings),
            extra=tuple(sorted(self._extra)),
            schema=self._schema,
            order=self._order,
            labelled=self._labelled,
        )
        folder = self._check.folder
        if self._profiles:
            part.file(folder, "profile").write_bytes(Profile.merged(self._profiles).to_bytes())
        for number, chunks in enumerate(self._keys):
            if chunks:
                write_keys(chunks, part.file(folder, f"keys{number}"))
        return part

    def _note(self, rows: Rows, problems: list[Problem]) -> None:
        sensitive = self._check.project.data.sensitive
        self._findings += summarize(problems, rows.numbers.tolist(), sensitive)
        if rows.broken:
            self._findings.append(broken_finding(rows, bool(sensitive)))
            first = rows.broken[0]
            self._first_broken = self._first_broken or (first.number, first.how)
        is_full = self._kept < self._bad
        self._bad += len(rows.broken) + len({problem.position for problem in problems})
        if is_full:
            return
        entries = [*broken_rows(rows.broken), *bad_rows(rows.table, rows.numbers.tolist(), problems)]
        for entry in sorted(entries, key=lambda entry: int(entry["row"])):
            line = line_of({**entry, **self._check.origin})
            if len(line) > self._room:
                return
            self._aside.write(line)
            self._room -= len(line)
            self._kept += 1

    def _found_again(self, rows: Rows) -> Iterator[Problem]:
        for unique, numbers in self._again.repeated if self._again else ():
            for position in np.flatnonzero(np.isin(rows.numbers, numbers)).tolist():
                single = len(unique.columns) == 1
                value = rows.table[unique.columns[0]][position].as_py() if single else "the row"
                yield Problem(position, unique.column, unique.check, value, unique.message)

    def _add_keys(self, rows: Rows, checked: Checked) -> None:
        for chunks, unique in zip(self._keys, self._check.contract.uniques, strict=True):
            if all(name in rows.table.column_names for name in unique.columns):
                sound = only(checked.table, checked.sound)
                chunks.append(keys_of(sound, rows.numbers[checked.sound], unique))


def broken_finding(rows: Rows, masked: bool) -> Finding:
    """Return the finding about rows that are none; their text may hold a sensitive column."""
    examples = tuple((row.number, shown(row.text, masked=masked)) for row in rows.broken[:EXAMPLES])
    return Finding("(row)", BROKEN, rows.broken_as, len(rows.broken), examples)


def only(table: pa.Table, flags: Any) -> pa.Table:
    """Return the rows whose flag is set."""
    return table if flags.all() else table.take(np.flatnonzero(flags))


def bad_rows(texts: pa.Table, numbers: Sequence[int], problems: Iterable[Problem]) -> list[SetAside]:
    """Return one entry for each row with problems, with the row's cells as they stood."""
    grouped = by_position(problems)
    if not grouped:
        return []
    values = texts.take(np.fromiter(grouped, dtype=np.int64)).to_pylist()
    return [
        {
            "row": numbers[position],
            "reasons": [
                {"column": problem.column, "check": problem.check, "message": problem.message}
                for problem in found
            ],
            "values": row,
        }
        for (position, found), row in zip(grouped.items(), values, strict=True)
    ]


def broken_rows(rows: Iterable[BrokenRow]) -> list[SetAside]:
    """Return one entry for each row that is none, with its text as it stood."""
    return [
        {
            "row": row.number,
            "reasons": [{"column": "(row)", "check": BROKEN, "message": row.what}],
            "text": row.text,
        }
        for row in rows
    ]


def line_of(entry: SetAside) -> bytes:
    """Return a row set aside as a line of JSON."""
    return json.dumps(entry, ensure_ascii=False, sort_keys=True, default=str).encode() + b"\n"
