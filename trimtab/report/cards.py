"""The features that a window's report tells in full: what changed, how it looked then and now, over time."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from trimtab.report.charts import Step, overlay, paired_bars, steps
from trimtab.report.markup import Markup, joined, tag
from trimtab.report.page import badge, section
from trimtab.report.words import MISSING, compact, number, percent, plain, window_name

type Facts = Mapping[str, Any]

_COMPONENTS = {
    "location": "its values moved as a whole",
    "shape": "its values moved or spread differently",
    "histogram": "its values, or its categories, are mixed differently",
    "missing": "its share of nulls changed",
    "unseen": "it holds values that the baseline has not",
    "hour": "its hours of the day are mixed differently",
    "weekday": "its days of the week are mixed differently",
}
_EFFECTS = (
    ("psi", "PSI"), ("js", "JS"), ("ks", "KS"), ("wasserstein", "Wasserstein"), ("hellinger", "Hellinger"),
    ("l_infinity", "L∞"), ("length_ks", "KS of text lengths"),
)  # fmt: skip
_SHARES = (("unseen", "unseen"), ("out_of_range", "out of range"))
_MOST, _FEWEST = 12, 3


def told_in_full(features: Sequence[Facts]) -> list[Facts]:
    """Return the features with a card of their own: the drifted ones, and if few, what came closest."""
    drifted = [part for part in features if part["verdict"] == "drifted"][:_MOST]
    judged = [part for part in features if part["verdict"] == "stable" and part["effect"]]
    closest = sorted(judged, key=lambda part: (-part["effect"] / (part["tolerance"] or 1), part["name"]))
    return drifted + closest[: max(0, _FEWEST - len(drifted))]


def changed(report: Facts) -> Markup:
    """Tell what drifted and what came closest, each feature with its pictures."""
    told = told_in_full(report["features"])
    drifted = [part for part in told if part["verdict"] == "drifted"]
    closest = [part for part in told if part["verdict"] != "drifted"]
    found = sum(part["verdict"] == "drifted" for part in report["features"])
    rest = f"{found - len(drifted)} more are in the table below." if found > len(drifted) else None
    return joined(
        _cards("What changed", drifted, report, "What matters most comes first.", rest),
        _cards(
            "What came closest", closest, report, "These did not change by more than is allowed for.", None
        ),
    )


def _cards(title: str, parts: Sequence[Facts], report: Facts, lead: str, rest: str | None) -> Markup | None:
    if not parts:
        return None
    signs = f" Filled: the baseline; line: {now_of(report)}."
    if report["trend"]["windows"]:
        signs += " Bars: the shift by window; dashed: what was allowed."
    cards = [_card(part, report) for part in parts]
    return section(
        title,
        tag("div", *cards, class_="features"),
        tag("p", rest, class_="note") if rest else None,
        lead=lead + signs,
    )


def now_of(report: Facts) -> str:
    """Name what is compared with the baseline."""
    return str(report.get("now", "this window"))


def _card(part: Facts, report: Facts) -> Markup:
    facts = [f"{percent(part['weight'], 1)} of the weight"]
    if part["q_value"] is not None:
        facts.append(f"q {compact(part['q_value'])}")
    if part["effect"] is not None:
        facts.append(f"shift {in_sd(part['effect'])} where {in_sd(part['tolerance'])} is allowed")
    told = tag(
        "div",
        tag("h3", joined(part["name"], " ", badge(part["verdict"]))),
        tag("p", _what(part)) if part["verdict"] == "drifted" else None,
        tag("p", "; ".join(facts), class_="note"),
        tag("p", effects_in_words(part["effects"]), class_="note"),
        _over_time(part, report),
    )
    figure = _figure(part["name"], report["distributions"].get(part["name"]), now_of(report))
    return tag("div", told, figure, class_="feature")


def in_sd(effect: float | None) -> str:
    """Write an effect, which is squared, as the shift that it is, in standard deviations.

    >>> in_sd(0.04), in_sd(None)
    ('0.20 sd', '–')
    """
    return MISSING if effect is None else f"{number(math.sqrt(effect), 2)} sd"


def _what(part: Facts) -> str:
    said = _COMPONENTS.get(str(part["component"]), f"the test of {part['component']} speaks loudest")
    return f"{said[0].upper()}{said[1:]}."


def effects_in_words(effects: Facts) -> str:
    """List the effects that people know, leaving out what does not apply and shares of nothing."""
    parts = [f"{title} {number(effects[name])}" for name, title in _EFFECTS if effects.get(name) is not None]
    if effects.get("chi_square") is not None:
        parts.append(f"χ² {number(effects['chi_square'], 1)} (p {compact(effects['chi_square_p'])})")
    parts += [f"{title} {percent(effects[name], 1)}" for name, title in _SHARES if effects.get(name)]
    nulls, change = effects.get("missing"), effects.get("missing_change")
    if nulls is not None and change is not None and max(nulls, nulls - change) > 0:
        parts.append(f"null {percent(nulls, 1)}, was {percent(max(0.0, nulls - change), 1)}")
    return ", ".join(parts)


def _figure(name: str, picture: Facts | None, now: str) -> Markup | None:
    if picture is None:
        return None
    title = f"Distribution of {name}, baseline and {now}"
    if picture["kind"] == "numeric":
        ends = (plain(picture["low"]), plain(picture["high"]))
        return tag("figure", overlay(picture["baseline"], picture["current"], title=title, labels=ends))
    rows = list(zip(picture["names"], picture["baseline"], picture["current"], strict=True))
    rest = picture["rest"]
    others = None
    if rest["categories"]:
        shares = f"{percent(rest['current'], 1)}, was {percent(rest['baseline'], 1)}"
        others = tag("figcaption", f"{rest['categories']} others: {shares}")
    return tag("figure", paired_bars(rows, title=title), others)


def _over_time(part: Facts, report: Facts) -> Markup | None:
    """Draw the feature's shift, window by window, against what was allowed in each."""
    trend = report["trend"]
    earlier = trend["features"].get(part["name"])
    if not earlier:
        return None
    windows = [entry["id"] for entry in trend["windows"]] + [report["window"]["id"]]
    drawn = [_step(name, found) for name, found in zip(windows, [*earlier, part], strict=True)]
    title = f"Shift of {part['name']} by window, in standard deviations"
    ends = (window_name(windows[0]), window_name(windows[-1]))
    return tag("figure", steps(drawn, title=title, labels=ends), class_="trend")


def _step(name: str, found: Facts | None) -> Step:
    if found is None or found["effect"] is None:
        return Step(f"{name}: not compared", None, None, "undetermined")
    shift, allowed = math.sqrt(found["effect"]), math.sqrt(found["tolerance"] or 0.0)
    return Step(f"{name}: {shift:.2f} sd, {allowed:.2f} allowed", shift, allowed, found["verdict"])
