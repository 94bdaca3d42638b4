"""How often verdicts are wrong, by seeded simulation: false alarms and shifts that are missed."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from trimtab.drift import Baseline, Settings, compare
from trimtab.drift.components import categorical_components, combined, numeric_components
from trimtab.profile import Grid, Kind, Profile

type Floats = NDArray[np.float64]

SIMULATIONS = 400
FEATURES: dict[str, Kind] = {"c0": "categorical", "c1": "categorical"}
for _number in range(6):
    FEATURES[f"n{_number}"] = "numeric"
STRICT = Settings(tolerance=0.0, min_weight=1e-6)


def zipf(categories: int) -> Floats:
    shares: Floats = 1.0 / np.arange(1, categories + 1)
    return shares / shares.sum()


def rows(rng: np.random.Generator, count: int, shift: float = 0.0) -> pa.Table:
    columns: dict[str, Any] = {}
    for i in range(6):
        normal = rng.normal(size=count) + (shift if i == 0 else 0.0)
        values = (normal, np.exp(normal), np.round(3 * normal), np.where(normal < 0.3, 0.0, normal))[i % 4]
        columns[f"n{i}"] = pa.array(values, mask=rng.random(count) < 0.02 * i)
    for i in range(2):
        columns[f"c{i}"] = pa.array(rng.choice(30 + 400 * i, count, p=zipf(30 + 400 * i)))
    return pa.table(columns)


def drifted(rng: np.random.Generator, sizes: tuple[int, int], shift: float, settings: Settings) -> set[str]:
    first, second = rows(rng, sizes[0]), rows(rng, sizes[1], shift)
    grid = Grid.from_table(first, FEATURES)
    report = compare(Baseline(Profile.of(grid, first)), Profile.of(grid, second), settings)
    return {feature.name for feature in report.features if feature.verdict == "drifted"}


@pytest.mark.parametrize("sizes", [(1000, 1000), (6000, 600)])
def test_reports_without_drift_alarm_at_most_as_often_as_alpha(sizes: tuple[int, int]) -> None:
    rng = np.random.default_rng(2013)
    alarms = sum(bool(drifted(rng, sizes, 0.0, STRICT)) for _ in range(60))
    # Three of sixty at alpha = 0.05; ten or more happen once in 1,400 times.
    assert alarms <= 9


def test_half_a_standard_deviation_is_found_in_a_thousand_rows() -> None:
    rng = np.random.default_rng(2014)
    found = sum("n0" in drifted(rng, (1000, 1000), 0.5, Settings()) for _ in range(40))
    assert found >= 39


def test_a_tenth_of_a_standard_deviation_is_found_in_ten_thousand_rows() -> None:
    rng = np.random.default_rng(2015)
    found = sum("n0" in drifted(rng, (10_000, 10_000), 0.1, Settings()) for _ in range(20))
    assert found >= 15


def test_irrelevant_shift_is_no_drift_in_a_hundred_thousand_rows() -> None:
    rng = np.random.default_rng(2016)
    assert not any("n0" in drifted(rng, (100_000, 100_000), 0.01, Settings()) for _ in range(3))


@pytest.mark.parametrize(("first", "second"), [(1000, 1000), (20_000, 500), (500, 20_000)])
@pytest.mark.parametrize(("kind", "cells"), [("numeric", 300), ("categorical", 30), ("categorical", 5000)])
def test_p_values_without_drift_keep_their_level(first: int, second: int, kind: str, cells: int) -> None:
    rng = np.random.default_rng(cells + first)
    test = numeric_components if kind == "numeric" else categorical_components
    p_values = []
    for _ in range(SIMULATIONS):
        shares = zipf(cells)
        counts = [rng.multinomial(count, shares).astype(np.float64) for count in (first, second)]
        held = (counts[0] + counts[1]) > 0
        found = test(counts[0][held], counts[1][held])
        p_values.append(combined(part.p_value(0.0) for part in found))
    assert np.mean(np.array(p_values) <= 0.05) < 0.095
    assert np.mean(np.array(p_values) <= 0.005) < 0.025
