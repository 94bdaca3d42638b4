"""Turn raw rows into the model's matrix; training and serving call the same function."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

CATEGORICAL = ("carrier", "origin", "dest")
WEATHER = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
# Eastern standard time. In summer only flights between midnight and one get the wrong weekday: about none.
LOCAL_OFFSET_SECONDS = -5 * 3600
DAY_SECONDS = 86_400
NANOSECONDS = 10**9
THURSDAY = 3  # the weekday of 1970-01-01


def vocabulary(rows: pd.DataFrame) -> dict[str, list[str]]:
    """List the values of each categorical column; the model keeps the list, so that codes never move."""
    return {name: sorted(rows[name].dropna().unique()) for name in CATEGORICAL}


def matrix(rows: pd.DataFrame, known: dict[str, list[str]]) -> NDArray[np.float64]:
    """Return one row of floats for each raw row: codes first, an unseen value is NaN, nulls stay NaN."""
    columns = [_codes(rows[name], known[name]) for name in CATEGORICAL]
    columns += [
        rows["distance"].to_numpy(),
        _minutes(rows["sched_dep_time"].to_numpy()),
        _minutes(rows["sched_arr_time"].to_numpy()),
        _weekday(rows["scheduled_departure"]),
    ]
    columns += [rows[name].to_numpy() for name in WEATHER]
    return np.column_stack(columns).astype(np.float64)


def _codes(values: pd.Series, known: list[str]) -> NDArray[np.float64]:
    codes = pd.Categorical(values, categories=known).codes.astype(np.float64)
    return np.where(codes < 0, np.nan, codes)


def _minutes(clock: NDArray[np.float64]) -> NDArray[np.float64]:
    return clock // 100 * 60 + clock % 100


def _weekday(instants: pd.Series) -> NDArray[Any]:
    seconds = instants.astype("int64").to_numpy() // NANOSECONDS + LOCAL_OFFSET_SECONDS
    return (seconds // DAY_SECONDS + THURSDAY) % 7
