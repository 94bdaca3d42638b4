"""Why a step is run again: each part of its key beside that of the nearest step that has run."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from trimtab.cache.entry import Entry
from trimtab.instants import parse_time


def compare(now: Mapping[str, Any], stored: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return each part of a key now and as stored, and whether it changed, in the order of their names.

    >>> rows = compare({"code": "a", "inputs": {"grid": "g"}}, {"code": "b", "inputs": {"grid": "g"}})
    >>> [row["part"] for row in rows if row["changed"]]
    ['code']
    """
    ours, theirs = dict(_leaves(now)), dict(_leaves(stored or {}))
    return [
        {
            "part": part,
            "now": ours.get(part),
            "stored": theirs.get(part),
            "changed": part not in ours or part not in theirs or ours[part] != theirs[part],
        }
        for part in sorted({*ours, *theirs})
    ]


def nearest(now: Mapping[str, Any], entries: Iterable[Entry]) -> Entry | None:
    """Return the entry of the same stage that differs in the fewest parts, the newest of those."""
    same = [entry for entry in entries if entry.stage == now["stage"]]
    return min(same, key=lambda entry: (_distance(now, entry.parts), -_moment(entry)), default=None)


def _distance(now: Mapping[str, Any], stored: Mapping[str, Any]) -> int:
    return sum(row["changed"] for row in compare(now, stored))


def _moment(entry: Entry) -> float:
    return parse_time(entry.made_at).timestamp()


def _leaves(parts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in parts.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", list(value) if isinstance(value, tuple) else value
