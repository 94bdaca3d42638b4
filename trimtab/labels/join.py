"""Join labels with the captured predictions they belong to, into rows to train on and to measure with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from trimtab.contract.check import Checked, check_rows
from trimtab.contract.contract import Contract
from trimtab.contract.examination import Clean, CleanFile, Examination
from trimtab.contract.order import Order
from trimtab.contract.part import SetAside, bad_rows, line_of, only
from trimtab.contract.problems import Finding, Problem, refuse_if_broken, summarize
from trimtab.contract.uniqueness import repeated_rows
from trimtab.dataset.parquet import PartWriter, schema_of
from trimtab.labels.reading import Labels, RefusedLabels
from trimtab.project import Project
from trimtab.reading.refusal import Refusal

pc: Any = pyarrow.compute

ANSWER = ("model_version", "score")
UNMATCHED = "no prediction with this id was captured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Labels with their predictions: a table unless they are refused, and what was set aside."""

    rows: int
    table: pa.Table | None = None
    set_aside: tuple[SetAside, ...] = ()
    findings: tuple[Finding, ...] = ()
    warnings: tuple[str, ...] = ()
    bad: int = 0
    unmatched: int = 0
    refusal: Refusal | None = None

    def examination(self, folder: Path, project: Project, origin: Mapping[str, str]) -> Examination:
        """Write the rows into `folder`, as the check of an upload does, and return what it returns."""
        aside, path = folder / "00000.jsonl", folder / "00000.parquet"
        aside.write_bytes(b"".join(line_of({**entry, **origin}) for entry in self.set_aside))
        clean = None
        if self.table is not None:
            writer = PartWriter(path)
            writer.add(self.table)
            writer.close()
            numbers = np.arange(self.table.num_rows, dtype=np.int64)
            clean = Clean(
                (CleanFile(path, self.table.num_rows, None),),
                tuple(schema_of(self.table)),
                Order.of(self.table[project.data.timestamp], numbers),
                self.table[project.data.label].null_count < self.table.num_rows,
            )
        return Examination(
            kind="joined",
            rows=self.rows,
            clean=clean,
            set_aside=(aside,) if self.set_aside else (),
            findings=self.findings,
            warnings=self.warnings,
            bad=self.bad,
            unmatched=self.unmatched,
            refusal=self.refusal,
        )


def refused(labels: RefusedLabels) -> Joined:
    """Return what there is to say of a file of labels that is refused before any join."""
    return Joined(
        rows=labels.total,
        set_aside=labels.set_aside,
        findings=labels.findings,
        warnings=labels.warnings,
        bad=len(labels.set_aside),
        refusal=labels.refusal,
    )


def join_labels(labels: Labels, captured: pa.Table, contract: Contract, project: Project) -> Joined:
    """Join labels with `captured` (see `read_captured`, all columns as text), one row for each match.

    Of a prediction that was captured twice the first counts. The joined rows come from production, which
    nobody checked, so they have to keep the contract as uploaded rows do. Rows keep the order of the labels.
    """
    matched, found = _matches(labels.ids, captured, project.data.prediction_id)
    set_aside = [*labels.set_aside, *_unmatched(labels, matched)]
    known: dict[str, Any] = {
        "rows": labels.total,
        "warnings": _warnings(labels),
        "unmatched": len(matched) - int(matched.sum()),
    }
    if not matched.any():
        refusal = Refusal(
            "NO_PREDICTIONS",
            f"none of the {len(matched):,} labels belongs to a prediction captured between "
            f"{next(labels.capture_days(project.serve.capture_lead_days))} and a day after the last event; "
            "check the prediction ids, serve.capture_lead_days in project.toml and the capture",
        )
        return Joined(
            **known,
            set_aside=_ordered(set_aside),
            findings=labels.findings,
            bad=len(labels.set_aside),
            refusal=refusal,
        )
    rows = _rows(labels, captured, matched, found, project)
    numbers = [number for number, is_matched in zip(labels.numbers, matched, strict=True) if is_matched]
    return _examined(rows, numbers, labels, set_aside, known, contract, project)


def _examined(
    rows: pa.Table,
    numbers: list[int],
    labels: Labels,
    set_aside: list[SetAside],
    known: dict[str, Any],
    contract: Contract,
    project: Project,
) -> Joined:
    refusal = table = None
    findings, bad = labels.findings, len(labels.set_aside)
    try:
        if missing := [name for name in contract.required if name not in rows.column_names]:
            raise Refusal(
                "SCHEMA_MISMATCH",
                f"captured requests lack column {missing[0]!r}, which the contract requires; send it with "
                "each request, or make it optional in contract.py",
            )
        checked = check_rows(rows, contract, zone=project.data.timezone)
        problems = [*checked.problems, *_repeated(checked, rows, contract)]
        broken = bad_rows(rows, numbers, problems)
        set_aside, bad = [*set_aside, *broken], bad + len(broken)
        found = summarize(problems, numbers, project.data.sensitive)
        findings = (*findings, *found)
        refuse_if_broken(found, len(broken), rows.num_rows, project.data.max_bad_share)
        if not checked.good.any():
            raise Refusal("NO_ROWS", "no joined row keeps the contract; see the quarantined rows")
        table = only(_kept(checked.table, contract, project), checked.good)
    except Refusal as found_refusal:
        refusal = found_refusal
    return Joined(
        **known, table=table, set_aside=_ordered(set_aside), findings=findings, bad=bad, refusal=refusal
    )


def _repeated(checked: Checked, texts: pa.Table, contract: Contract) -> Iterator[Problem]:
    """Yield what breaks the uniqueness of the joined rows, which are all here."""
    positions = np.flatnonzero(checked.sound)
    for unique in contract.uniques:
        if not all(name in texts.column_names for name in unique.columns):
            continue
        for position in repeated_rows(only(checked.table, checked.sound), positions, unique).tolist():
            checked.good[position] = False
            value = texts[unique.columns[0]][position].as_py()
            yield Problem(position, unique.column, unique.check, value, unique.message)


def _matches(ids: list[str], captured: pa.Table, key: str) -> tuple[Any, list[int]]:
    """Return which labels have a prediction, and the rows of the first captures of those predictions."""
    order = pc.sort_indices(
        captured, sort_keys=[("captured_at", "ascending"), ("model_version", "ascending")]
    ).to_pylist()
    captured_ids = captured[key].to_pylist()
    first: dict[str, int] = {}
    for row in order:
        first.setdefault(captured_ids[row], row)
    found = [first.get(name) for name in ids]
    matched = np.array([row is not None for row in found], dtype=np.bool_)
    return matched, [row for row in found if row is not None]


def _rows(labels: Labels, captured: pa.Table, matched: Any, found: list[int], project: Project) -> pa.Table:
    label = project.data.label
    rows = captured.take(np.array(found, dtype=np.int64)).drop_columns("captured_at")
    if label in rows.column_names:
        rows = rows.drop_columns(label)
    return rows.append_column(label, only(labels.texts, matched)[label])


def _kept(table: pa.Table, contract: Contract, project: Project) -> pa.Table:
    names = [*contract.columns, project.data.prediction_id, *ANSWER]
    return table.select(list(dict.fromkeys(names)))


def _unmatched(labels: Labels, matched: Any) -> list[SetAside]:
    problems = [
        Problem(int(position), "(row)", "match", None, UNMATCHED) for position in np.flatnonzero(~matched)
    ]
    return bad_rows(labels.texts, labels.numbers, problems)


def _warnings(labels: Labels) -> tuple[str, ...]:
    if not labels.repeated:
        return labels.warnings
    return (*labels.warnings, f"{labels.repeated:,} rows repeat a label and were counted once")


def _ordered(set_aside: list[SetAside]) -> tuple[SetAside, ...]:
    return tuple(sorted(set_aside, key=lambda entry: int(entry["row"])))
