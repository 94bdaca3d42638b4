"""`docs/benchmarks.md`: each bench rewrites the section of its own name and leaves the others alone."""

from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs/benchmarks.md"
TITLE = "# Benchmarks\n\nWritten by `make bench` and `make bench-data`, figures and all.\n"


def write_section(name: str, text: str, page: Path = PAGE) -> None:
    """Write `text` under the heading `name`, in place of what stood there."""
    begin, end = f"<!-- {name} begins -->", f"<!-- {name} ends -->"
    section = f"{begin}\n## {name}\n\n{text.strip()}\n{end}"
    old = page.read_text() if page.exists() else TITLE
    if begin in old:
        before, rest = old.split(begin, 1)
        new = before + section + rest.split(end, 1)[1]
    else:
        new = f"{old.rstrip()}\n\n{section}\n"
    page.write_text(new)


def table(header: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown; the first column is text, the others are figures."""
    marks = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [header, marks, *rows])
