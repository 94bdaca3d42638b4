"""What a verdict says outside its report: metrics, the log line that goes with them, the window's record."""

from collections.abc import Mapping, Sequence
from typing import Any

from trimtab.aws.metrics import RANKS
from trimtab.report import by_weight_and_effect

# A log event holds 256 KB; the report has every feature.
LOGGED = 500

type Document = Mapping[str, Any]


def measures(document: Document) -> dict[str, float]:
    """Return the window's metrics; what cannot be told is left out, so that silence never reads as zero."""
    values: dict[str, float] = {
        "WindowRows": document["rows"]["current"],
        "UndeterminedShare": document["undetermined_weight"],
    }
    if document["verdict"] != "undetermined":
        values |= {"DriftVerdict": document["verdict"] == "drifted", "DriftWeight": document["weight"]}
    if document["persistent"] is not None:
        values["DriftPersistent"] = document["persistent"]
    known = [part for part in document["features"] if part["effect"] is not None]
    for rank, part in enumerate(by_weight_and_effect(known)[:RANKS], start=1):
        values[f"Rank{rank}Effect"] = part["effect"]
    return values


def properties(document: Document, report_key: str) -> dict[str, Any]:
    """Return what the log line tells beside the metrics: the features by name, what matters first."""
    told = ("name", "verdict", "reason", "weight", "effect", "tolerance", "q_value")
    return {
        "Window": document["window"]["id"],
        "ChampionVersion": document["champion_version"],
        "Report": report_key,
        "Features": [{name: part[name] for name in told} for part in document["features"][:LOGGED]],
    }


def leading(features: Sequence[Document]) -> list[dict[str, Any]]:
    """Return the drifted features with the largest weight times effect."""
    drifted = [part for part in features if part["verdict"] == "drifted"]
    return [
        {key: part[key] for key in ("name", "weight", "effect")} for part in by_weight_and_effect(drifted)
    ][:RANKS]


def record_of(document: Document, report_key: str, profile_key: str) -> dict[str, Any]:
    """Return the attributes of the window's item that follow from its report."""
    persists = document["persistent"]
    return {
        "from": document["window"]["from"],
        "to": document["window"]["to"],
        "verdict": document["verdict"],
        "reason": document["reason"],
        "features": leading(document["features"]),
        "drift_weight": document["weight"],
        "undetermined_weight": document["undetermined_weight"],
        "champion_version": document["champion_version"],
        "rows": document["rows"]["current"],
        "last_event": document["captured"]["last_event"],
        "report_key": report_key,
        "profile_key": profile_key,
        "persistent": None if persists is None else int(persists),
    }


def says_the_same(record: Mapping[str, Any], known: Mapping[str, Any] | None) -> bool:
    """Tell whether a record's metrics are those that were published for the window before."""
    if known is None:
        return False
    told = ("profile_key", "champion_version", "verdict", "persistent", "drift_weight", "undetermined_weight")
    return all(record[name] == known.get(name) for name in told)


def superseded(known: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List the verdicts that the window had before, the oldest first, with the one that is replaced now."""
    told = ("report_key", "verdict", "champion_version", "rows", "judged_at")
    return [*known.get("superseded", ()), {name: known.get(name) for name in told}]
