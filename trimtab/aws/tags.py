"""Names that people give to dataset versions; a tag names one version and remembers its former ones."""

import re
from typing import Any

from trimtab.aws.table import Table
from trimtab.errors import BadInput, Conflict

_LEGAL = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def read_tags(table: Table, project: str) -> dict[str, str]:
    """Map the tags of a project to the dataset versions that they name."""
    return {item["sk"]: item["dataset_id"] for item in tag_items(table, project) if item["dataset_id"]}


def tag_items(table: Table, project: str) -> list[dict[str, Any]]:
    """List the project's tags with their histories, removed ones included."""
    return list(table.query(f"TAG#{project}"))


def set_tag(
    table: Table, project: str, name: str, dataset_id: str | None, *, actor: str, at: str, force: bool
) -> str | None:
    """Let a tag name a version, or none when `dataset_id` is None; return what it named before.

    Raises BadInput for an illegal name and, without `force`, for a tag that names another version; Conflict
    when somebody moved it meanwhile. Every move stays in the tag's history.
    """
    if not _LEGAL.fullmatch(name) or _DIGEST.fullmatch(name):
        raise BadInput(
            f"{name!r} cannot be a tag: use at most 64 lower-case letters, digits, '.', '_' and '-'"
        )
    item = table.get(f"TAG#{project}", name)
    before: str | None = item["dataset_id"] if item else None
    if before == dataset_id:
        return before
    if before and dataset_id and not force:
        raise BadInput(f"tag {name} of {project} names {before[:12]}; move it with --force")
    entry = {"from": before, "to": dataset_id, "actor": actor, "at": at}
    history = [*(item["history"] if item else []), entry]
    new = {
        "pk": f"TAG#{project}",
        "sk": name,
        "dataset_id": dataset_id,
        "history": history,
        "moves": len(history),
    }
    try:
        if item is None:
            table.put_if(new, "attribute_not_exists(pk)", {})
        else:
            table.put_if(new, "moves = :moves", {":moves": item["moves"]})
    except Conflict as error:
        raise Conflict(
            f"somebody moved tag {name} of {project} meanwhile; look at it and try again"
        ) from error
    return before
