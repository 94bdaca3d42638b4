"""Examine an upload: what of it is accepted, what is quarantined and why, or why it is refused whole."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from trimtab.contract.check import check_rows
from trimtab.contract.contract import Contract
from trimtab.contract.problems import Finding, Problem, by_position, refuse_if_broken, summarize
from trimtab.contract.refusal import Refusal
from trimtab.contract.rows import RaggedRow, TextRows, read_rows
from trimtab.project import Project

type Kind = Literal["upload", "joined"]
type SetAside = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What a check says of one uploaded file.

    `table` holds the clean rows unless the file is refused. `set_aside` are the rows for the quarantine,
    JSON-able: number, reasons and what stood there. `bad` counts those that break the contract; labels whose
    prediction was not captured are set aside, too, but nothing is wrong with them: they are `unmatched`.
    """

    kind: Kind
    rows: int
    table: pa.Table | None = None
    set_aside: tuple[SetAside, ...] = ()
    findings: tuple[Finding, ...] = ()
    warnings: tuple[str, ...] = ()
    bad: int = 0
    unmatched: int = 0
    refusal: Refusal | None = None

    @property
    def accepted(self) -> int:
        """Count the rows that go into a dataset version."""
        return 0 if self.table is None else self.table.num_rows

    @property
    def verdict(self) -> Literal["accepted", "quarantined", "refused"]:
        """Say whether all rows are accepted, some are quarantined, or the file is refused whole."""
        if self.refusal is not None:
            return "refused"
        return "quarantined" if self.bad else "accepted"


def examine_upload(data: bytes, contract: Contract, project: Project) -> Examination:
    """Examine the bytes of a CSV file, which may be cut off after `data.max_bytes` + 1."""
    try:
        rows = read_upload(data, contract, project)
    except Refusal as found:
        return Examination(kind="upload", rows=0, refusal=found)
    checked = check_rows(rows.table, contract)
    findings = summarize(checked.problems, rows.numbers.tolist(), project.data.sensitive)
    set_aside = [
        *ragged_rows(rows.ragged, rows.table.num_columns),
        *bad_rows(rows.table, rows.numbers.tolist(), checked.problems),
    ]
    refusal = None
    try:
        refuse_if_broken(findings, len(set_aside), rows.total, project.data.max_bad_share)
        if not checked.good.any():
            raise Refusal("NO_ROWS", "no row is left after the contract's checks; see the quarantined rows")
    except Refusal as found:
        refusal = found
    return Examination(
        kind="upload",
        rows=rows.total,
        table=None if refusal else only(checked.table, checked.good),
        set_aside=tuple(sorted(set_aside, key=lambda entry: int(entry["row"]))),
        findings=findings,
        warnings=rows.warnings,
        bad=len(set_aside),
        refusal=refusal,
    )


def read_upload(data: bytes, contract: Contract, project: Project) -> TextRows:
    """Read the rows of an upload as text; raise Refusal when the file as such cannot be used."""
    settings = project.data
    optional = [name for name in contract.columns if name not in contract.required]
    if settings.prediction_id not in contract.columns:
        optional.append(settings.prediction_id)
    return read_rows(
        data,
        required=contract.required,
        optional=optional,
        delimiter=settings.delimiter,
        null_tokens=settings.null_tokens,
        max_bytes=settings.max_bytes,
    )


def only(table: pa.Table, flags: Any) -> pa.Table:
    """Return the rows whose flag is set."""
    return table if flags.all() else table.take(np.flatnonzero(flags))


def bad_rows(texts: pa.Table, numbers: Sequence[int], problems: Iterable[Problem]) -> list[SetAside]:
    """Return one entry for each row with a problem, in the order of the rows, with all its reasons."""
    grouped = by_position(problems)
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


def ragged_rows(rows: Iterable[RaggedRow], cells: int) -> list[SetAside]:
    """Return one entry for each ragged row, with its text as it stood."""
    return [
        {
            "row": row.number,
            "reasons": [
                {"column": "(row)", "check": "cells", "message": f"has {row.cells} cells, the header {cells}"}
            ],
            "text": row.text,
        }
        for row in rows
    ]
