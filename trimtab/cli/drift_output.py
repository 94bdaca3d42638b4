"""What `trimtab drift` says: sentences and tables for people, JSON for machines, a page to send on."""

import math
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape

from trimtab.cli.drift_compare import Comparison
from trimtab.cli.output import console_for_people, print_notes, show
from trimtab.errors import BadInput
from trimtab.report.comparison import comparison_sentence, feature_reasoning, render_comparison
from trimtab.report.pictures import picture
from trimtab.report.words import compact, number, percent, plain, plural

_WIDTH = 30
_SHADES = "▏▎▍▌▋▊▉█"


def page_of(found: Comparison, document: Mapping[str, Any]) -> str:
    """Return the comparison as one HTML file."""
    drawn = {
        part["name"]: picture(found.baseline, found.current, part["name"]) for part in document["features"]
    }
    return render_comparison({**document, "distributions": drawn})


def show_comparison(document: dict[str, Any], *, as_json: bool) -> None:
    """Print the verdict in a sentence, the features that matter first, and what was left out."""
    if as_json:
        show(document, as_json=True, title="")
        return
    rows = [
        {
            "feature": part["name"],
            "verdict": part["verdict"],
            "shift": _sd(part["effect"]),
            "allowed": _sd(part["tolerance"]),
            "q": compact(part["q_value"]),
            "psi": number(part["effects"].get("psi")),
            "ks": number(part["effects"].get("ks")),
            "reason": part["reason"],
        }
        for part in document["features"]
    ]
    show(rows, as_json=False, title=comparison_sentence(document))
    print_notes(document["notes"])


def show_feature(found: Comparison, document: dict[str, Any], name: str, *, as_json: bool) -> None:
    """Print one feature's distributions and the reasoning."""
    part = next((part for part in document["features"] if part["name"] == name), None)
    if part is None:
        known = ", ".join(one["name"] for one in document["features"])
        raise BadInput(f"{name!r} is not compared; these columns are: {known}")
    drawn = picture(found.baseline, found.current, name)
    reasoning = feature_reasoning(part, document)
    if as_json:
        told = {**part, "rows": document["rows"], "alpha": document["alpha"]}
        show({**told, "distributions": drawn, "reasoning": reasoning}, as_json=True, title="")
        return
    console = console_for_people()
    console.print(f"[bold]{escape(name)}: {part['verdict']}")
    if drawn is not None:
        _print_bars(console, drawn)
    for sentence in reasoning:
        console.print(escape(sentence))
    print_notes(document["notes"])


def show_replay(found: dict[str, Any], *, as_json: bool) -> None:
    """Print each window's verdict and the alarms there would have been."""
    if as_json:
        show(found, as_json=True, title="")
        return
    alarms = found["alarms"]
    when = f": {', '.join(alarms['windows'])}" if alarms["count"] else ""
    title = f"{plural(alarms['count'], 'alarm')} in {plural(len(found['windows']), 'window')}{when}"
    rows = [
        {
            "window": row["window"],
            "rows": f"{row['rows']:,}",
            "verdict": row["verdict"],
            "weight": percent(row["weight"]),
            "persistent": {True: "yes", False: "no", None: "unknown"}[row["persistent"]],
            "alarm": "ALARM" if row["alarm"] else None,
            "features": row["features"] or row["reason"],
        }
        for row in found["windows"]
    ]
    show(rows, as_json=False, title=title)
    print_notes(found["notes"])


def _print_bars(console: Console, drawn: Mapping[str, Any]) -> None:
    if drawn["kind"] == "numeric":
        step = (drawn["high"] - drawn["low"]) / len(drawn["baseline"])
        names = [plain(drawn["low"] + step * place) for place in range(len(drawn["baseline"]))]
        pairs = list(zip(drawn["baseline"], drawn["current"], strict=True))
    else:
        names, pairs = list(drawn["names"]), list(zip(drawn["baseline"], drawn["current"], strict=True))
        if drawn["rest"]["categories"]:
            names.append(f"{drawn['rest']['categories']} others")
            pairs.append((drawn["rest"]["baseline"], drawn["rest"]["current"]))
    names = [name if len(name) <= 20 else name[:19] + "…" for name in names]
    most = max(max(pair) for pair in pairs) or 1.0
    wide = max(len("from"), *(len(name) for name in names))
    console.print(f"{'':>{wide}}  {'baseline':<{_WIDTH + 7}}  current", style="dim")
    for name, (before, now) in zip(names, pairs, strict=True):
        sides = [f"{_bar(share / most):<{_WIDTH}} {percent(share, 1):>6}" for share in (before, now)]
        console.print(f"{escape(name.rjust(wide))}  {sides[0]}  {sides[1]}", soft_wrap=True)


def _bar(share: float) -> str:
    eighths = round(share * _WIDTH * 8)
    full, rest = divmod(eighths, 8)
    return "█" * full + (_SHADES[rest - 1] if rest else "")


def _sd(effect: float | None) -> str:
    return "-" if effect is None else f"{math.sqrt(effect):.2f} sd"
