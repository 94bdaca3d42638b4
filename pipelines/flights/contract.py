"""What a row about a flight must look like; rows that break it are quarantined with the reason."""

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series


class Contract(pa.DataFrameModel):
    """One uploaded row. Nulls are values: a missing gust or pressure says something about the weather."""

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
    # The strongest wind ever measured at ground level was 253 miles an hour.
    wind_speed: Series[float] = pa.Field(ge=0, le=253, nullable=True)
    wind_gust: Series[float] = pa.Field(ge=0, le=253, nullable=True)
    precip: Series[float] = pa.Field(ge=0, le=20, nullable=True)
    pressure: Series[float] = pa.Field(ge=850, le=1100, nullable=True)
    visib: Series[float] = pa.Field(ge=0, le=100, nullable=True)
    late: Series[float] | None = pa.Field(isin=[0, 1], nullable=True)

    class Config:
        """Read texts as the types above: a value that cannot be read is a bad row, not a bad file."""

        coerce = True

    @pa.check("sched_dep_time", "sched_arr_time", name="clock_time")
    @classmethod
    def _is_clock_time(cls, clock: "pd.Series[float]") -> "pd.Series[bool]":
        """Hours and minutes as HHMM have fewer than 60 minutes."""
        return clock % 100 < 60
