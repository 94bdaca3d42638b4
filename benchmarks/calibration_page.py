"""The page of the calibration studies: every figure with its bar, and where the bar is missed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Row:
    """One figure of a study: a share of reports or columns, or an error."""

    what: str
    value: float
    bar: float | None
    side: Literal["most", "least", "about"]
    reports: int
    share: bool = True

    @property
    def is_met(self) -> bool | None:
        """Tell whether the bar is met; None where there is none."""
        if self.bar is None:
            return None
        if self.side == "about":
            return bool(_interval(self.value, self.reports)[0] <= self.bar)
        return bool(self.value <= self.bar if self.side == "most" else self.value >= self.bar)

    @property
    def figure(self) -> str:
        """Return the value as text, a share with its 95 % interval."""
        if not self.share:
            return f"{self.value:.1e}"
        low, high = _interval(self.value, self.reports)
        return f"{self.value:.1%} ({low:.1%} to {high:.1%})"

    @property
    def wanted(self) -> str:
        """Return the bar as text."""
        if self.bar is None:
            return "–"
        if self.side == "about":
            return f"nominal {self.bar:.0%}"
        return f"at {self.side} " + (f"{self.bar:.0%}" if self.share else f"{self.bar:.0e}")

    @property
    def judged(self) -> str:
        """Say whether the bar is met."""
        return {True: "met", False: "**missed**", None: ""}[self.is_met]

    @property
    def sentence(self) -> str:
        """Return the row as one line."""
        return f"{self.what}: {self.figure}, {self.wanted} {self.judged}".rstrip()


def page(found: Mapping[str, Sequence[Row]]) -> str:
    """Return the page as Markdown."""
    missed = [row for rows in found.values() for row in rows if row.is_met is False]
    lines = ["# Calibration of drift verdicts", "", *_INTRODUCTION, "", _summary(missed)]
    for title, rows in found.items():
        lines += ["", f"## {title}", "", "| what | found | bar | |", "|---|---|---|---|"]
        lines += [f"| {row.what} | {row.figure} | {row.wanted} | {row.judged} |" for row in rows]
    lines += ["", *_NOTES]
    return "\n".join(lines) + "\n"


def _summary(missed: Sequence[Row]) -> str:
    if not missed:
        return "**Every bar is met.**"
    said = "; ".join(f"{row.what} ({row.figure})" for row in missed)
    return f"**Missed: {said}.**"


def _interval(share: float, count: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share."""
    z = 1.96
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, middle - half), min(1.0, middle + half)


_INTRODUCTION = (
    "How often verdicts are wrong in worlds where the truth is known. `make simulate-drift` runs the",
    "studies from one fixed seed, in some minutes, and writes this page.",
    "",
    "Each report has 30 columns: 20 numeric ones (normal, lognormal, heavy tails, counts, ties, clusters,",
    "instants, flags, with nulls) and 10 categorical ones of 2 to 10,000 categories. A false alarm is a",
    "report with at least one column found to have drifted that did not, at 5 % after correction over the",
    "columns. *Tolerance 0* tests every difference, however small: it shows that p-values are right; the",
    "default tolerance of 0.001 (about 0.03 standard deviations) can only alarm less.",
    "",
    "Drift is planted in six columns: a shift, a factor, a heavier tail, the shares of two clusters, more",
    "of the five largest of 50 categories, more of the rare ones of 10,000. *Drift of 0.1 sd* gives each",
    "the size of a shift by 0.1 standard deviations. *Drift of 0.07 to 0.1 sd* are rounder changes, most",
    "of them smaller: a shift by 0.1, a factor of 1.1, a tail of 1.4 instead of 1.5, clusters of 55 and",
    "45 percent, 15 percent more odds, 25 percent more odds.",
    "",
    "In brackets: the 95 % interval of the simulation; where 5 % is nominal, the bar is that it reaches",
    "down to 5 %.",
)
_NOTES = (
    "## What this does not show",
    "",
    "- Rows that depend on each other look like drift to every test that counts rows. With slices to",
    "  learn from the excess is part of what a column does by itself; without slices it is not, as the",
    "  rows above say. A project with dependent rows and fewer than eight weeks of training data should",
    "  raise its tolerance.",
    "- The wobble is normal and independent between columns and windows. A season is neither: name",
    "  seasons, or use windows as long as the season.",
    "- Where slices are learned from, four or five windows share a baseline, so those brackets are a",
    "  little too narrow.",
)
