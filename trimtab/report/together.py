"""What a window's report says of columns that move together, which no single column shows."""

from collections.abc import Mapping
from typing import Any

from trimtab.report.cards import now_of
from trimtab.report.markup import Markup, joined, tag
from trimtab.report.page import section
from trimtab.report.words import number


def moving_together(report: Mapping[str, Any]) -> Markup | None:
    """Say how correlations and the main components changed; None without second moments."""
    found = report.get("multivariate")
    if not found:
        return None
    first, second = (tag("code", name) for name in found["pair"])
    changed = number(found["correlation_change"])
    error = number(found["reconstruction"])
    return section(
        "Columns together",
        tag(
            "p",
            joined(
                "The correlation that changed most is that of ",
                first,
                " and ",
                second,
                f", by {changed}{_usual(found['correlation_change'], found['correlation_limit'])}.",
            ),
        ),
        tag(
            "p",
            f"The baseline's {found['components']} main components leave {error} times as much of "
            f"{now_of(report)} unexplained as of the baseline"
            f"{_usual(found['reconstruction'], found['reconstruction_limit'])}.",
        ),
        lead="The verdict does not depend on these.",
    )


def _usual(value: float, limit: float | None) -> str:
    if limit is None:
        return ", with too few slices of the baseline to tell what is usual"
    if value > limit:
        return f", more than the {number(limit)} that slices of the baseline stay under"
    return f", as usual: slices of the baseline stay under {number(limit)}"
