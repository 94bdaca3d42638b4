"""What one column tells about the label: the same each time, blind to nulls and ids that tell nothing."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from trimtab.performance import roc_auc
from trimtab.training.leaks import SAMPLE_ROWS, find_leaks
from trimtab.training.rows import Rows

RANDOM = np.random.default_rng(7)
COUNT = 2_000
LABEL = (RANDOM.random(COUNT) < 0.3).astype(np.int8)


def leaks(numeric: dict[str, Any] | None = None, categorical: dict[str, Any] | None = None) -> dict[str, Any]:
    numeric, categorical = numeric or {}, categorical or {}
    frame = pd.DataFrame({**numeric, **categorical})
    label = np.resize(LABEL, len(frame))
    rows = Rows(raw=pa.table({}), frame=frame, label=label, days=np.zeros(len(frame), np.int64))
    recipe = SimpleNamespace(numeric=tuple(numeric), categorical=tuple(categorical))
    job: Any = SimpleNamespace(columns={"label": "late", "prediction_id": "trip_id"}, recipe=recipe)
    return {one["column"]: one for one in find_leaks(job, rows)}


def test_a_number_is_measured_as_it_ranks_the_label() -> None:
    values = LABEL + RANDOM.normal(size=COUNT)
    found = leaks({"up": values, "down": -values})
    assert found["up"]["auc"] == found["down"]["auc"] == pytest.approx(roc_auc(LABEL, values))
    assert found["up"]["correlation"] == pytest.approx(abs(np.corrcoef(values, LABEL)[0, 1]))


@pytest.mark.parametrize(
    "values",
    [
        np.where(LABEL == 1, np.nan, 1.0),
        np.where(LABEL == 1, np.inf, -np.inf),
        np.where(LABEL == 1, 1e308, -1e308),
        np.where(LABEL == 1, 5e-324, 0.0),
    ],
    ids=["nulls", "infinities", "huge", "tiny"],
)
def test_odd_numbers_that_tell_the_label_are_found(values: Any) -> None:
    assert leaks({"odd": values})["odd"]["auc"] == 1.0


@pytest.mark.parametrize("values", [np.full(COUNT, np.nan), np.ones(COUNT), np.zeros(COUNT)])
def test_a_column_that_never_changes_tells_nothing(values: Any) -> None:
    one = leaks({"flat": values})["flat"]
    assert (one["auc"], one["correlation"]) == (0.5, None)


def test_a_few_known_values_are_chance_and_no_leak() -> None:
    values = np.full(COUNT, np.nan)
    known = np.r_[np.flatnonzero(LABEL == 1)[:3], np.flatnonzero(LABEL == 0)[:3]]
    values[known] = LABEL[known]
    assert leaks({"rare": values})["rare"]["auc"] < 0.6


def test_a_category_is_measured_by_rows_other_than_its_own() -> None:
    ids = [f"t{number}" for number in range(COUNT)]
    found = leaks(categorical={"id": ids, "copy": ["yes" if one else None for one in LABEL]})
    assert found["id"]["auc"] == 0.5
    assert found["copy"]["auc"] == 1.0


def test_a_column_that_is_called_like_the_label_is_named() -> None:
    noise = RANDOM.normal(size=COUNT)
    found = leaks(dict.fromkeys(("LATE", "Trip-ID", "lateness"), noise))
    assert {name: one["named"] for name, one in found.items()} == {
        "LATE": True,
        "Trip-ID": True,
        "lateness": False,
    }


def test_the_worst_five_are_kept_and_every_leak() -> None:
    noise = {f"n{number}": RANDOM.normal(size=COUNT) for number in range(9)}
    assert len(leaks(noise)) == 5
    assert len(leaks({**noise, **{f"l{number}": LABEL + 0.0 for number in range(7)}})) == 7


def test_a_large_table_is_sampled_the_same_each_time() -> None:
    many = RANDOM.normal(size=SAMPLE_ROWS * 3 + 1)
    assert leaks({"x": many}) == leaks({"x": many})
