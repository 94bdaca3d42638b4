"""Read a file of labels: types, nulls, and labels that contradict each other."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from trimtab.cells import CellKind, arrow_type
from trimtab.contract.check import check_rows
from trimtab.contract.contract import Column, Contract
from trimtab.contract.part import SetAside, bad_rows, broken_finding, broken_rows, only
from trimtab.contract.problems import (
    Finding,
    Problem,
    in_order,
    refuse_if_broken,
    refuse_too_ragged,
    summarize,
)
from trimtab.project import Project
from trimtab.project.settings import Data
from trimtab.reading.files import read_whole
from trimtab.reading.refusal import Refusal
from trimtab.reading.rows import Rows, Wanted
from trimtab.reading.sources import Source

pc: Any = pyarrow.compute

EVENT_TIME = "event_time"
_ONE_DAY = timedelta(days=1)
_CONFLICT = "contradicts another label of the same prediction"


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """One label for each prediction: its id and label as text, its row's number, and the span of event times.

    `total` counts all rows of the file, `repeated` those that say the same once more.
    """

    ids: list[str]
    texts: pa.Table
    numbers: list[int]
    first: datetime
    last: datetime
    total: int
    repeated: int
    set_aside: tuple[SetAside, ...]
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]

    def capture_days(self, lead_days: int) -> Iterator[str]:
        """Yield the days, as `yyyy/mm/dd`, on which these labels' predictions may have been captured."""
        day = (self.first - timedelta(days=lead_days)).replace(hour=0, minute=0, second=0, microsecond=0)
        while day <= self.last + _ONE_DAY:
            yield f"{day:%Y/%m/%d}"
            day += _ONE_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedLabels:
    """A file of labels that is refused whole, with what is known of its rows."""

    refusal: Refusal
    total: int = 0
    set_aside: tuple[SetAside, ...] = ()
    findings: tuple[Finding, ...] = ()
    warnings: tuple[str, ...] = ()


def read_labels(source: Source, contract: Contract, project: Project) -> Labels | RefusedLabels:
    """Read a file of labels whole, which `data.max_label_bytes` bounds.

    Of equal labels for one prediction the last stays; labels that contradict each other are all set aside.
    """
    settings, label = project.data, project.data.label
    shape = _shape(project, contract.columns[label].kind)
    try:
        rows, warnings = _read_text(source, shape, settings)
    except Refusal as refusal:
        return RefusedLabels(refusal=refusal)
    checked = check_rows(rows.table, shape, rows.misfits, zone=settings.timezone)
    ids: list[Any] = rows.table[settings.prediction_id].to_pylist()
    conflicting, last = _by_prediction(ids, checked.table[label].to_pylist(), np.flatnonzero(checked.good))
    problems = [*checked.problems, *conflicting]
    numbers = rows.numbers.tolist()
    findings = summarize(problems, numbers, settings.sensitive)
    if rows.broken:
        findings = in_order([*findings, broken_finding(rows, bool(settings.sensitive))])
    set_aside = (*broken_rows(rows.broken), *bad_rows(rows.table, numbers, problems))
    known: dict[str, Any] = {
        "total": rows.total, "set_aside": set_aside, "findings": findings, "warnings": warnings
    }  # fmt: skip
    try:
        refuse_if_broken(findings, len(set_aside), rows.total, settings.max_bad_share)
        if not last:
            raise Refusal("NO_ROWS", "no label is left after the checks; see the quarantined rows")
    except Refusal as refusal:
        return RefusedLabels(refusal=refusal, **known)
    kept = np.zeros(len(ids), dtype=np.bool_)
    kept[last] = True
    span = pc.min_max(only(checked.table, kept)[EVENT_TIME])
    return Labels(
        ids=[ids[position] for position in last],
        texts=only(rows.table, kept),
        numbers=[numbers[position] for position in last],
        first=span["min"].as_py(),
        last=span["max"].as_py(),
        repeated=rows.total - len(set_aside) - len(last),
        **known,
    )


def _read_text(source: Source, shape: Contract, settings: Data) -> tuple[Rows, tuple[str, ...]]:
    wanted = Wanted({name: column.kind for name, column in shape.columns.items()}, shape.required)
    bounded = settings.model_copy(update={"max_bytes": settings.max_label_bytes})
    rows, warnings = read_whole(source, wanted, bounded)
    first = (rows.broken[0].number, rows.broken[0].how) if rows.broken else None
    refuse_too_ragged(len(rows.broken), rows.total, first, rows.broken_as)
    return rows, warnings


def _by_prediction(ids: list[str], labels: list[Any], positions: Any) -> tuple[list[Problem], list[int]]:
    """Return the problems of contradicting labels, and the position of the last label of each other id."""
    seen: dict[str, list[int]] = {}
    for position in positions.tolist():
        seen.setdefault(ids[position], []).append(position)
    conflicting: list[Problem] = []
    last: list[int] = []
    for group in seen.values():
        if len({labels[position] for position in group}) == 1:
            last.append(group[-1])
        else:
            conflicting += (
                Problem(position, "(row)", "conflict", labels[position], _CONFLICT) for position in group
            )
    return conflicting, sorted(last)


def _shape(project: Project, label: CellKind) -> Contract:
    """Return what a file of labels must look like; the label's own checks run on the joined rows."""
    kinds: dict[str, CellKind] = {
        project.data.prediction_id: "text", project.data.label: label, EVENT_TIME: "instant"
    }  # fmt: skip
    columns = {name: Column(name, kind, False, True, arrow_type(kind)) for name, kind in kinds.items()}
    return Contract(columns=columns, schema=None)
