"""Laws of uniqueness: however a file is cut up, the rows at fault are those that the whole shows."""

import itertools
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.contract import uniqueness
from trimtab.contract.contract import Unique
from trimtab.contract.order import Order
from trimtab.contract.uniqueness import duplicates, keys_of, write_keys

VALUES: dict[Any, Any] = {
    pa.string(): st.text(alphabet="aé", max_size=3),
    pa.int64(): st.sampled_from([0, 1, 2**53, 2**53 + 1, -(2**62)]),
    pa.float64(): st.sampled_from([0.0, -0.0, 1.5, 1e300]),
    pa.bool_(): st.booleans(),
}
KEEPS: list[Any] = [False, "first", "last"]


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """Draw a table of two columns of any types, with repeated values and nulls."""
    rows = draw(st.integers(0, 30))
    columns = {}
    for name in ("a", "b"):
        kind = draw(st.sampled_from(list(VALUES)))
        values = draw(st.lists(st.none() | VALUES[kind], min_size=rows, max_size=rows))
        columns[name] = pa.array(values, kind)
    return pa.table(columns)


@settings(deadline=None, max_examples=60)
@given(
    tables(),
    st.sets(st.integers(0, 30), max_size=4),
    st.sampled_from([("a",), ("a", "b")]),
    st.sampled_from(KEEPS),
)
@pytest.mark.parametrize("few", [0, 2**24])
def test_rows_at_fault_are_those_of_the_whole(
    few: int, table: pa.Table, cuts: set[int], columns: tuple[str, ...], keep: Any
) -> None:
    unique = Unique(columns, keep)
    bounds = sorted({0, table.num_rows, *(cut for cut in cuts if cut < table.num_rows)})
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(uniqueness, "_FEW_BYTES", few)  # all at once, or partition by partition
        paths = []
        for first, last in itertools.pairwise(bounds):
            numbers = np.arange(first, last, dtype=np.int64) + 2
            paths.append(Path(folder) / f"{first}")
            middle = (last - first) // 2
            keys = keys_of(table.slice(first, last - first), numbers, unique)
            write_keys([keys.slice(0, middle), keys.slice(middle)], paths[-1])
        found = duplicates(paths, unique).tolist()
    # Objects compare as Python does: 2**53 differs from 2**53 + 1, and 0.0 equals -0.0.
    frame = pd.DataFrame({name: pd.Series(table[name].to_pylist(), dtype=object) for name in columns})
    expected = frame.duplicated(keep=keep) if len(frame) else pd.Series([], dtype=bool)
    assert found == [row + 2 for row in np.flatnonzero(expected)]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(-5, 5), min_size=1, max_size=20), st.integers(1, 19))
def test_order_is_judged_alike_in_one_go_and_in_stretches(seconds: list[int], cut: int) -> None:
    times = pa.array([second * 1_000_000 for second in seconds]).cast(pa.timestamp("us", "UTC"))
    numbers = np.arange(len(seconds), dtype=np.int64) + 2
    whole = Order.of(times, numbers)
    falls = [place + 2 for place in range(1, len(seconds)) if seconds[place] < seconds[place - 1]]
    assert whole.out_of_order == (falls[0] if falls else None)
    if cut < len(seconds):
        assert Order.of(times[:cut], numbers[:cut]) + Order.of(times[cut:], numbers[cut:]) == whole
