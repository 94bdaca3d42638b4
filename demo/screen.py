"""What people see while the year goes by, and the table at its end."""

import sys
from datetime import date
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.tree import Tree

from demo.play import END, START

PLAIN_WIDTH = 150
VERDICT_STYLES = {"drifted": "yellow", "stable": "green", "undetermined": "dim"}


class Screen:
    """Show a bar that follows the moved clock, and a line for everything that is delivered."""

    def __init__(self) -> None:
        # Tables in a log file should not be squeezed into the eighty columns of a terminal that is not there.
        self.console = Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH)
        self._progress = Progress(
            TextColumn("{task.description}", style="bold"),
            BarColumn(bar_width=40),
            TimeElapsedColumn(),
            console=self.console,
        )
        self._task = self._progress.add_task("2013", total=(END - START).days)

    def __enter__(self) -> "Screen":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        """Print one line above the bar."""
        self._progress.console.print(text, highlight=False)

    def progress(self, day: date, event: str) -> None:
        """Move the bar to `day`; print what was delivered, if anything was."""
        self._progress.update(self._task, completed=(day - START.date()).days, description=f"{day:%d %b %Y}")
        if event:
            self.say(f"[dim]{day:%d %b}[/]  {escape(event)}")


def print_story(console: Console, summary: dict[str, Any]) -> None:
    """Print the year as tables."""
    console.print(_uploads(summary), _months(summary), _versions(summary))
    if summary["lineage"]:
        console.print("\n[bold]What made the champion", _tree(summary["lineage"]))
    policy, auc, rollback = summary["policy"], summary["auc"], summary["rollback"]
    console.print(
        f"{policy['tries']} models tried, {policy['promoted']} promoted, {policy['rejected']} not. "
        f"AUC March to December: [bold]{auc['champion']:.3f}[/] for the champion of the time, "
        f"{auc['version_1']:.3f} had version 1 stayed."
    )
    ended = "ok" if rollback["ok"] else "FAILED"
    console.print(f"Rolled back from version {rollback['from']} to {rollback['to']}: {ended}")
    seconds = summary["seconds"]
    parts = ", ".join(f"{name} {value:.1f}" for name, value in seconds.items() if name != "total")
    console.print(
        f"[dim]{seconds['total']:.1f} s in all: {parts}; peak memory {summary['peak_memory_mb']:.0f} MB[/]"
    )


def _table(title: str, *columns: str) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        header_style="bold",
        box=None,
        padding=(0, 2, 0, 0),
        title_style="bold",
    )
    for column in columns:
        name = column.removesuffix(">")
        wraps = name in ("reason", "why", "events")
        table.add_column(name, justify="right" if column.endswith(">") else "left", no_wrap=not wraps)
    return table


def _uploads(summary: dict[str, Any]) -> Table:
    table = _table("\nUploads", "file", "verdict", "rows>", "quarantined>", "reason")
    for item in summary["uploads"]:
        style = {"accepted": "green", "quarantined": "yellow"}.get(item["verdict"], "red")
        table.add_row(
            item["file"],
            f"[{style}]{item['verdict']}",
            str(item["rows"]),
            str(item["quarantined"]),
            escape(item["reason"]),
        )
    return table


def _months(summary: dict[str, Any]) -> Table:
    table = _table(
        "\nMonths",
        "month",
        "rows>",
        "quarantined>",
        "drift",
        "mainly in",
        "champion>",
        "AUC>",
        "AUC of v1>",
        "events",
    )
    for item in summary["months"]:
        style = VERDICT_STYLES[item["drift"]]
        table.add_row(
            item["month"], f"{item['rows']:,}", str(item["quarantined"]), f"[{style}]{item['drift']}",
            escape(", ".join(item["features"][:3])),
            ",".join(f"v{version}" for version in item["champion_versions"]),
            _number(item["auc_champion"]), _number(item["auc_version_1"]), escape("\n".join(item["events"])),
        )  # fmt: skip
    return table


def _versions(summary: dict[str, Any]) -> Table:
    table = _table("\nModel versions", "version", "status", "AUC held out>", "training set", "why")
    for item in summary["versions"]:
        table.add_row(
            f"v{item['version']}",
            item["status"],
            _number(item["metrics"].get("auc")),
            item["dataset"][:12],
            escape(item["reason"]),
        )
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _tree(node: dict[str, Any], above: Tree | None = None) -> Tree:
    kind, _, name = node["node"].partition(":")
    label = f"[dim]{kind}[/] {escape(name[:64])}"
    branch = Tree(label) if above is None else above.add(label)
    for child in node["children"]:
        _tree(child, branch)
    return branch
