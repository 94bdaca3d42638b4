"""F21: data that gives the label away makes no champion, and the refusal names the column and the remedy."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lambdas.judge_challenger.handler import floors_of
from trimtab.errors import BadInput
from trimtab.model.gate import judge
from trimtab.project import Project, load_project
from trimtab.training.isolation import project_module
from trimtab.training.rehearsal import rehearse

TEMPLATE = Path(__file__).parents[2] / "trimtab/cli/template"
LEAKS = ("refund", "checked", "decision", "Accepted")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a project's folder from the template's settings."""
    folder = tmp_path_factory.mktemp("pipelines") / "churn"
    folder.mkdir()
    text = (TEMPLATE / "project.toml.tmpl").read_text(encoding="utf-8").replace("{{name}}", "churn")
    (folder / "project.toml").write_text(text, encoding="utf-8")
    return folder


def with_columns(folder: Path, waiver: tuple[str, ...] = (), **columns: list[str]) -> Project:
    document = load_project(folder).model_dump(mode="json")
    for kind, names in columns.items():
        document["features"][kind] += names
    document["gate"]["leak_waiver"] = waiver
    return Project.model_validate(document)


def leaking(folder: Path, waiver: tuple[str, ...] = ()) -> Project:
    return with_columns(
        folder, waiver, numeric=["refund", "checked", "Accepted"], categorical=["decision", "ticket"]
    )


@pytest.fixture(scope="module")
def evaluation(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Train on honest columns and four that are not."""
    with project_module(TEMPLATE / "tests", "sample") as sample:
        offers = sample.sample(days=59, rows_a_day=20)
    random, count = np.random.default_rng(1), len(offers)
    # An amount that is written down once the answer is yes, and otherwise not.
    offers["refund"] = np.where(offers["accepted"] == 1, random.gamma(2.0, 50.0, count), np.nan)
    # The label itself, but for the rows in which nobody has entered it yet.
    offers["checked"] = offers["accepted"].where(random.random(count) < 0.3)
    # The outcome in words, each in many spellings.
    words = offers["accepted"].map({1.0: "yes", 0.0: "no"})
    offers["decision"] = words + random.integers(0, 4, count).astype(str)
    # The label's name, whatever is in it.
    offers["Accepted"] = random.random(count)
    # An id is no leak, although no two rows share it.
    offers["ticket"] = [f"t{number}" for number in range(count)]
    settings = leaking(folder).model_dump(mode="json")
    return rehearse(TEMPLATE, settings, offers, tmp_path_factory.mktemp("work") / "job")


@pytest.mark.parametrize(
    ("column", "why"),
    [
        ("refund", "alone tells the label"),
        ("checked", "alone tells the label"),
        ("decision", "alone tells the label"),
        ("Accepted", "has the name of the label"),
    ],
)
def test_F21_a_column_that_gives_the_label_away_is_refused_by_name(
    folder: Path, evaluation: dict[str, Any], column: str, why: str
) -> None:
    others = tuple(name for name in LEAKS if name != column)
    judgement = judge(evaluation, floors_of(leaking(folder, others)), None)
    assert judgement.verdict == "rejected"
    for words in (f"column {column!r}", why, "Take it out of [features]", "gate.leak_waiver"):
        assert words in judgement.reason


def test_F21_honest_columns_pass_and_a_person_may_waive_the_rest(
    folder: Path, evaluation: dict[str, Any]
) -> None:
    assert judge(evaluation, floors_of(leaking(folder)), None).verdict == "rejected"
    assert judge(evaluation, floors_of(leaking(folder, LEAKS)), None).verdict == "passed"
    strong = {one["column"] for one in evaluation["leaks"] if one["auc"] > 0.999 or one["named"]}
    assert strong == set(LEAKS)


@pytest.mark.parametrize("name", ["accepted", "prediction_id"])
def test_F21_the_label_and_the_prediction_id_cannot_be_features(folder: Path, name: str) -> None:
    with pytest.raises(ValueError, match="it cannot be a feature"):
        with_columns(folder, numeric=[name])


def test_F21_a_waiver_of_an_unknown_column_is_an_error(folder: Path, tmp_path: Path) -> None:
    text = (folder / "project.toml").read_text(encoding="utf-8")
    other = tmp_path / "churn"
    other.mkdir()
    (other / "project.toml").write_text(f'{text}\n[gate]\nleak_waiver = ["refunds"]\n', encoding="utf-8")
    with pytest.raises(BadInput, match="refunds"):
        load_project(other)
