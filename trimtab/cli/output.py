"""What a command prints: a table for people, JSON for machines."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

PLAIN_WIDTH = 200
STYLES = {
    "accepted": "green", "quarantined": "yellow", "refused": "red",
    "stable": "green", "drifted": "yellow", "undetermined": "dim",
    "SUCCEEDED": "green", "FAILED": "red", "RUNNING": "cyan", "TIMED_OUT": "red", "ABORTED": "yellow",
    "champion": "bold green", "Rejected": "red", "rejected": "red", "Approved": "green",
    "OK": "green", "ALARM": "bold red", "INSUFFICIENT_DATA": "dim",
}  # fmt: skip


def show(value: Any, *, as_json: bool, title: str, columns: Sequence[str] = ()) -> None:
    """Print rows (a list of mappings) or facts (one mapping) as a table or as JSON."""
    if as_json:
        print(json.dumps(value, indent=2, default=str))
        return
    if isinstance(value, Mapping):
        _print_facts(value, title)
    else:
        _print_rows(value, title, columns)


def console_for_people() -> Console:
    """Return where tables go; pipes and files get lines that no absent terminal cuts."""
    wide = None if sys.stdout.isatty() else PLAIN_WIDTH
    return Console(width=wide, highlight=False)


def _print_facts(facts: Mapping[str, Any], title: str) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in facts.items():
        table.add_row(f"[dim]{escape(name)}", cell(value))
    _print_titled(title, table)


def _print_titled(title: str, table: Table) -> None:
    # A table's own title is wrapped to the table's width, which may be that of one word.
    console = console_for_people()
    console.print(f"[bold]{escape(title)}")
    console.print(table)


def _print_rows(rows: Iterable[Mapping[str, Any]], title: str, columns: Sequence[str]) -> None:
    rows = list(rows)
    if not rows:
        console_for_people().print(f"{escape(title)}: none", style="dim")
        return
    names = columns or list(rows[0])
    table = Table(header_style="bold", box=None, padding=(0, 2, 0, 0))
    for name in names:
        table.add_column(name.replace("_", " "))
    for row in rows:
        table.add_row(*(cell(row.get(name)) for name in names))
    _print_titled(title, table)


def print_notes(notes: Iterable[str]) -> None:
    """Print what a reader should know besides, a line each."""
    console = console_for_people()
    for note in notes:
        console.print(f"- {escape(note)}", style="dim")


def cell(value: Any) -> str:
    """Write one value for a person, escaped, because names in data are not ours."""
    if value is None or value == "":
        return "[dim]-"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return escape(", ".join(f"{key} {_short(entry)}" for key, entry in value.items()))
    if isinstance(value, list | tuple):
        return escape(", ".join(str(entry) for entry in value))
    text = escape(str(value))
    style = STYLES.get(str(value))
    return f"[{style}]{text}[/]" if style else text


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
