"""What differs between two dataset versions: files, rows, schema, and how each column's values moved."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trimtab.dataset.version import DatasetFile, SchemaField
from trimtab.drift import Baseline, compare
from trimtab.profile import Profile

EFFECTS = ("psi", "js", "ks", "wasserstein", "missing_change", "unseen", "out_of_range")


def file_changes(before: Iterable[DatasetFile], after: Iterable[DatasetFile]) -> dict[str, Any]:
    """Tell files apart by path and content: added, removed, changed, renamed, and the number left alone.

    >>> one = {"path": "a", "size": 1, "sha256": "x", "rows": 1}
    >>> file_changes([one], [{**one, "path": "b"}])["renamed"]
    [{'from': 'a', 'to': 'b'}]
    """
    old = {file["path"]: file for file in before}
    new = {file["path"]: file for file in after}
    changed = [
        {"path": path, "before": _facts(old[path]), "after": _facts(new[path])}
        for path in sorted(old.keys() & new.keys())
        if old[path]["sha256"] != new[path]["sha256"]
    ]
    gone: dict[str, deque[str]] = defaultdict(deque)
    for path in sorted(old.keys() - new.keys()):
        gone[old[path]["sha256"]].append(path)
    added, renamed = [], []
    for path in sorted(new.keys() - old.keys()):
        if former := gone[new[path]["sha256"]]:
            renamed.append({"from": former.popleft(), "to": path})
        else:
            added.append({"path": path, **_facts(new[path])})
    moved = {entry["from"] for entry in renamed}
    removed = [{"path": path, **_facts(old[path])} for path in sorted(old.keys() - new.keys() - moved)]
    same = len(old.keys() & new.keys()) - len(changed)
    return {"added": added, "removed": removed, "changed": changed, "renamed": renamed, "same": same}


def schema_changes(before: Sequence[SchemaField], after: Sequence[SchemaField]) -> dict[str, Any]:
    """Tell columns apart by name and type; the order counts when nothing else changed."""
    old = {field["name"]: field["type"] for field in before}
    new = {field["name"]: field["type"] for field in after}
    return {
        "added": [{"name": name, "type": kind} for name, kind in new.items() if name not in old],
        "removed": [{"name": name, "type": kind} for name, kind in old.items() if name not in new],
        "retyped": [
            {"name": name, "from": old[name], "to": kind}
            for name, kind in new.items()
            if name in old and old[name] != kind
        ],
        "reordered": list(old) != list(new) and old == new,
    }


def column_moves(before: Profile, after: Profile) -> list[dict[str, Any]]:
    """Return how the distribution of each profiled column moved, the largest move first.

    `move` is the larger of the Jensen-Shannon distance of the values and the change of the share of missing
    rows, both from 0 to 1; None, last, when neither side has what it takes. The sizes decide nothing: they
    are those of a drift report. Raises Conflict when the profiles lie on unequal grids.
    """
    features = compare(Baseline(before), after).features
    moves = []
    for feature in features:
        sizes = {name: feature.effects.get(name) for name in EFFECTS}
        known = [abs(size) for size in (sizes["js"], sizes["missing_change"]) if size is not None]
        moves.append(
            {
                "column": feature.name,
                "kind": feature.kind,
                "move": max(known, default=None),
                **sizes,
                "missing_before": _missing(before, feature.name),
                "missing_after": _missing(after, feature.name),
            }
        )
    return sorted(
        moves, key=lambda entry: (-(entry["move"] if entry["move"] is not None else -1.0), entry["column"])
    )


def is_same(difference: Mapping[str, Any]) -> bool:
    """Tell whether nothing that makes a version's id differs."""
    files, schema = difference["files"], difference["schema"]
    listed = [files[name] for name in ("added", "removed", "changed", "renamed")]
    return not any([*listed, *schema.values()])


def _facts(file: DatasetFile) -> dict[str, Any]:
    return {"sha256": file["sha256"], "size": file["size"], "rows": file["rows"]}


def _missing(profile: Profile, column: str) -> float | None:
    counts = profile.columns[column]
    return counts.missing / counts.rows if counts.rows else None
