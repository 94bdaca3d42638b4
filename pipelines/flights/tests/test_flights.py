"""The flights project holds together: settings, contract, features, training, serving."""

import io
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.errors
import pytest

from demo.data import daily_requests, upload_csv
from trimtab.project import load_project
from trimtab.training.isolation import answer, project_module
from trimtab.training.rehearsal import rehearse
from trimtab.training.scoring import read_request, typed

FOLDER = Path(__file__).resolve().parent.parent
PROJECT = load_project(FOLDER)
COLUMNS = PROJECT.features.model_dump() | PROJECT.data.model_dump()


def read(content):
    return pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False, na_values=["", "NA"])


@pytest.fixture
def contract():
    with project_module(FOLDER, "contract") as module:
        yield module.Contract


@pytest.fixture
def features():
    with project_module(FOLDER, "features") as module:
        yield module


def failures(contract, rows):
    with pytest.raises(pandera.errors.SchemaErrors) as caught:
        contract.validate(rows, lazy=True)
    found = caught.value.failure_cases
    return sorted(
        {(int(index), column) for index, column in zip(found["index"], found["column"], strict=True)}
    )


def test_january_is_accepted_whole(contract):
    rows = read(upload_csv(1))
    assert len(contract.validate(rows, lazy=True)) == len(rows) == 26_268


def test_impossible_wind_is_caught_row_by_row(contract):
    rows = read(upload_csv(2))
    windy = rows.index[rows["wind_speed"].astype(float) > 1000]
    assert failures(contract, rows) == [(index, "wind_speed") for index in windy]
    assert len(windy) == 32


def test_the_flight_of_17_miles_is_caught(contract):
    rows = read(dict(daily_requests(7))[date(2013, 7, 27)])
    ((index, column),) = failures(contract, rows)
    assert column == "distance"
    assert rows.loc[index, "prediction_id"] == "2013-07-27-US-1632-EWR"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("carrier", None),
        ("origin", "PHL"),
        ("dest", "new york"),
        ("sched_dep_time", "2400"),
        ("sched_arr_time", "1275"),
        ("late", "2"),
        ("prediction_id", "17"),
        ("scheduled_departure", None),
    ],
)
def test_a_bad_value_is_caught(contract, column, value):
    rows = read(upload_csv(1)).head(50)
    rows.loc[7, column] = value
    assert failures(contract, rows) == [(7, column)]


def test_a_repeated_prediction_is_caught(contract):
    rows = read(upload_csv(1)).head(50)
    rows.loc[7, "prediction_id"] = rows.loc[8, "prediction_id"]
    assert failures(contract, rows) == [(7, "prediction_id"), (8, "prediction_id")]


def test_null_weather_is_a_value(contract):
    rows = read(upload_csv(1)).head(50)
    rows[["temp", "wind_gust", "pressure", "visib"]] = None
    assert len(contract.validate(rows, lazy=True)) == 50


def test_features_are_codes_minutes_weekday_and_weather(features):
    request = (
        "prediction_id,scheduled_departure,carrier,origin,dest,distance,sched_dep_time,sched_arr_time,temp,dewp,"
        "humid,wind_dir,wind_speed,wind_gust,precip,pressure,visib\n"
        "a,2013-01-06T04:30:00Z,UA,EWR,IAH,1400,2330,150,39.5,,,,,,,,10\n"
    )
    rows = typed(read_request(request), COLUMNS)
    matrix = features.matrix(rows, {"carrier": ["AA", "UA"], "origin": ["EWR"], "dest": ["MIA"]})
    # Code, code, unseen; miles; 23:30; 01:50; a Saturday in New York, though a Sunday in UTC.
    np.testing.assert_array_equal(matrix[0, :7], [1, 0, np.nan, 1400, 23 * 60 + 30, 110, 5])
    np.testing.assert_array_equal(matrix[0, 7:], [39.5, *[np.nan] * 7, 10])


def test_a_file_and_a_request_give_the_same_features(contract, features):
    content = upload_csv(1)
    known = features.vocabulary(typed(contract.validate(read(content)), COLUMNS))
    from_file = features.matrix(typed(contract.validate(read(content)), COLUMNS), known)
    from_request = features.matrix(typed(read_request(content), COLUMNS), known)
    np.testing.assert_array_equal(from_file, from_request)


def test_a_model_is_trained_and_answers(contract, tmp_path):
    rows = contract.validate(read(upload_csv(1)))
    evaluation = rehearse(FOLDER, PROJECT.model_dump(mode="json"), rows, tmp_path)
    assert evaluation["challenger"]["auc"] > 0.6
    assert evaluation["importances"]["carrier"] > evaluation["importances"]["visib"]
    request = dict(daily_requests(2))[date(2013, 2, 3)].decode()
    scores = answer(tmp_path / "model", tmp_path / "model" / "code", request)
    assert len(scores) == request.count("\n") - 1
    assert 0.0 < min(scores.values()) < max(scores.values()) < 1.0
