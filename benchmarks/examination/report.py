"""Say what was measured, on the screen and as a page, and where an aim is missed."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from benchmarks.examination.process import Cost
from benchmarks.page import table, write_section

OURS, PANDERA = "trimtab", "pandas + pandera"
HEADER = [
    "",
    "GB",
    "rows",
    "seconds",
    "processor s",
    "rows/s",
    "rows/processor s",
    "peak MB",
    "GB-s per M rows",
]
FLAT = 1.5  # times the memory of the smallest file
MEMORY_SHARE = 0.1
WIDTH = 130  # of the table, whatever the terminal's

type Costs = Mapping[tuple[float, str], Cost]


def report(costs: Costs, memory_mb: int) -> None:
    """Print a table, and write the section of the page."""
    rows = [_cells(size, name, cost, memory_mb) for (size, name), cost in sorted(costs.items(), key=_by_size)]
    shown = Table(title="Examination of a CSV file, reading included")
    for number, name in enumerate(HEADER):
        shown.add_column(name, justify="right" if number else "left")
    for row in rows:
        shown.add_row(*row)
    judged = aims(costs)
    console = Console(width=WIDTH)
    console.print(shown)
    console.print("\n".join(judged))
    text = [
        _INTRODUCTION.format(memory_mb=memory_mb),
        table(HEADER, rows),
        "\n".join(f"* {one}" for one in judged),
    ]
    write_section("Data", "\n\n".join(text))


def aims(costs: Costs) -> list[str]:
    """Compare with the aims: pandera's speed, a tenth of its memory, flat in the file's size."""
    found = []
    for (size, name), ours in sorted(costs.items()):
        theirs = costs.get((size, PANDERA))
        if name != OURS or theirs is None:
            continue
        speed = theirs.cpu_seconds / ours.cpu_seconds
        found.append(
            f"{_judged(speed >= 1)}: at {size:g} GB, {speed:.2f} times the rows per processor second of "
            f"{PANDERA} (by the clock {theirs.seconds / ours.seconds:.2f}); the aim is at least 1."
        )
        share = ours.peak_bytes / theirs.peak_bytes
        found.append(
            f"{_judged(share <= MEMORY_SHARE)}: at {size:g} GB, {share:.0%} of the memory of {PANDERA}; "
            f"the aim is at most {MEMORY_SHARE:.0%}."
        )
    ours_by_size = {size: cost for (size, name), cost in sorted(costs.items()) if name == OURS}
    if len(ours_by_size) > 1:
        small, large = min(ours_by_size), max(ours_by_size)
        growth = ours_by_size[large].peak_bytes / ours_by_size[small].peak_bytes
        found.append(
            f"{_judged(growth <= FLAT)}: from {small:g} to {large:g} GB the memory of {OURS} grows "
            f"{growth:.2f} times; the aim is flat, at most {FLAT:g} times."
        )
    return found


def _judged(is_met: bool) -> str:
    return "met" if is_met else "**missed**"


def _by_size(item: tuple[tuple[float, str], Cost]) -> tuple[float, bool, str]:
    (size, name), _ = item
    return size, name != OURS, name


def _cells(size: float, name: str, cost: Cost, memory_mb: int) -> list[str]:
    gigabyte_seconds = cost.cpu_seconds * memory_mb / 1024 / cost.rows * 1e6
    return [
        name,
        f"{size:g}",
        f"{cost.rows:,}",
        f"{cost.seconds:.1f}",
        f"{cost.cpu_seconds:.1f}",
        f"{cost.rows / cost.seconds:,.0f}",
        f"{cost.rows / cost.cpu_seconds:,.0f}",
        f"{cost.peak_bytes / 1e6:,.0f}",
        f"{gigabyte_seconds:.1f}" if name == OURS else "–",
    ]


_INTRODUCTION = """What it takes to examine a local file of flights in which one row in a thousand is bad: a
type, a null, a range, a value that is not allowed, a pattern, two columns that do not fit each other, and an
id that occurs twice, in turn. All find the same number of bad rows, or the run fails. Trimtab also writes the
quarantine, the clean rows as Parquet and the profile; the others say which rows are bad, DuckDB how many.

Each figure is of a fresh process from its start to its end, imports and reading included; up to 0.5 GB it is
the median of three. Seconds by the clock depend on what else the machine does, processor seconds hardly do.
The last column is processor seconds times the {memory_mb:,} MB of the function `validate_upload`, which come
with a little more than one processor: Lambda's GB-seconds for a million rows, without the way from S3."""
