"""Fetch the report of a window."""

from pathlib import Path
from typing import Any

from trimtab.cli.session import Session
from trimtab.errors import BadInput


def fetch_report(session: Session, project: str, window: str | None, folder: Path) -> dict[str, Any]:
    """Write a window's report into `folder`, as HTML and JSON; the newest window when none is named."""
    windows = {
        item["sk"]: item for item in session.table.query(f"WINDOW#{project}") if item.get("report_key")
    }
    if not windows:
        raise BadInput(f"no window of {project} has been judged yet; run: trimtab monitor run {project}")
    name = window or max(windows)
    if name not in windows:
        raise BadInput(f"no report for window {name!r}; there are: {', '.join(sorted(windows))}")
    item = windows[name]
    folder.mkdir(parents=True, exist_ok=True)
    key = str(item["report_key"]).removesuffix(".json")
    for suffix in (".json", ".html"):
        (folder / f"{project}-{name}{suffix}").write_bytes(session.data.get(key + suffix))
    return {
        "window": name,
        "verdict": item["verdict"],
        "html": str(folder / f"{project}-{name}.html"),
        "json": str(folder / f"{project}-{name}.json"),
    }
