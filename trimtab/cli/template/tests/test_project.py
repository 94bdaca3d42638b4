"""The project holds together: settings, contract, training, serving."""

from pathlib import Path

import pandera.errors
import pytest

from trimtab.project import load_project
from trimtab.training.isolation import answer, project_module
from trimtab.training.rehearsal import rehearse
from trimtab.training.scoring import read_request, typed

FOLDER = Path(__file__).resolve().parent.parent
REQUEST = """prediction_id,offered_at,amount,age_days,channel
new-1,2026-05-04T10:00:00Z,12.5,30,web
new-2,2026-05-04T11:00:00Z,,400,carrier pigeon
"""


@pytest.fixture
def offers():
    with project_module(FOLDER / "tests", "sample") as sample:
        return sample.sample()


@pytest.fixture
def contract():
    with project_module(FOLDER, "contract") as module:
        yield module.Contract


def test_the_settings_are_valid():
    assert load_project(FOLDER).features.numeric == ("amount", "age_days")


def test_the_contract_accepts_the_sample(contract, offers):
    assert len(contract.validate(offers.astype(str).replace("nan", None), lazy=True)) == len(offers)


def test_the_contract_names_the_bad_row(contract, offers):
    offers.loc[7, "age_days"] = -1
    with pytest.raises(pandera.errors.SchemaErrors) as caught:
        contract.validate(offers, lazy=True)
    assert caught.value.failure_cases["index"].tolist() == [7]


def test_a_model_is_trained_and_answers(offers, tmp_path):
    settings = load_project(FOLDER).model_dump(mode="json")
    evaluation = rehearse(FOLDER, settings, offers, tmp_path)
    assert evaluation["challenger"]["auc"] > 0.6
    scores = answer(tmp_path / "model", tmp_path / "model" / "code", REQUEST)
    assert scores.keys() == {"new-1", "new-2"}
    assert scores["new-1"] > scores["new-2"]


def test_a_file_and_a_request_give_the_same_features(offers):
    settings = load_project(FOLDER)
    columns = settings.features.model_dump() | settings.data.model_dump()
    request = offers.to_csv(index=False, date_format="%Y-%m-%dT%H:%M:%SZ")
    with project_module(FOLDER, "features") as module:
        from_file = module.features(typed(offers, columns))
        from_request = module.features(typed(read_request(request), columns))
    assert from_file.equals(from_request)
