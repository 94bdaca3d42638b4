"""Laws of cells: what a cell is read as does not depend on the cells beside it."""

from typing import get_args

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.cells import CellKind, read_cells

ALPHABETS = {
    "text": "ab ",
    "number": "0123456789.eE+-xnaif ",
    "integer": "0123456789.eE+-xXf ",
    "boolean": "truefalsTRUEFALS01.",
    "instant": "0123456789-:TZ+ .",
}
# Close to what is read, so that drawn edits find the borders.
LIKELY = {
    "text": ["a"],
    "number": ["1", "1.5e3", "inf", "nan", "0x1F"],
    "integer": ["1", "1.0", "0x1F", "9223372036854775807"],
    "boolean": ["true", "False", "1.0"],
    "instant": ["2013-01-01T05Z", "2013-01-01 05:30+01", "2013-02-28T23:59:59.123456-03:30", "2013-01-01T05"],
}


@pytest.mark.parametrize("kind", get_args(CellKind.__value__))
@given(data=st.data())
def test_a_cell_is_read_alone_as_it_is_beside_one_that_is_refused(
    kind: CellKind, data: st.DataObject
) -> None:
    text = data.draw(st.sampled_from(LIKELY[kind]))
    for _ in range(data.draw(st.integers(0, 2))):
        place = data.draw(st.integers(0, len(text)))
        kept = place + data.draw(st.integers(0, 1))
        text = text[:place] + data.draw(st.sampled_from(["", *ALPHABETS[kind]])) + text[kept:]
    alone, refused = read_cells(pa.array([text]), kind)
    beside, also_refused = read_cells(pa.array([text, "~"]), kind)
    assert (0 in refused) == (0 in also_refused)
    assert alone.equals(beside.slice(0, 1))
