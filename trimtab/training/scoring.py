"""Requests and answers of a model: CSV in, CSV out, the same in training, serving and tests.

Imported by a project's inference.py in the serving container, so it needs pandas and joblib only.
"""

import csv
import io
import os
from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trimtab.errors import BadInput

CSV = "text/csv"
MODEL_FILE = "model.joblib"
VERSION_VARIABLE = "TRIMTAB_MODEL_VERSION"
NULL_TOKENS = ("", "NA")

Floats = NDArray[np.float64]
Predict = Callable[[Any, pd.DataFrame], Floats]


def save(model: Any, columns: Mapping[str, Any], folder: Path) -> Path:
    """Write a model together with the raw columns that it expects; equal models give equal bytes."""
    path = folder / MODEL_FILE
    joblib.dump({"columns": dict(columns), "model": model}, path)
    return path


def load(folder: str | Path) -> dict[str, Any]:
    """Read what `save` wrote: `columns` and `model`. Executes code: only for files whose digest is known."""
    served: dict[str, Any] = joblib.load(Path(folder) / MODEL_FILE)
    return served


def read_request(body: str | bytes, content_type: str = CSV) -> pd.DataFrame:
    """Read the CSV of a request, with a header, as texts; raise BadInput for another content type."""
    if content_type.partition(";")[0].strip() != CSV:
        raise BadInput(f"the request is {content_type!r}; send {CSV} with a header line")
    try:
        text = body.decode("utf-8") if isinstance(body, bytes | bytearray) else body
        # For the hundreds of rows of a request the csv module is twice as fast as pandas.
        header, *lines = [line for line in csv.reader(io.StringIO(text), strict=True) if line] or [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"the request is no CSV in UTF-8: {error}; mend it") from error
    if not header:
        raise BadInput("the request is empty; send a header line and one line for each prediction")
    if wrong := [number for number, line in enumerate(lines, 2) if len(line) != len(header)]:
        raise BadInput(
            f"line {wrong[0]} of the request has not {len(header)} fields as the header has; mend it"
        )
    columns = zip(*lines, strict=True) if lines else [()] * len(header)
    return pd.DataFrame(dict(zip(header, map(list, columns), strict=True)), dtype=object)


def typed(rows: pd.DataFrame, columns: Mapping[str, Any]) -> pd.DataFrame:
    """Return the columns a model may use, in one order and with one type each, whatever file they came from.

    The timestamp becomes UTC, from local time of `columns["timezone"]` where that is set and a cell carries
    no zone; numeric columns become float64 (null is NaN), categorical columns text (null is None).
    Raises BadInput for a missing column and for a value that is no number or no instant.
    """
    names = [columns["prediction_id"], columns["timestamp"], *columns["numeric"], *columns["categorical"]]
    if missing := [name for name in names if name not in rows.columns]:
        raise BadInput(f"column {missing[0]!r} is missing; send {', '.join(names)}")
    nulls = {None, *columns.get("null_tokens", NULL_TOKENS)}
    data: dict[str, Any] = {columns["prediction_id"]: rows[columns["prediction_id"]].astype(str)}
    data[columns["timestamp"]] = _instants(rows[columns["timestamp"]], columns.get("timezone"), nulls)
    data |= {name: _numbers(rows[name], nulls) for name in columns["numeric"]}
    data |= {name: _texts(rows[name], nulls) for name in columns["categorical"]}
    return pd.DataFrame(data, index=rows.index)


def score(rows: pd.DataFrame, served: Mapping[str, Any], predict: Predict) -> tuple[list[str], list[float]]:
    """Return the prediction ids and scores of a request's rows; raise BadInput when one cannot be."""
    frame = typed(rows, served["columns"])
    scores = checked_scores(predict(served["model"], frame), len(frame)) if len(frame) else np.empty(0)
    return frame[served["columns"]["prediction_id"]].tolist(), scores.tolist()


def checked_scores(scores: Any, rows: int) -> Floats:
    """Return `scores` as float64; raise BadInput unless there is one probability for each row."""
    values: Floats = np.asarray(scores, dtype=np.float64)
    if values.shape != (rows,):
        raise BadInput(f"predict returned the shape {values.shape} for {rows} rows; return one score a row")
    if not np.all((values >= 0) & (values <= 1)):
        raise BadInput("predict returned a score outside [0, 1]; return the probability of the label 1")
    return values


def write_answer(scored: tuple[Sequence[str], Sequence[float]], accept: str = CSV) -> tuple[str, str]:
    """Write ids, model version and scores as CSV; the digits suffice to read back the very same floats."""
    ids, scores = scored
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(("prediction_id", "model_version", "score"))
    writer.writerows(zip(ids, repeat(os.environ.get(VERSION_VARIABLE, "unregistered")), scores, strict=False))
    return sink.getvalue(), CSV


def read_answer(body: str | bytes) -> dict[str, float]:
    """Return the score of each prediction id in an answer."""
    text = body.decode("utf-8") if isinstance(body, bytes | bytearray) else body
    return {row["prediction_id"]: float(row["score"]) for row in csv.DictReader(io.StringIO(text))}


def _instants(values: "pd.Series[Any]", zone: str | None, nulls: set[str | None]) -> "pd.Series[Any]":
    if zone is not None and not isinstance(values.dtype, pd.DatetimeTZDtype):
        return _local_instants(values, zone, nulls)
    try:
        instants = pd.to_datetime(values, utc=True, format=None if _is_instant(values) else "ISO8601")
    except (ValueError, TypeError) as error:
        raise BadInput(
            f"column {values.name!r} holds something that is no ISO 8601 instant: {error}"
        ) from error
    return instants.astype("datetime64[ns, UTC]")


def _local_instants(values: "pd.Series[Any]", zone: str, nulls: set[str | None]) -> "pd.Series[Any]":
    """Read instants as uploads and captured requests are read, by the very same function."""
    import pyarrow as pa

    from trimtab.cells import read_cells

    cells = values if _is_instant(values) else pd.Series(_texts(values, nulls))
    instants, unreadable = read_cells(pa.Array.from_pandas(cells), "instant", zone)
    if len(unreadable):
        raise BadInput(
            f"column {values.name!r} holds {values.iloc[int(unreadable[0])]!s}, which is no ISO 8601 "
            f"instant, or is a time that the clocks of {zone} showed twice or never; send it in UTC with a "
            "trailing Z"
        )
    series: pd.Series[Any] = instants.to_pandas()
    return series.set_axis(values.index).astype("datetime64[ns, UTC]")


def _is_instant(values: "pd.Series[Any]") -> bool:
    return pd.api.types.is_datetime64_any_dtype(values.dtype)


def _numbers(values: "pd.Series[Any]", nulls: set[str | None]) -> Floats:
    if values.dtype != object:
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    try:
        # Python's own parser rounds correctly; pandas' fast one may differ from it in the last bit.
        return np.array([np.nan if value in nulls else float(value) for value in values.tolist()], np.float64)
    except (ValueError, TypeError) as error:
        raise BadInput(f"column {values.name!r} holds something that is no number: {error}") from error


def _texts(values: "pd.Series[Any]", nulls: set[str | None]) -> "NDArray[np.object_]":
    absent = values.isna().to_numpy() | values.isin(nulls).to_numpy()
    texts: NDArray[np.object_] = values.astype(object if values.dtype == object else str).to_numpy(copy=True)
    texts[absent] = None
    return texts
