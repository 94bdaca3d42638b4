"""What a window's report says of the predictions, and of the labels once they have come."""

from collections.abc import Mapping
from typing import Any

from trimtab.report.cards import in_sd
from trimtab.report.markup import Markup, joined, tag
from trimtab.report.page import badge, section
from trimtab.report.unknown import REASONS
from trimtab.report.words import compact, count, number, percent

type Facts = Mapping[str, Any]

_SCORE = "score"


def predictions_and_labels(report: Facts) -> Markup | None:
    """Say whether predictions and labels drifted, and how well the former met the latter."""
    score = next((part for part in report["features"] if part["name"] == _SCORE), None)
    performance = report.get("performance")
    return section(
        "Predictions and labels",
        _line("Predictions", score, "") if score else None,
        *(_labels(performance) if performance else [tag("p", "No labels had come when this was written.")]),
    )


def _labels(found: Facts) -> list[Markup]:
    drift = found.get("label_drift")
    shares = f"{percent(found['base_rate'], 1)} of {count(found['rows'])} are positive"
    if drift is None:
        return [tag("p", f"Labels: {shares}."), _performance(found)]
    if drift["trained_share"] is not None:
        shares += f", {percent(drift['trained_share'], 1)} of the training data were"
    return [_line("Labels", drift, f"{shares}. "), _performance(found)]


def _line(what: str, part: Facts, shares: str) -> Markup:
    if part["verdict"] == "undetermined":
        said = f"they cannot be judged: {REASONS.get(str(part['reason']), 'they cannot be compared')}."
    else:
        said = (
            f"their shift is {in_sd(part['effect'])} where {in_sd(part['tolerance'])} is allowed "
            f"(q {compact(part['q_value'])})."
        )
    said = f"{shares}{said[0].upper()}{said[1:]}"
    return tag("p", joined(tag("strong", what), " ", badge(part["verdict"]), " ", said))


def _performance(found: Facts) -> Markup:
    if found["auc"] is None:
        return tag("p", "How well they were predicted cannot be told from these labels.")
    told = f"AUC {number(found['auc'])}"
    if found["auc_low"] is not None:
        told += f" ({number(found['auc_low'])} to {number(found['auc_high'])})"
    if found["expected_auc"] is not None:
        told += f", {number(found['expected_auc'])} on the days that it was judged by before"
    decayed = {True: " The model decayed.", False: "", None: ""}[found["decayed"]]
    return tag("p", f"{told}; Brier score {number(found['brier'])}.{decayed}")
