"""Fetch the report of a window."""

from pathlib import Path
from typing import Any

from trimtab.canonical import canonical_json
from trimtab.cli.session import Session
from trimtab.errors import BadInput
from trimtab.report import render_window_report


def fetch_report(session: Session, project: str, window: str | None, folder: Path) -> dict[str, Any]:
    """Write a window's report into `folder`, as HTML and JSON; the newest window when none is named.

    It tells what the labels said, if they have come.
    """
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
    # The stored page is of the day on which the window was judged; labels come later.
    report = session.data.get_json(str(item["report_key"])) | {"performance": item.get("performance")}
    (folder / f"{project}-{name}.json").write_bytes(canonical_json(report))
    (folder / f"{project}-{name}.html").write_text(render_window_report(report), encoding="utf-8")
    return {
        "window": name,
        "verdict": item["verdict"],
        "html": str(folder / f"{project}-{name}.html"),
        "json": str(folder / f"{project}-{name}.json"),
    }
