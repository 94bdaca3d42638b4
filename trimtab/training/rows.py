"""The rows of a training set: read by digest, each once, ordered by time and split by time."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray
from pyarrow import csv, parquet

from trimtab.canonical import sha256_hex
from trimtab.errors import BadInput, Denied
from trimtab.training.job import File, Interval, Job
from trimtab.training.scoring import Floats, typed

# The stubs of pyarrow's functions do not know chunked arrays.
pc: Any = pyarrow.compute

ISO = "%Y-%m-%dT%H:%M:%SZ"
Days = NDArray[np.int64]
DAY_NANOSECONDS = 86_400 * 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows in the order of their time: as the file had them, as a model gets them, and their labels.

    `raw` keeps null and NaN apart, which a profile counts and a data frame forgets. `days` are UTC days since
    1970: the blocks of every resampling, because rows of one day are alike.
    """

    raw: pa.Table
    frame: pd.DataFrame
    label: NDArray[np.int8]
    days: Days

    def __len__(self) -> int:
        return len(self.label)

    def request(self, columns: Mapping[str, Any]) -> str:
        """Write the rows as a scoring request: what a client would send, without the label."""
        names = [columns["prediction_id"], columns["timestamp"], *columns["numeric"], *columns["categorical"]]
        table = self.raw.select(names)
        time = names.index(columns["timestamp"])
        if pa.types.is_timestamp(table.schema.field(time).type):
            table = table.set_column(time, columns["timestamp"], pc.strftime(table[time], format=ISO))
        sink = pa.BufferOutputStream()
        csv.write_csv(table, sink, csv.WriteOptions(quoting_style="needed"))
        return sink.getvalue().to_pybytes().decode()

    def part(self, start: int, end: int) -> "Rows":
        """Return the rows from position `start` until before `end`."""
        cut = slice(start, end)
        return Rows(
            raw=self.raw.slice(start, end - start),
            frame=self.frame.iloc[cut],
            label=self.label[cut],
            days=self.days[cut],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The rows to fit on, the later ones to judge on, and how many rows were left out and why."""

    fit: Rows
    holdout: Rows
    left_out: Mapping[str, int]


def read_rows(job: Job, folder: Path) -> Split:
    """Read the training channel and split it.

    Raises Denied when a file is not the one that the training set lists, BadInput when there is nothing to
    fit on or to judge with.
    """
    table = pa.concat_tables(
        [_verified(folder, file, job) for file in job.files], promote_options="permissive"
    )
    table, frame, label, left_out = _usable(table, job)
    times = frame[job.columns["timestamp"]].astype("int64").to_numpy()
    order = np.argsort(times, kind="stable")
    times = times[order]
    ordered = Rows(
        raw=pc.take(table, order),
        frame=frame.iloc[order].reset_index(drop=True),
        label=label[order].astype(np.int8),
        days=times // DAY_NANOSECONDS,
    )
    fit, holdout = (_cut(ordered, times, interval) for interval in (job.fit, job.holdout))
    left_out["outside"] = len(ordered) - len(fit) - len(holdout)
    if not len(holdout) or len(np.unique(fit.label)) < 2:
        raise BadInput(
            f"there are {len(fit)} labelled rows to fit and {len(holdout)} to hold out, and the former need "
            "both labels, 0 and 1; upload labelled data of more days"
        )
    return Split(fit=fit, holdout=holdout, left_out=left_out)


def _verified(folder: Path, file: File, job: Job) -> pa.Table:
    path = folder / f"{file.sha256}.parquet"
    if not path.is_file():
        raise Denied(f"the training channel lacks {path.name}, which training set {job.training_set} lists")
    content = path.read_bytes()
    if sha256_hex(content) != file.sha256:
        raise Denied(f"{path.name} has other content than its name says; restore the object, do not train")
    columns = job.columns
    wanted = [columns["prediction_id"], columns["timestamp"], columns["label"], *job.features]
    table = parquet.read_table(pa.BufferReader(content), columns=wanted)
    if table.num_rows != file.rows:
        raise Denied(f"{path.name} has {table.num_rows} rows, but the training set lists {file.rows}")
    if missing := [name for name in wanted if name not in table.column_names]:
        raise BadInput(f"{path.name} has no column {missing[0]!r}; upload the data again in the present form")
    return table


def _usable(table: pa.Table, job: Job) -> tuple[pa.Table, pd.DataFrame, Floats, dict[str, int]]:
    pandas = table.to_pandas()
    frame = typed(pandas, job.columns)
    label = pd.to_numeric(pandas[job.columns["label"]]).to_numpy(dtype=np.float64, na_value=np.nan)
    labelled = ~np.isnan(label)
    if not np.isin(label[labelled], (0.0, 1.0)).all():
        raise BadInput(f"the label {job.columns['label']!r} holds values other than 0 and 1; mend the upload")
    latest = ~frame[job.columns["prediction_id"]].duplicated(keep="last").to_numpy()
    keep = labelled & latest
    left_out = {"unlabelled": int((~labelled).sum()), "repeated": int((labelled & ~latest).sum())}
    if keep.all():
        return table, frame, label, left_out
    return table.filter(pa.array(keep)), frame[keep], label[keep], left_out


def _cut(rows: Rows, times: NDArray[np.int64], interval: Interval) -> Rows:
    bounds = [_nanoseconds(interval.start), _nanoseconds(interval.until)]
    start, end = np.searchsorted(times, bounds, side="left").tolist()
    return rows.part(start, end)


def _nanoseconds(instant: Any) -> int:
    return int(np.datetime64(instant.replace(tzinfo=None), "ns").astype(np.int64))
