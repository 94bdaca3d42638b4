"""What the measured files must look like: the flights' contract and a check across columns."""

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series


class Contract(pa.DataFrameModel):
    """One row about a flight: types, nulls, ranges, allowed values, patterns, a unique id."""

    prediction_id: Series[str] = pa.Field(
        unique=True, str_matches=r"^\d{4}-\d{2}-\d{2}-\w{2}-\d{1,4}-[A-Z]{3}$"
    )
    scheduled_departure: Series[pd.DatetimeTZDtype] = pa.Field(dtype_kwargs={"unit": "ns", "tz": "UTC"})
    carrier: Series[str] = pa.Field(str_matches=r"^[A-Z0-9]{2}$")
    origin: Series[str] = pa.Field(isin=["EWR", "JFK", "LGA"])
    dest: Series[str] = pa.Field(str_matches=r"^[A-Z]{3}$")
    distance: Series[float] = pa.Field(ge=50, le=10_000)
    sched_dep_time: Series[float] = pa.Field(ge=0, lt=2400)
    sched_arr_time: Series[float] = pa.Field(ge=0, lt=2400)
    temp: Series[float] = pa.Field(ge=-60, le=130, nullable=True)
    dewp: Series[float] = pa.Field(ge=-80, le=100, nullable=True)
    humid: Series[float] = pa.Field(ge=0, le=100, nullable=True)
    wind_dir: Series[float] = pa.Field(ge=0, le=360, nullable=True)
    wind_speed: Series[float] = pa.Field(ge=0, le=253, nullable=True)
    wind_gust: Series[float] = pa.Field(ge=0, le=253, nullable=True)
    precip: Series[float] = pa.Field(ge=0, le=20, nullable=True)
    pressure: Series[float] = pa.Field(ge=850, le=1100, nullable=True)
    visib: Series[float] = pa.Field(ge=0, le=100, nullable=True)
    late: Series[float] | None = pa.Field(isin=[0, 1], nullable=True)

    class Config:
        """Read texts as the types above."""

        coerce = True

    @pa.dataframe_check(name="dew_point_below_temperature")
    @classmethod
    def _dew_point_is_no_higher(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        return ~(rows["dewp"] > rows["temp"])
