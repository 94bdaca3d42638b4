"""How dataset versions, their differences and their removal are shown to people."""

from collections.abc import Iterable, Mapping
from typing import Any

from trimtab.aws.versions import SHOWN
from trimtab.cli.output import show

LOGGED = (
    "id",
    "kind",
    "rows",
    "quarantined",
    "event_from",
    "event_to",
    "committed_at",
    "tags",
    "superseded_by",
)
_MOVES = ("column", "move", "psi", "js", "ks", "missing_before", "missing_after", "unseen", "out_of_range")
_LISTED = 20
_IDS = ("id", "sk", "superseded_by", "sha256")


def shortened(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Shorten ids, which nobody reads to the end."""
    return [
        {name: value[:SHOWN] if name in _IDS and value else value for name, value in row.items()}
        for row in rows
    ]


def show_description(facts: Mapping[str, Any], *, as_json: bool) -> None:
    """Print what a version is made of."""
    if as_json:
        show(facts, as_json=True, title="")
        return
    record = {**facts["record"], "tags": facts["tags"], "resolved_by": facts["resolved_by"]}
    show(record, as_json=False, title=f"{facts['project']}@{facts['id']}")
    columns = [f"{field['name']} ({field['type']})" for field in facts["schema"]]
    show({"columns": columns}, as_json=False, title=f"{len(columns)} columns")
    listed = shortened(facts["files"][:_LISTED])
    show(listed, as_json=False, title=_counted("files", facts["files"]))


def show_difference(facts: Mapping[str, Any], *, as_json: bool) -> None:
    """Print what differs between two versions, largest moves first."""
    if as_json:
        show(facts, as_json=True, title="")
        return
    files, schema, rows = facts["files"], facts["schema"], facts["rows"]
    a, b = (f"{facts[side]['project']}@{facts[side]['id'][:SHOWN]}" for side in ("a", "b"))
    changes = {
        "rows": f"{rows['before']:,} -> {rows['after']:,}",
        "files added": [entry["path"] for entry in files["added"]],
        "files removed": [entry["path"] for entry in files["removed"]],
        "files changed": [entry["path"] for entry in files["changed"]],
        "files renamed": [f"{entry['from']} -> {entry['to']}" for entry in files["renamed"]],
        "files alike": files["same"],
        "columns added": [entry["name"] for entry in schema["added"]],
        "columns removed": [entry["name"] for entry in schema["removed"]],
        "columns retyped": [f"{one['name']}: {one['from']} -> {one['to']}" for one in schema["retyped"]],
    }
    title = f"{a} and {b} are the same" if facts["same"] else f"from {a} to {b}"
    show({name: value for name, value in changes.items() if value}, as_json=False, title=title)
    if facts["no_columns"]:
        show({"columns": facts["no_columns"]}, as_json=False, title="how the values moved: unknown")
    else:
        show(facts["columns"], as_json=False, title="how the values moved", columns=_MOVES)


def show_collection(facts: Mapping[str, Any], *, as_json: bool) -> None:
    """Print what a collection removes, how many bytes, and how much stays."""
    if as_json:
        show(facts, as_json=True, title="")
        return
    verb = "removed" if facts["done"] else "would be removed (nothing was; repeat with --yes)"
    versions = shortened([{"id": one["sk"], **one} for one in facts["versions"]])
    columns = ("id", "kind", "rows", "committed_at", "superseded_by", "source")
    show(versions, as_json=False, title=f"versions of {facts['project']}: {verb}", columns=columns)
    objects = facts["objects"][:_LISTED]
    show(objects, as_json=False, title=_counted("object versions", facts["objects"]))
    totals = {
        "bytes": facts["bytes"],
        "versions removed": len(facts["versions"]),
        "versions kept": len(facts["kept"]),
    }
    show(totals, as_json=False, title="in all")


def _counted(what: str, entries: list[Any]) -> str:
    more = f", the first {_LISTED} of them" if len(entries) > _LISTED else ""
    return f"{len(entries)} {what}{more}"
