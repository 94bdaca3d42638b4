"""The report of two sets of files: what changed between them, in a sentence, in words and as a page."""

import math
from collections.abc import Mapping
from typing import Any

from trimtab.report.cards import changed, in_sd
from trimtab.report.markup import Markup, joined, tag
from trimtab.report.page import badge, figures, page, paragraphs, section
from trimtab.report.together import moving_together
from trimtab.report.unknown import REASONS, could_not_be_determined, main_reason, share_judged, smallest_shift
from trimtab.report.window import all_features
from trimtab.report.words import compact, count, number, percent, plural, shortened

type Facts = Mapping[str, Any]

_TESTS = {
    "location": "whether its values moved as a whole",
    "shape": "whether its values moved or spread differently",
    "histogram": "whether its values are mixed differently",
    "missing": "its share of nulls",
    "unseen": "its share of values that the baseline has not",
    "hour": "its mix of hours of the day",
    "weekday": "its mix of days of the week",
}


def render_comparison(report: Facts) -> str:
    """Render a comparison as one HTML file.

    `report` is what `trimtab.drift.Report.to_dict` gives, with the addresses `baseline` and `current`,
    `notes`, `default_tolerance`, `drifts_from` and distributions by feature.
    """
    report = {**report, "trend": {"windows": [], "features": {}}, "now": "the current data"}
    return page(
        f"Comparison: {report['verdict']}",
        _header(report),
        changed(report),
        could_not_be_determined(report),
        all_features(report, report["features"]),
        moving_together(report),
        section("How this was judged", paragraphs(_rule(report), *report["notes"])),
    )


def comparison_sentence(report: Facts) -> str:
    """Say the verdict in one sentence."""
    drifted = [part["name"] for part in report["features"] if part["verdict"] == "drifted"]
    if report["verdict"] == "undetermined":
        return f"Undetermined: {main_reason(report)} ({plural(report['rows']['current'], 'row')})."
    if report["verdict"] == "drifted":
        return (
            f"Drifted: {len(drifted)} of {plural(len(report['features']), 'column')} changed, "
            f"first of all {shortened(drifted, 3)}."
        )
    if drifted:
        return (
            f"Stable: {shortened(drifted, 3)} changed, but that is only {percent(report['weight'])} of the "
            f"weight where {percent(report['drifts_from'])} makes drift."
        )
    return "Stable: no column changed by more than chance and its tolerance explain."


def feature_reasoning(part: Facts, report: Facts) -> list[str]:
    """Say in words what was tested, the effect against its tolerance, and chance against alpha."""
    rows, said = report["rows"], []
    said.append(f"Compared: {count(rows['current'])} rows with {count(rows['baseline'])} of the baseline.")
    if part["component"] is not None:
        said.append(f"The test that speaks loudest is {_TESTS.get(part['component'], part['component'])}.")
        over = "more" if part["effect"] > part["tolerance"] else "no more"
        learned = "learned from the baseline's slices" if part["calibrated"] else "a default"
        said.append(
            f"Its shift is {in_sd(part['effect'])}, {over} than the {in_sd(part['tolerance'])} that are "
            f"allowed ({learned})."
        )
    if part["q_value"] is not None:
        below = part["q_value"] <= report["alpha"]
        chance = "hardly explains" if below else "may explain"
        said.append(
            f"q is {compact(part['q_value'])}, {'at most' if below else 'above'} alpha "
            f"{compact(report['alpha'])}, so chance {chance} a change beyond what is allowed."
        )
    if part["reason"] is not None:
        reason = str(part["reason"])
        said.append(f"It cannot be judged ({reason}): {REASONS.get(reason, 'it cannot be compared')}.")
    shift = part["detectable_shift"] or smallest_shift(part, report)
    if shift is not None and math.isfinite(shift):
        said.append(f"A shift of {number(shift, 2)} sd would have been seen four times out of five.")
    said.append(f"Verdict: {part['verdict']}.")
    return said


def _header(report: Facts) -> Markup:
    return tag(
        "header",
        tag("p", f"{report['baseline']} → {report['current']}", class_="over"),
        tag("h1", joined("Comparison ", badge(report["verdict"]))),
        tag("p", comparison_sentence(report), class_="verdict"),
        figures(
            (count(report["rows"]["current"]), "current rows", f"{count(report['rows']['baseline'])} before"),
            (_weight(report), "of the weight drifted", ""),
            (percent(report["undetermined_weight"]), "of the weight not judged", ""),
            (share_judged(report["features"]), "columns judged", ""),
        ),
    )


def _weight(report: Facts) -> str:
    return "–" if report["verdict"] == "undetermined" else percent(report["weight"])


def _rule(report: Facts) -> str:
    weights = {part["weight"] for part in report["features"]}
    shared = ", which all columns share equally" if len(weights) == 1 else " of all columns"
    return (
        f"The data has drifted when changed columns carry at least {percent(report['drifts_from'])} of the "
        f"weight{shared}. q-values are corrected for the number of columns."
    )
