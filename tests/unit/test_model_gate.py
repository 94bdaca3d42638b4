"""The gate's verdicts: what passes, what is rejected, and what is left to a person."""

from typing import Any

import pytest

from trimtab.model.gate import Floors, champion_changed, judge

LEAK = {"column": "refund", "auc": 0.5, "correlation": None, "named": False}
FLOORS = Floors(min_auc=0.6, confidence=0.8, min_gain=0.0, minimum_blocks=5)


def gain(mean: float | None = 0.02, share: float = 0.95, blocks: int = 6) -> dict[str, Any]:
    return {
        "mean": mean,
        "low": 0.01,
        "high": 0.03,
        "confidence": 0.8,
        "share_positive": share,
        "blocks": blocks,
    }


def evaluation(**changes: Any) -> dict[str, Any]:
    return {
        "challenger": {"auc": 0.71},
        "champion": {"version": 4, "auc": 0.69},
        "over_champion": gain(),
        "over_baseline": gain(0.21),
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "champion", "verdict", "words"),
    [
        ({}, 4, "passed", "over version 4"),
        ({"champion": None, "over_champion": None}, None, "passed", "first model"),
        ({"challenger": {"auc": 0.59}}, 4, "rejected", "below gate.min_auc 0.6"),
        ({"challenger": {"auc": 0.59}, "champion": None}, None, "rejected", "below gate.min_auc 0.6"),
        ({"challenger": {"auc": None}}, 4, "undetermined", "one kind only"),
        ({"over_baseline": gain(0.01, share=0.7)}, None, "rejected", "a constant prediction"),
        ({"over_baseline": gain(-0.01)}, 4, "rejected", "a constant prediction"),
        ({"over_baseline": None}, 4, "undetermined", "a constant prediction"),
        ({"over_champion": gain(0.0)}, 4, "rejected", "version 4 by +0.0000"),
        ({"over_champion": gain(-0.01, share=0.1)}, 4, "rejected", "version 4 by -0.0100"),
        ({"over_champion": gain(share=0.79)}, 4, "rejected", "positive in 79%"),
        ({"over_champion": gain(share=0.8)}, 4, "passed", "positive in 80%"),
        ({"over_champion": gain(blocks=4)}, 4, "undetermined", "on 4 held-out days"),
        ({"over_champion": None}, 4, "undetermined", "could not be compared with version 4"),
        ({"over_champion": gain(None)}, 4, "undetermined", "could not be compared with version 4"),
        ({"champion": None}, 4, "undetermined", "could not be compared with version 4"),
        ({"champion": {"version": 3}}, 4, "undetermined", "could not be compared with version 4"),
        ({"leaks": [LEAK | {"auc": 0.9991}]}, 4, "rejected", "column 'refund' alone tells the label"),
        ({"leaks": [LEAK | {"correlation": 0.9995}]}, 4, "rejected", "correlates with the label by 0.9995"),
        ({"leaks": [LEAK | {"named": True}]}, 4, "rejected", "has the name of the label"),
        ({"leaks": [LEAK | {"auc": 0.999, "correlation": 0.999}]}, 4, "passed", "over version 4"),
        ({"leaks": [LEAK, LEAK | {"auc": 1.0}]}, None, "rejected", "gate.leak_waiver"),
    ],
)
def test_the_gate_judges(changes: dict[str, Any], champion: int | None, verdict: str, words: str) -> None:
    judgement = judge(evaluation(**changes), FLOORS, champion)
    assert judgement.verdict == verdict
    assert words in judgement.reason


def test_a_gain_has_to_exceed_the_minimum() -> None:
    floors = Floors(min_auc=0.6, confidence=0.8, min_gain=0.02, minimum_blocks=5)
    assert judge(evaluation(over_champion=gain(0.02)), floors, 4).verdict == "rejected"
    assert judge(evaluation(over_champion=gain(0.021)), floors, 4).verdict == "passed"


def test_F33_a_challenger_of_a_former_champion_is_left_to_a_person() -> None:
    judgement = champion_changed(4, 5)
    assert judgement.verdict == "undetermined"
    assert "compared with version 4" in judgement.reason
    assert "version 5 is the champion" in judgement.reason
