"""What an uploaded row must look like; rows that break it are quarantined with the reason."""

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series


class Contract(pa.DataFrameModel):
    """One offer."""

    prediction_id: Series[str] = pa.Field(unique=True)
    offered_at: Series[pd.DatetimeTZDtype] = pa.Field(dtype_kwargs={"unit": "ns", "tz": "UTC"})
    amount: Series[float] = pa.Field(ge=0, nullable=True)
    age_days: Series[float] = pa.Field(ge=0, le=40_000)
    channel: Series[str] = pa.Field(nullable=True)
    accepted: Series[float] | None = pa.Field(isin=[0, 1], nullable=True)

    class Config:
        """Read texts as the types above: a value that cannot be read is a bad row, not a bad file."""

        coerce = True
