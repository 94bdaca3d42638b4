"""Which dataset versions have to stay, and why."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from trimtab.instants import parse_time

REJECTED = "rejected"


def reasons_to_keep(
    versions: Iterable[Mapping[str, Any]],
    *,
    models: Iterable[Mapping[str, Any]],
    tags: Mapping[str, str],
    in_training: Collection[str],
    now: datetime,
    grace: timedelta,
) -> dict[str, list[str]]:
    """Map each dataset version to the reasons why it stays; a version without a reason may go.

    A model is live unless it was rejected: champions, retired and rolled-back ones may be asked for again.
    `tags` maps names to versions. The grace period runs from the moment in which a version was superseded.
    """
    known = {item["sk"]: item for item in versions}
    reasons: dict[str, list[str]] = {name: [] for name in known}
    for name, item in known.items():
        if not item.get("superseded_by"):
            reasons[name].append("present")
        elif now - superseded_at(item, known) < grace:
            reasons[name].append("superseded within the grace period")
    for tag, name in sorted(tags.items()):
        if name in reasons:
            reasons[name].append(f"tag {tag}")
    for model in models:
        if model["status"] == REJECTED:
            continue
        for name in model["datasets"]:
            if name in reasons:
                reasons[name].append(f"model {model['version']}")
    for name in in_training:
        if name in reasons:
            reasons[name].append("a training run uses it")
    return reasons


def superseded_at(item: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> datetime:
    """Return when a version was superseded: when the newer one was committed, unless that came first."""
    newer = known.get(str(item.get("superseded_by")))
    moments = [parse_time(one["committed_at"]) for one in (item, newer) if one is not None]
    return max(moments)
