"""Join labels with the captured predictions they belong to, into rows to train on and to measure with."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from trimtab.contract.check import check_rows
from trimtab.contract.contract import Contract
from trimtab.contract.examination import Examination, SetAside, bad_rows, only
from trimtab.contract.problems import Problem, refuse_if_broken, summarize
from trimtab.contract.refusal import Refusal
from trimtab.labels.reading import Labels, RefusedLabels
from trimtab.project import Project

pc: Any = pyarrow.compute

ANSWER = ("model_version", "score")
UNMATCHED = "no prediction with this id was captured"


def refused(labels: RefusedLabels) -> Examination:
    """Return the examination of a file of labels that is refused before any join."""
    return Examination(
        kind="joined",
        rows=labels.total,
        set_aside=labels.set_aside,
        findings=labels.findings,
        warnings=labels.warnings,
        bad=len(labels.set_aside),
        refusal=labels.refusal,
    )


def join_labels(labels: Labels, captured: pa.Table, contract: Contract, project: Project) -> Examination:
    """Join labels with `captured` (see `read_captured`, all columns as text), one row for each match.

    Of a prediction that was captured twice the first counts. The joined rows come from production, which
    nobody checked, so they have to keep the contract as uploaded rows do. Rows keep the order of the labels.
    """
    matched, found = _matches(labels.ids, captured, project.data.prediction_id)
    set_aside = [*labels.set_aside, *_unmatched(labels, matched)]
    known: dict[str, Any] = {
        "kind": "joined",
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
        return Examination(
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
) -> Examination:
    refusal = table = None
    findings, bad = labels.findings, len(labels.set_aside)
    try:
        if missing := [name for name in contract.required if name not in rows.column_names]:
            raise Refusal(
                "SCHEMA_MISMATCH",
                f"captured requests lack column {missing[0]!r}, which the contract requires; send it with "
                "each request, or make it optional in contract.py",
            )
        checked = check_rows(rows, contract)
        broken = bad_rows(rows, numbers, checked.problems)
        set_aside, bad = [*set_aside, *broken], bad + len(broken)
        found = summarize(checked.problems, numbers, project.data.sensitive)
        findings = (*findings, *found)
        refuse_if_broken(found, len(broken), rows.num_rows, project.data.max_bad_share)
        if not checked.good.any():
            raise Refusal("NO_ROWS", "no joined row keeps the contract; see the quarantined rows")
        table = only(_kept(checked.table, contract, project), checked.good)
    except Refusal as found_refusal:
        refusal = found_refusal
    return Examination(
        **known, table=table, set_aside=_ordered(set_aside), findings=findings, bad=bad, refusal=refusal
    )


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
