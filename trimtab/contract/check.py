"""Check rows of text against a contract: types first, strictly, then the contract's own checks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd
import pandera.errors
import pyarrow as pa
import pyarrow.compute

from trimtab.cells import (
    NAIVE_INSTANT,
    Flags,
    arrow_type,
    flags_of,
    flat,
    local_times,
    offsets_from_utc,
    read_cells,
)
from trimtab.contract.columns import Values
from trimtab.contract.contract import Column, Contract
from trimtab.contract.problems import NAIVE, NEVER, NULL, TWICE, UNREADABLE, Problem
from trimtab.errors import BadInput

pc: Any = pyarrow.compute
_LONGEST_CHECK = 100  # a list of allowed values can be long
_NOWHERE = np.zeros(0, dtype=np.int64)

_MEANINGS = {
    "text": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "instant": "an instant such as 2013-01-31T05:00:00Z",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """Typed rows in the contract's columns, which of them are good, and what is wrong with the others.

    `sound` are the rows whose cells could all be read, so that they take part in the check of uniqueness;
    `judged` is what the contract's own checks say of them.
    """

    table: pa.Table
    good: Flags
    sound: Flags
    unsound: tuple[Problem, ...]
    judged: tuple[Problem, ...]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Return all that is wrong with rows."""
        return self.unsound + self.judged


def check_rows(
    texts: pa.Table,
    contract: Contract,
    misfits: Mapping[str, Any] | None = None,
    judged: Sequence[Problem] | None = None,
    *,
    zone: str | None,
) -> Checked:
    """Read rows as the contract's types and check them; uniqueness, which needs the whole file, is not.

    A row with a cell that cannot be read or must not be null is not checked further. `misfits` names the
    places of cells that are of another kind whatever their text says. Columns of the contract that the rows
    lack are null throughout; columns outside the contract are kept as they are, behind. `judged` is what the
    checks said of the same rows before; they are not asked again then. `zone` is that of instants which carry
    none.
    """
    table, problems = _typed(texts, contract, misfits or {}, zone)
    good = np.ones(table.num_rows, dtype=np.bool_)
    good[[problem.position for problem in problems]] = False
    sound = good.copy()
    if judged is None:
        positions = np.flatnonzero(good)
        readable = table if good.all() else table.take(positions)
        present = [name for name in contract.columns if name in texts.column_names]
        judged = tuple(_broken_checks(readable.select(present), contract, positions))
    good[[problem.position for problem in judged]] = False
    return Checked(table, good, sound, tuple(problems), tuple(judged))


def _typed(
    texts: pa.Table, contract: Contract, misfits: Mapping[str, Any], zone: str | None
) -> tuple[pa.Table, list[Problem]]:
    columns: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, column in contract.columns.items():
        if name not in texts.column_names:
            columns[name] = pa.nulls(texts.num_rows, arrow_type(column.kind))
            continue
        raw = flat(texts[name])
        if raw.type == arrow_type(column.kind):
            columns[name], unreadable = raw, misfits.get(name, _NOWHERE)
        else:
            columns[name], unreadable = read_cells(raw, column.kind, zone)
            if name in misfits:
                unreadable = np.union1d(unreadable, misfits[name])
        problems += _unreadable(column, raw, unreadable, zone)
        if not column.nullable and raw.null_count:
            missing = np.setdiff1d(np.flatnonzero(flags_of(raw.is_null())), unreadable)
            problems += (Problem(row, name, NULL, None, "must not be null") for row in missing.tolist())
    rest: dict[str, Any] = {name: texts[name] for name in texts.column_names if name not in columns}
    return pa.table({**columns, **rest}), problems


def _unreadable(column: Column, raw: Any, positions: Any, zone: str | None) -> Iterator[Problem]:
    if not len(positions):
        return
    cells = raw.take(positions)
    faults: list[tuple[str, Flags, str]] = []
    if column.kind == "instant":
        faults = _faults_of_instants(cells, zone)
    checks = np.full(len(cells), UNREADABLE, dtype=object)
    messages = {UNREADABLE: f"must be {_MEANINGS[column.kind]}"}
    for check, flags, message in faults:
        checks[flags], messages[check] = check, message
    for row, cell, check in zip(positions.tolist(), cells.to_pylist(), checks.tolist(), strict=True):
        yield Problem(row, column.name, check, cell, messages[check])


def _faults_of_instants(cells: Any, zone: str | None) -> list[tuple[str, Flags, str]]:
    """Return what may be wrong with instants that could not be read, and with which of them it is."""
    if zone is None:
        naive = flags_of(pc.match_substring_regex(cells, NAIVE_INSTANT))
        return [(NAIVE, naive, "must carry a zone, such as a trailing Z")]
    local = local_times(cells)
    offsets, is_local = offsets_from_utc(local, zone), flags_of(local.is_valid())
    return [
        (TWICE, is_local & offsets.twice, f"was shown twice by the clocks of {zone}, which went back"),
        (NEVER, is_local & offsets.never, f"was skipped by the clocks of {zone}, which went forward"),
    ]


def _broken_checks(table: pa.Table, contract: Contract, positions: Any) -> Iterator[Problem]:
    if not table.num_rows:
        return
    known: dict[str, Any] = {}

    def series(name: str) -> Any:
        if name not in known:
            known[name] = _series(table[name], contract.columns[name])
        return known[name]

    for name, checks in groupby(contract.checks, lambda check: check.column):
        if name in table.column_names:
            is_text = contract.columns[name].kind == "text"
            values = Values(table[name], None if is_text else series(name))
            for check in checks:
                for place, value in check.failures(values):
                    yield Problem(
                        int(positions[place]), name, check.name, _plain(value), _sentence(check.name)
                    )
    if contract.schema is None:
        return
    # A check of whole rows may look at any column.
    needed = [
        name for name in table.column_names if contract.schema.checks or name in contract.schema.columns
    ]
    frame = pd.DataFrame({name: series(name) for name in needed}, index=pd.Index(positions))
    try:
        contract.schema.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        yield from _failures(errors.failure_cases)


def _series(values: Any, column: Column) -> "np.ndarray[Any, Any] | pd.api.extensions.ExtensionArray":
    series = values.to_pandas()
    if column.kind == "text":
        return _as_declared(series, column) if str(column.dtype) == "category" else series.array
    if column.kind == "instant" and getattr(column.dtype, "tz", None) is None:
        series = series.dt.tz_localize(None)
    return _as_declared(series, column)


def _as_declared(series: "pd.Series[Any]", column: Column) -> "pd.api.extensions.ExtensionArray":
    """Return the values as what the contract expects: the file's types are ours, not pandas' guesses."""
    try:
        return series.astype(column.dtype).array
    except (TypeError, ValueError, OverflowError) as error:
        raise BadInput(
            f"contract.py: column {column.name!r} cannot be given as {column.dtype}: {error}; a whole number "
            "that may be null is pd.Int64Dtype"
        ) from error


def _failures(cases: pd.DataFrame) -> Iterator[Problem]:
    whole_rows: set[tuple[int, str]] = set()
    for context, column, check, value, row in zip(
        cases["schema_context"],
        cases["column"],
        cases["check"],
        cases["failure_case"],
        cases["index"],
        strict=True,
    ):
        if row is None or row != row:  # noqa: PLR0124 - only NaN differs from itself
            raise BadInput(
                f"contract.py: check {check!s} of {column!s} cannot be carried out: {value!s}; a check may "
                "use the contract's columns only and must answer for each row, because files are read in "
                "chunks"
            )
        if context == "DataFrameSchema":
            # pandera repeats the failure of a whole row for each of its columns.
            if (int(row), str(check)) not in whole_rows:
                whole_rows.add((int(row), str(check)))
                yield Problem(int(row), "(row)", str(check), "the row", f"fails {check}")
        else:
            yield Problem(int(row), str(column), str(check), _plain(value), _sentence(str(check)))


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    value = value.item() if isinstance(value, np.generic) else value
    return value if isinstance(value, str | int | float | None) else str(value)


def _sentence(check: str) -> str:
    return f"fails {check}" if len(check) <= _LONGEST_CHECK else f"fails {check[:_LONGEST_CHECK]}..."
