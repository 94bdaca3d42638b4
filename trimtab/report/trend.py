"""Effect over time: what earlier reports of a model said of the features that matter now."""

from collections.abc import Mapping, Sequence
from typing import Any

FEATURES = 12

type Facts = Mapping[str, Any]


def trend_of(earlier: Sequence[Facts], features: Sequence[Facts]) -> dict[str, Any]:
    """Return the verdicts of earlier reports, the oldest first, and their findings on the first few features.

    A feature that a report does not know, or could not compare, has None in that window.
    """
    findings = [{part["name"]: part for part in report["features"]} for report in earlier]
    told = ("effect", "tolerance", "verdict")
    return {
        "windows": [
            {
                "id": report["window"]["id"],
                "verdict": report["verdict"],
                "weight": report["weight"],
                "champion_version": report["champion_version"],
            }
            for report in earlier
        ],
        "features": {
            part["name"]: [
                {name: found[part["name"]][name] for name in told} if part["name"] in found else None
                for found in findings
            ]
            for part in features[:FEATURES]
        },
    }
