"""The calibration page names every bar that was missed."""

import numpy as np
import pytest

from benchmarks.calibration_page import Row, page


@pytest.mark.parametrize("value", [0.812, np.float64(0.812)])
def test_missed_bars_are_named_at_the_top(value: float) -> None:
    rows = [Row("found", value, 0.84, "least", 250), Row("false", np.float64(0.01), 0.05, "most", 250)]
    written = page({"Power": rows})
    assert "**Missed: found (81.2% (75.9% to 85.6%)).**" in written
    assert "Every bar is met" not in written
    assert "**Every bar is met.**" in page({"Power": rows[1:]})


def test_nominal_level_is_met_where_the_interval_reaches_it() -> None:
    assert Row("level", 0.06, 0.05, "about", 300).is_met is True
    assert Row("level", 0.15, 0.05, "about", 300).is_met is False
