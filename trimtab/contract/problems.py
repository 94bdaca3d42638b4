"""What is wrong with which row, and the summaries that people read."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from trimtab.reading.refusal import Refusal, shown

EXAMPLES = 3
UNREADABLE = "type"
NULL = "not null"
NAIVE = "zone"
TWICE = "ambiguous time"
NEVER = "skipped time"
BROKEN = "cells"
MOST_BROKEN_SHARE = 0.001
_UNIQUE = ("field_uniqueness", "multiple_fields_uniqueness")
_BREAKS: Mapping[str, tuple[Any, str, str]] = {
    UNREADABLE: (
        "TYPE_MISMATCH",
        "holds something else than its type in the contract",
        "numbers take a decimal point and no other sign, nulls one of data.null_tokens in project.toml; "
        "correct the file, or the column's type in contract.py",
    ),
    NAIVE: (
        "NAIVE_TIMESTAMP",
        "holds timestamps without a zone",
        "write them in UTC with a trailing Z, as in 2013-01-31T05:00:00Z, or name the zone of their clocks "
        "as data.timezone in project.toml",
    ),
    TWICE: (
        "AMBIGUOUS_TIME",
        "holds local times that clocks showed twice",
        "write the offset with them, as in 2013-11-03T01:30:00-04:00, so that it is known which of the two "
        "hours is meant",
    ),
    NEVER: (
        "NONEXISTENT_TIME",
        "holds local times that clocks skipped",
        "write them in UTC with a trailing Z, or correct data.timezone in project.toml if their clocks were "
        "another zone's",
    ),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason to quarantine one row; `position` counts the rows of the table from 0."""

    position: int
    column: str
    check: str
    value: Any
    message: str


@dataclass(frozen=True, slots=True)
class Finding:
    """How often one check of one column failed, with the numbers and values of the first such rows."""

    column: str
    check: str
    message: str
    count: int
    examples: tuple[tuple[int, str], ...]

    @property
    def remedy(self) -> str:
        """Say what to do about it."""
        if self.check in _BREAKS:
            return _BREAKS[self.check][2]
        if self.check == NULL:
            return "fill the cell, or declare the column nullable in contract.py"
        if self.check == BROKEN:
            return "quote cells that hold the delimiter or a line break; write one record for each row"
        if self.check in _UNIQUE:
            return "leave one of the rows that share the value, or drop unique from contract.py"
        return (
            "correct the rows and upload the file again, or the check in contract.py if the world has changed"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as JSON-able data."""
        return {
            "column": self.column,
            "check": self.check,
            "message": self.message,
            "count": self.count,
            "examples": [{"row": row, "value": value} for row, value in self.examples],
            "remedy": self.remedy,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        examples = tuple((one["row"], one["value"]) for one in data["examples"])
        return cls(data["column"], data["check"], data["message"], data["count"], examples)


def by_position(problems: Iterable[Problem]) -> dict[int, list[Problem]]:
    """Group problems by row, in the order of the rows."""
    grouped: dict[int, list[Problem]] = {}
    for problem in problems:
        grouped.setdefault(problem.position, []).append(problem)
    return dict(sorted(grouped.items()))


def summarize(
    problems: Iterable[Problem], numbers: Sequence[int], sensitive: Collection[str]
) -> tuple[Finding, ...]:
    """Count problems by column and check, most frequent first; values of sensitive columns are masked."""
    groups: dict[tuple[str, str], list[Problem]] = {}
    for problem in problems:
        groups.setdefault((problem.column, problem.check), []).append(problem)
    findings = []
    for (column, check), group in groups.items():
        first = sorted(group, key=lambda problem: problem.position)[:EXAMPLES]
        examples = tuple(
            (int(numbers[problem.position]), shown(problem.value, masked=column in sensitive))
            for problem in first
        )
        count = len({problem.position for problem in group})
        findings.append(Finding(column, check, group[0].message, count, examples))
    return in_order(findings)


def added_up(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Add up findings of parts that follow each other."""
    sums: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        key = (finding.column, finding.check)
        if key not in sums:
            sums[key] = finding
            continue
        one = sums[key]
        examples = (*one.examples, *finding.examples)[:EXAMPLES]
        sums[key] = Finding(*key, one.message, one.count + finding.count, examples)
    return in_order(sums.values())


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Put the most frequent first."""
    return tuple(sorted(findings, key=lambda finding: (-finding.count, finding.column, finding.check)))


def refuse_too_ragged(broken: int, rows: int, first: tuple[int, str] | None, broken_as: str) -> None:
    """Raise Refusal when too many rows are none, or when there are no rows at all."""
    if not rows:
        raise Refusal("NO_ROWS", "the file has a header but no rows; upload it again with its rows")
    if first is not None and broken > MOST_BROKEN_SHARE * rows:
        raise Refusal(
            "RAGGED_ROWS",
            f"{broken:,} of {rows:,} rows {broken_as}, the first one row {first[0]:,} {first[1]}; quote "
            "cells that "
            "hold the delimiter or a line break, and write one record for each row",
        )


def refuse_if_broken(findings: Sequence[Finding], bad: int, rows: int, most_bad_share: float) -> None:
    """Raise Refusal when a column changed its type or when too many rows are bad, naming the worst."""
    for finding in findings:
        if finding.check in _BREAKS and finding.count > most_bad_share * rows:
            code, what, remedy = _BREAKS[finding.check]
            raise Refusal(
                code,
                f"column {shown(finding.column)} {what}: {finding.count:,} of {rows:,} rows do not fit, such "
                f"as {_place(finding)}; {remedy}",
            )
    if rows and bad > most_bad_share * rows:
        worst = findings[0]
        raise Refusal(
            "TOO_MANY_BAD_ROWS",
            f"{bad:,} of {rows:,} rows break the contract, at most {most_bad_share:.1%} may; most often "
            f"column {shown(worst.column)} {worst.message}, such as {_place(worst)}; correct the file, or "
            "the contract if the world has changed",
        )


def _place(finding: Finding) -> str:
    row, value = finding.examples[0]
    return f"row {row:,} with {value}"
