import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.errors import BadInput
from trimtab.training import scoring
from trimtab.training.baseline import with_score

COLUMNS = {"prediction_id": "id", "timestamp": "at", "numeric": ["size"], "categorical": ["colour"]}
REQUEST = "id,at,size,colour,more\n1,2026-01-01T00:00:00Z,0.1,red,x\n2,2026-01-01T01:00:00Z,NA,,y\n"


def test_a_request_becomes_typed_columns_in_one_order():
    frame = scoring.typed(scoring.read_request(REQUEST), COLUMNS)
    assert list(frame.columns) == ["id", "at", "size", "colour"]
    assert str(frame["at"].dtype) == "datetime64[ns, UTC]"
    assert frame["size"].tolist()[0] == 0.1
    assert np.isnan(frame["size"][1])
    assert frame["colour"].tolist() == ["red", None]


def test_rows_of_a_file_and_of_a_request_are_the_same():
    rows = pd.DataFrame(
        {
            "id": ["1", "2"],
            "at": pd.to_datetime(["2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"]).as_unit("us"),
            "size": [0.1, np.nan],
            "colour": ["red", None],
        }
    )
    assert scoring.typed(rows, COLUMNS).equals(scoring.typed(scoring.read_request(REQUEST), COLUMNS))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_scores_are_read_back_to_the_last_bit(scores):
    ids = [f"a,{number}" for number in range(len(scores))]
    body, content_type = scoring.write_answer((ids, scores))
    assert content_type == "text/csv"
    assert scoring.read_answer(body.encode()) == dict(zip(ids, scores, strict=True))


def test_an_answer_names_the_model_version(monkeypatch):
    monkeypatch.setenv("TRIMTAB_MODEL_VERSION", "7")
    assert scoring.write_answer((["x"], [0.25]))[0] == "prediction_id,model_version,score\nx,7,0.25\n"


def test_a_request_without_rows_gets_an_answer_without_rows():
    rows = scoring.read_request("id,at,size,colour\n")
    scored = scoring.score(rows, {"columns": COLUMNS, "model": None}, lambda model, frame: 1 / 0)
    assert scoring.write_answer(scored)[0] == "prediction_id,model_version,score\n"


@pytest.mark.parametrize(
    ("body", "remedy"),
    [
        ("", "empty"),
        (b"\xff\xfe", "UTF-8"),
        ('id,at\n"1,2', "CSV"),
        ("id,at\n1\n", "line 2 of the request has not 2 fields"),
    ],
)
def test_a_request_that_is_no_csv_names_the_fault(body, remedy):
    with pytest.raises(BadInput, match=remedy):
        scoring.read_request(body)


def test_another_content_type_is_refused():
    with pytest.raises(BadInput, match="send text/csv"):
        scoring.read_request("{}", "application/json")
    assert len(scoring.read_request(REQUEST, "text/csv; charset=utf-8")) == 2


@pytest.mark.parametrize(
    ("find", "replace", "remedy"),
    [
        (",size,", ",sighs,", "column 'size' is missing; send id, at, size, colour"),
        ("0.1", "large", "'size' holds something that is no number"),
        ("2026-01-01T00:00:00Z", "yesterday", "'at' holds something that is no ISO 8601 instant"),
    ],
)
def test_a_row_that_cannot_be_typed_names_the_column(find, replace, remedy):
    with pytest.raises(BadInput, match=remedy):
        scoring.typed(scoring.read_request(REQUEST.replace(find, replace)), COLUMNS)


def test_a_model_is_stored_with_its_columns_in_equal_bytes(tmp_path):
    (tmp_path / "again").mkdir()
    first = scoring.save({"weight": np.float64(1.5)}, COLUMNS, tmp_path)
    again = scoring.save({"weight": np.float64(1.5)}, COLUMNS, tmp_path / "again")
    assert first.read_bytes() == again.read_bytes()
    assert scoring.load(tmp_path) == {"columns": COLUMNS, "model": {"weight": 1.5}}


def test_the_score_weighs_as_much_as_the_heaviest_column():
    weights = with_score({"a": 0.6, "b": 0.4})
    assert weights["score"] == weights["a"] == 0.6 / 1.6
    assert sum(weights.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("trimtab.training.archive", {"pandas", "numpy", "sklearn", "pyarrow", "joblib"}),
        ("trimtab.training.scoring", {"sklearn", "pyarrow.parquet", "pandera", "pydantic", "boto3"}),
        ("trimtab.training.run", {"pandera", "pydantic", "boto3"}),
    ],
)
def test_a_module_imports_only_what_its_runtime_has(module, absent):
    script = f"import sys, {module}; print(sorted({absent!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
