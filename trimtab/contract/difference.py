"""Compare two contracts: does every row that kept the old one keep the new one, and mean the same?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trimtab.contract.contract import Column, Contract

_LOWER = {"greater_than": "min_value", "greater_than_or_equal_to": "min_value"}
_UPPER = {"less_than": "max_value", "less_than_or_equal_to": "max_value"}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference; `compatible` if rows that kept the old contract keep the new one and mean the same."""

    column: str
    change: str
    compatible: bool
    why: str

    def to_dict(self) -> dict[str, Any]:
        """Return the change as JSON-able data."""
        return {"column": self.column, "change": self.change, "compatible": self.compatible, "why": self.why}


def compare(old: Contract, new: Contract) -> list[Change]:
    """List what has changed from `old` to `new`, column by column in the old one's order."""
    changes: list[Change] = []
    for name, column in old.columns.items():
        if name in new.columns:
            changes += _between(column, new.columns[name])
            changes += _checks(name, _of_column(old, name), _of_column(new, name))
        else:
            changes.append(Change(name, "removed", False, "datasets before and after have other columns"))
    for name, column in new.columns.items():
        if name not in old.columns:
            why = (
                "files without it are refused" if column.required
                else "files without it get nulls, yet datasets before and after have other columns"
            )  # fmt: skip
            changes.append(Change(name, "added", not column.required, why))
    changes += _uniques(old, new)
    changes += _checks("(row)", _of_rows(old), _of_rows(new))
    return changes


def _between(old: Column, new: Column) -> Iterator[Change]:
    if old.kind != new.kind:
        wider = old.kind == "integer" and new.kind == "number"
        why = (
            "every whole number is a number" if wider else "cells of the one kind cannot be read as the other"
        )
        yield Change(old.name, f"{old.kind} -> {new.kind}", wider, why)
    if old.nullable != new.nullable:
        why = "nulls are accepted now" if new.nullable else "rows with a null are quarantined now"
        yield Change(old.name, "nullable" if new.nullable else "not nullable", new.nullable, why)
    if old.required != new.required:
        why = "files without it are refused now" if new.required else "files may lack it now"
        yield Change(old.name, "required" if new.required else "optional", not new.required, why)


def _uniques(old: Contract, new: Contract) -> Iterator[Change]:
    before, after = ({unique.columns: unique.keep for unique in one.uniques} for one in (old, new))
    for columns in before | after:
        name = ", ".join(columns)
        if columns not in after:
            yield Change(name, "no longer unique", True, "repeated values are accepted now")
        elif columns not in before:
            yield Change(name, "unique", False, "rows that share a value are quarantined now")
        elif before[columns] != after[columns]:
            looser = before[columns] is False
            why = (
                "one of the rows that share a value is kept now"
                if looser
                else "other rows are quarantined now"
            )
            yield Change(name, "unique, other rows at fault", looser, why)


def _of_column(contract: Contract, name: str) -> dict[str, Any]:
    taken = [check.origin for check in contract.checks if check.column == name]
    rest = {} if contract.schema is None else contract.schema.columns
    return _by_name([*taken, *(rest[name].checks if name in rest else ())])


def _of_rows(contract: Contract) -> dict[str, Any]:
    return {} if contract.schema is None else _by_name(contract.schema.checks)


def _by_name(checks: list[Any]) -> dict[str, Any]:
    return {str(check.name): check for check in checks}


def _checks(column: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for name in dict.fromkeys([*old, *new]):
        if name not in new:
            yield Change(column, f"check {name} removed", True, "more rows are accepted now")
        elif name not in old:
            yield Change(column, f"check {new[name]} added", False, "rows that fail it are quarantined now")
        else:
            yield from _same_check(column, name, old[name], new[name])


def _same_check(column: str, name: str, old: Any, new: Any) -> Iterator[Change]:
    before, after = dict(old.statistics or {}), dict(new.statistics or {})
    if before == after:
        if not new.is_builtin_check(name) and _code(old) != _code(new):
            yield Change(column, f"check {name} rewritten", False, "what it answers may have changed")
        return
    looser = _looser(name, before, after)
    why = "every row that kept it keeps it" if looser else "rows that kept it may fail it"
    yield Change(column, f"{_shown(name, before)} -> {_shown(name, after)}", looser, why)


def _looser(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    if name in _LOWER:
        return bool(after[_LOWER[name]] <= before[_LOWER[name]])
    if name in _UPPER:
        return bool(after[_UPPER[name]] >= before[_UPPER[name]])
    if name == "isin":
        return set(after["allowed_values"]) >= set(before["allowed_values"])
    if name == "notin":
        return set(after["forbidden_values"]) <= set(before["forbidden_values"])
    return False


def _shown(name: str, statistics: Mapping[str, Any]) -> str:
    return f"{name}({', '.join(str(value) for value in statistics.values())})"


def _code(check: Any) -> Any:
    code = getattr(check._check_fn, "__code__", None) or getattr(
        getattr(check._check_fn, "__wrapped__", None) or getattr(check._check_fn, "func", None),
        "__code__",
        None,
    )
    return None if code is None else (code.co_code, code.co_consts, code.co_names)
