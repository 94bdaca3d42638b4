"""The report of a year: what it says follows from the numbers, and from them only."""

import copy
from typing import Any

import pytest

from tests.unit.test_report_window import read
from trimtab.report import render_year_report
from trimtab.report.findings import auc_changes, findings
from trimtab.report.statistics import pearson, spearman
from trimtab.report.style import STYLE

AUC = [0.712, 0.642, 0.719, 0.697, 0.692, 0.676, 0.649, 0.653, 0.660, 0.692]
LATE = [0.228, 0.279, 0.220, 0.308, 0.315, 0.238, 0.132, 0.168, 0.174, 0.326]
WEIGHT = [0.1, 0.4, 0.5, 0.7, 0.6, 0.5, 0.3, 0.2, 0.4, None]


def summary() -> dict[str, Any]:
    months = [
        {
            "month": f"2013-{at + 3:02d}", "rows": 28_000, "quarantined": 0,
            "drift": "undetermined" if weight is None else "drifted" if weight >= 0.25 else "stable",
            "drift_weight": weight, "features": ["temp"] if weight and weight >= 0.25 else [],
            "champion_version": 1 if at < 2 else 2, "champion_versions": [1] if at != 2 else [1, 2],
            "auc_champion": auc, "auc_version_1": auc - (0.01 if at >= 2 else 0), "late_share": late,
            "brier": 0.05 + late / 2, "skill": -0.02 if at == 6 else 0.1, "events": [],
        }
        for at, (auc, late, weight) in enumerate(zip(AUC, LATE, WEIGHT, strict=True))
    ]  # fmt: skip
    version = {"dataset": "d" * 64, "model_sha256": "e" * 64, "metrics": {"auc": 0.7}}
    tree = {
        "node": "model:flights@2",
        "children": [
            {"node": f"training-set:{'a' * 64}", "children": [{"node": "upload:x@1", "children": []}]}
        ],
    }
    return {
        "project": "flights",
        "months": months,
        "versions": [
            version | {"version": 1, "status": "rolled_back", "reason": "the first model"},
            version | {"version": 2, "status": "champion", "reason": "better"},
            version | {"version": 3, "status": "rejected", "reason": "not better: -0.002"},
        ],
        "rollback": {"from": 2, "to": 1, "ok": True, "actor": "ana", "reason": "a drill"},
        "lineage": tree,
        "seconds": {
            "synth": 1.0,
            "deploy": 2.0,
            "training": 3.0,
            "inference": 4.0,
            "overhead": 5.0,
            "total": 15.0,
        },
    }


def said(document: dict[str, Any]) -> str:
    return " ".join(sentence for _, sentences in findings(document) for sentence in sentences)


def test_the_year_is_one_file_with_every_section():
    page = render_year_report(summary())
    found = read(page)
    assert "script" not in found.tags
    for title in ("How well it predicted", "Drift, month by month", "The months in numbers", "Model versions",
                  "Where the champion comes from", "The rollback", "Where the time went"):  # fmt: skip
        assert f"<h2>{title}</h2>" in page
    assert "Version 1 is champion again after version 2." in page
    assert "15.0 seconds in all" in page
    assert page.count('class="mark"') == 3  # the legend, and once per drawing


def test_correlation_of_drift_and_auc_comes_with_its_number_of_months():
    document = summary()
    expected = pearson(WEIGHT, auc_changes(document["months"]))
    assert expected.n == 8
    assert f"r = {expected.r:.2f}".replace("-", "−") in said(document)
    assert "(n = 8, 95 % interval" in said(document)
    assert "do not show that drift foretells a loss of AUC" in said(document)


def test_drift_that_does_go_with_losses_is_said_too():
    document = summary()
    months = document["months"]
    for at, month in enumerate(months):
        month["drift_weight"] = 0.1 * (at % 2)
        month["auc_champion"] = 0.75 - 0.05 * (at % 2) - 0.001 * at
    assert "More drift went with a loss of AUC here" in said(document)
    assert "not a measure of damage" not in said(document)


def test_equal_drift_in_all_months_has_no_correlation():
    document = summary()
    for month in document["months"]:
        month["drift_weight"] = 1.0
    assert "hardly varied" in said(document)


def test_months_in_which_drift_was_seen_are_told_by_what_auc_did():
    drifted = (
        "Of the 7 months that saw drift, AUC fell in 5 (Apr, Jun, Jul, Aug, Sep) and rose in 2 (May, Nov)."
    )
    assert drifted in said(summary())
    assert "Of the 1 month that saw none, AUC moved by less than 0.005 in 1 (Oct)." in said(summary())
    assert "Not judged: Dec" in said(summary())


def test_brier_is_called_no_sign_of_decay_only_where_it_follows_the_base_rate():
    document = summary()
    assert "moves with the base rate here" in said(document)
    assert "Skill was below zero in Sep" in said(document)
    for at, month in enumerate(document["months"]):
        month["brier"] = 0.1 + 0.01 * (at % 3)
    assert "moves with the base rate here" not in said(document)


def test_the_gate_is_told_by_status():
    assert "Of 3 versions trained: 1 champion (2), 1 rejected (3) and 1 rolled back (1)." in said(summary())


def test_quarantined_rows_and_refused_files_are_named():
    document = summary()
    document["uploads"] = [
        {"file": "a.csv", "verdict": "quarantined", "rows": 100, "quarantined": 3, "reason": ""},
        {
            "file": "<b>.csv",
            "verdict": "refused",
            "rows": 0,
            "quarantined": 0,
            "reason": "a column is missing",
        },
    ]
    assert "3 rows were quarantined, the rest of their files went on: a.csv (3 of 100)." in said(document)
    page = render_year_report(document)
    assert "&lt;b&gt;.csv was refused whole: a column is missing" in page
    assert "<b>.csv" not in page


def test_a_year_without_labels_models_or_months_still_renders():
    document = summary()
    for month in document["months"]:
        month |= {
            "auc_champion": None,
            "auc_version_1": None,
            "brier": None,
            "skill": None,
            "late_share": None,
        }
    assert "There is no value to draw yet." in render_year_report(document)
    bare = {"project": "new", "months": [], "versions": []}
    read(render_year_report(bare))


def test_untrusted_text_is_escaped_wherever_it_stands():
    document = copy.deepcopy(summary())
    nasty = "<script>x</script>"
    document["months"][1] |= {"features": [nasty], "events": [nasty]}
    document["versions"][0]["reason"] = nasty
    document["rollback"]["reason"] = nasty
    document["lineage"]["children"][0]["node"] = f"upload:{nasty}@1"
    page = render_year_report(document)
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 5


def test_rank_correlation_knows_ties_and_gaps():
    assert spearman([1, 2, 2, None, 3], [1, 2, 2, 9, 3]).r == pytest.approx(1)
    assert spearman([1, 1, 1], [1, 2, 3]) is None
    assert pearson([1, 2], [1, 2]) is None


@pytest.mark.parametrize("night", [False, True])
def test_words_are_legible_in_both_palettes(night):
    palette = _palette(night)
    on_paper = [(front, "paper") for front in ("ink", "muted", "accent", "drifted", "stable", "unknown")]
    on_soft = [(front, f"{front}-soft") for front in ("drifted", "stable", "unknown")]
    for front, back in [*on_paper, *on_soft, ("muted", "card")]:
        assert _contrast(palette[front], palette[back]) >= 4.5, (front, back)


def _palette(night: bool) -> dict[str, str]:
    at = STYLE.index("prefers-color-scheme") if night else 0
    block = STYLE[STYLE.index(":root{", at) + 6 :].split("}")[0].replace("\n", "")
    pairs = (entry.split(":") for entry in block.split(";") if entry.startswith("--"))
    return {name[2:]: value for name, value in pairs}


def _contrast(front: str, back: str) -> float:
    lighter, darker = sorted((_luminance(front), _luminance(back)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    digits = color[1:] if len(color) == 7 else "".join(2 * digit for digit in color[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
