"""Pandera's own checks, asked without a frame, say what pandera says of a frame."""

from pathlib import Path
from textwrap import indent
from typing import Any

import numpy as np
import pandera.pandas
import pyarrow as pa
import pytest

from trimtab.contract.check import check_rows
from trimtab.contract.contract import read_contract

NUMBERS = ["1", "2.5", None, "-3", "2.5", "40", "0"]
TEXTS = ["ab", "", None, "ba", "ab", "ábc\n", "Ab"]
INSTANTS = ["2013-01-31T05:00:00Z", None, "2013-02-01T05:00:00Z", "2012-12-31T23:59:59Z"]
HEAD = """import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series
"""


def contract_of(folder: Path, *lines: str):
    path = folder / "contract.py"
    path.write_text(f"{HEAD}\nclass Contract(pa.DataFrameModel):\n" + indent("\n".join(lines), "    "))
    return read_contract(path, "columns")


@pytest.mark.parametrize(
    ("kind", "cells", "field"),
    [
        *(
            ("float", NUMBERS, field)
            for field in ("ge=0", "gt=1, lt=40", "le=2.5", "eq=1", "ne=2.5", "isin=[1, 2.5]", "notin=[0]",
                          "in_range={'min_value': 0, 'max_value': 2.5, 'include_max': False}")
        ),
        *(
            ("str", TEXTS, field)
            for field in (r"str_matches=r'^\w{2,3}$'", "str_contains='b'", "str_startswith='a'", "ge='b'",
                          "str_endswith='b'", "str_length={'min_value': 1, 'max_value': 2}", "isin=['ab']",
                          "notin=['', 'ba']")
        ),
        ("pd.Int64Dtype", ["1", None, "7"], "ge=2"),
        ("np.float32", ["0.1", "0.5"], "isin=[0.5]"),
        ("pd.DatetimeTZDtype", INSTANTS,
         "ge=pd.Timestamp('2013-01-01', tz='UTC'), dtype_kwargs={'unit': 'ns', 'tz': 'UTC'}"),
    ],
)  # fmt: skip
def test_the_same_rows_fail_as_in_a_frame(tmp_path: Path, kind: str, cells: list[str], field: str) -> None:
    line = f"x: Series[{kind}] = pa.Field(nullable=True, {field})"
    contract = contract_of(tmp_path, line)
    assert contract.checks
    assert contract.schema is None  # nothing is left for a frame
    checked = check_rows(pa.table({"x": pa.array(cells, pa.string())}), contract, zone=None)
    scope: dict[str, Any] = {}
    exec(f"{HEAD}\nclass Contract(pa.DataFrameModel):\n    {line}", scope)  # noqa: S102
    frame = checked.table.to_pandas()
    if kind != "str":  # which would make a text of a null
        frame["x"] = frame["x"].astype(contract.columns["x"].dtype)
    expected = set()
    try:
        scope["Contract"].validate(frame, lazy=True)
    except pandera.pandas.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        expected = set(zip(cases["index"], cases["check"], strict=True))
    assert {(one.position, one.check) for one in checked.problems} == expected
    assert np.flatnonzero(~checked.good).tolist() == sorted({row for row, _ in expected})


def test_what_has_ways_of_its_own_is_left_to_pandera(tmp_path: Path) -> None:
    contract = contract_of(
        tmp_path,
        "a: Series[float] = pa.Field(ge=0, raise_warning=True)",
        "b: Series[float] = pa.Field(ge=0, ignore_na=False, nullable=True)",
        "c: Series[float] = pa.Field(unique_values_eq=[1, 2])",
        "d: Series[float] = pa.Field(ge=0, le=1)",
        "e: Series[float]",
    )
    assert [check.column for check in contract.checks] == ["d", "d"]
    assert isinstance(contract.schema, pandera.pandas.DataFrameSchema)
    assert list(contract.schema.columns) == ["a", "b", "c"]
