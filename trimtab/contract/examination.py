"""Examine an upload: what of it is accepted, what is quarantined and why, or why it is refused whole."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import numpy as np

from trimtab.contract.contract import Unique
from trimtab.contract.order import Order
from trimtab.contract.part import Again, Part, PartCheck
from trimtab.contract.problems import BROKEN, Finding, added_up, refuse_if_broken, refuse_too_ragged
from trimtab.contract.uniqueness import RowNumbers, duplicates
from trimtab.dataset.version import SchemaField
from trimtab.project.settings import Data
from trimtab.reading.files import File, open_file
from trimtab.reading.header import ignored_columns
from trimtab.reading.refusal import Refusal
from trimtab.reading.sources import Source

type Kind = Literal["upload", "joined"]
type Repeated = list[tuple[Unique, RowNumbers]]


@dataclass(frozen=True, slots=True)
class CleanFile:
    """Clean rows as one Parquet file, and their profile if the project's grid was known."""

    path: Path
    rows: int
    profile: Path | None


@dataclass(frozen=True, slots=True)
class Clean:
    """The rows of an upload that are accepted."""

    files: tuple[CleanFile, ...]
    schema: tuple[SchemaField, ...]
    order: Order
    labelled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What a check says of one uploaded file.

    `clean` holds the clean rows unless the file is refused. `set_aside` are files of rows for the quarantine,
    JSON Lines: number, reasons and what stood there; all of them, unless the file is refused. `bad` counts
    those that break the contract; labels whose prediction was not captured are set aside, too, but nothing is
    wrong with them: they are `unmatched`.
    """

    kind: Kind
    rows: int
    clean: Clean | None = None
    set_aside: tuple[Path, ...] = ()
    findings: tuple[Finding, ...] = ()
    warnings: tuple[str, ...] = ()
    bad: int = 0
    unmatched: int = 0
    refusal: Refusal | None = None

    @property
    def accepted(self) -> int:
        """Count the rows that go into a dataset version."""
        return 0 if self.clean is None else sum(file.rows for file in self.clean.files)

    @property
    def verdict(self) -> Literal["accepted", "quarantined", "refused"]:
        """Say whether all rows are accepted, some are quarantined, or the file is refused whole."""
        if self.refusal is not None:
            return "refused"
        return "quarantined" if self.bad else "accepted"


def examine_file(source: Source, check: PartCheck) -> Examination:
    """Examine a file in one pass, part after part; parts with repeated keys are read a second time."""
    try:
        file = open_file(source, check.wanted, check.project.data)
    except Refusal as refusal:
        return refused(refusal)
    with closing(file):
        return examine_open(file, source, check)


def examine_open(
    file: File, source: Source, check: PartCheck, is_late: Callable[[], bool] | None = None
) -> Examination:
    """Examine a file that is open; refuse it when `is_late` says so before its end."""
    try:
        parts: list[Part] = []
        for _, rows in groupby(file.rows(), lambda rows: rows.place.part):
            if is_late is not None and is_late():
                raise Refusal(
                    "TOO_SLOW",
                    f"after {sum(part.rows for part in parts):,} rows the time for one pass was over; a "
                    "compressed file cannot be shared out: upload it in smaller files, or uncompressed",
                )
            parts.append(check.examine(rows))
        source.verify()
        return finish(file, with_stops(parts), check)
    except Refusal as refusal:
        return refused(refusal)


def refused(refusal: Refusal) -> Examination:
    """Return the examination of a file that cannot be read to its end; what was seen of it does not count."""
    return Examination(kind="upload", rows=0, refusal=refusal)


def with_stops(parts: Sequence[Part]) -> list[Part]:
    """Let each part end where the next one starts."""
    stops = [*(part.place.start for part in parts[1:]), None][: len(parts)]
    return [
        replace(part, place=replace(part.place, stop=stop)) for part, stop in zip(parts, stops, strict=True)
    ]


def finish(file: File, parts: Sequence[Part], check: PartCheck) -> Examination:
    """Judge a file by all of its parts, given in order, whose files lie in the check's folder."""
    first, repeated = parts, _repeated(parts, check)
    parts = [
        check.examine(file.rows(part.place), Again(part, found)) if found else part
        for part, found in zip(first, repeated, strict=True)
    ]
    rows = sum(part.rows for part in parts)
    findings = added_up(finding for part in parts for finding in part.findings)
    extra = sorted({name for part in parts for name in part.extra})
    bad = sum(part.bad for part in parts)
    refusal = None
    try:
        _refuse_whole(parts, rows, findings, check.project.data)
        refuse_if_broken(findings, bad, rows, check.project.data.max_bad_share)
        if not any(part.accepted for part in parts):
            raise Refusal("NO_ROWS", "no row is left after the contract's checks; see the quarantined rows")
        _refuse_disorder(parts, check.project.data)
    except Refusal as found_refusal:
        refusal = found_refusal
    if refusal is None:  # then all bad rows are set aside, those of parts with very many as well
        parts = [
            check.examine(file.rows(one.place), Again(one, found, is_accepted=True))
            if part.kept < part.bad
            else part
            for part, one, found in zip(parts, first, repeated, strict=True)
        ]
    return Examination(
        kind="upload",
        rows=rows,
        clean=None if refusal else clean(parts, check.folder),
        set_aside=tuple(part.file(check.folder, "jsonl") for part in parts if part.bad),
        findings=findings,
        warnings=ignored_columns([*file.extra, *(name for name in extra if name not in file.extra)]),
        bad=bad,
        refusal=refusal,
    )


def clean(parts: Sequence[Part], folder: Path) -> Clean:
    """Return the clean rows of all parts."""
    kept = [part for part in parts if part.accepted]
    profiles = [part.file(folder, "profile") for part in kept]
    files = tuple(
        CleanFile(part.file(folder, "parquet"), part.accepted, profile if profile.exists() else None)
        for part, profile in zip(kept, profiles, strict=True)
    )
    return Clean(files, kept[0].schema, _order(kept), any(part.labelled for part in kept))


def _repeated(parts: Sequence[Part], check: PartCheck) -> list[Repeated]:
    """Return for each part which of its rows break which uniqueness."""
    found: list[Repeated] = [[] for _ in parts]
    starts = [part.place.first_row for part in parts]
    for number, unique in enumerate(check.contract.uniques):
        paths = [part.file(check.folder, f"keys{number}") for part in parts]
        known = [path for path in paths if path.exists()]
        stored = sum(path.stat().st_size for path in known)
        if stored > check.project.data.max_key_bytes:
            raise Refusal(
                "TOO_LARGE",
                f"the values of {', '.join(unique.columns)}, which must be unique, have {stored:,} "
                "bytes, at most "
                f"{check.project.data.max_key_bytes:,} are compared; split the file, or raise "
                "data.max_key_bytes "
                "in project.toml",
            )
        rows = duplicates(known, unique)
        places = np.searchsorted(starts, rows, side="right") - 1
        for part in np.unique(places).tolist():
            found[part].append((unique, rows[places == part]))
    return found


def _refuse_whole(parts: Sequence[Part], rows: int, findings: Sequence[Finding], data: Data) -> None:
    """Refuse a file by the number of its rows, and of those that are none."""
    first = next((part.first_broken for part in parts if part.first_broken), None)
    broken_as = next((one.message for one in findings if one.check == BROKEN), "")
    refuse_too_ragged(sum(part.broken for part in parts), rows, first, broken_as)
    if rows < data.min_rows:
        raise Refusal(
            "TOO_FEW_ROWS",
            f"the file has {rows:,} rows, at least {data.min_rows:,} are expected; upload the whole "
            "file, or lower "
            "data.min_rows in project.toml",
        )
    if data.max_rows is not None and rows > data.max_rows:
        raise Refusal(
            "TOO_MANY_ROWS",
            f"the file has {rows:,} rows, at most {data.max_rows:,} are expected; check that no row was "
            "written "
            "twice, or raise data.max_rows in project.toml",
        )


def _refuse_disorder(parts: Sequence[Part], data: Data) -> None:
    order = _order([part for part in parts if part.accepted])
    if data.ordered and order.out_of_order is not None:
        raise Refusal(
            "OUT_OF_ORDER",
            f"row {order.out_of_order:,} is earlier than the row before it; sort the file by "
            f"{data.timestamp}, or "
            "unset data.ordered in project.toml",
        )


def _order(parts: Sequence[Part]) -> Order:
    states: Iterator[Any] = (part.order for part in parts)
    total: Order = next(states)
    for state in states:
        total = total + state
    return total
