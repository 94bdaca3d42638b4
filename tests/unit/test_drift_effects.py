"""Sizes of differences against exact computations and scipy."""

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial.distance import jensenshannon

from trimtab.drift.effects import (
    category_bins,
    js_distance,
    ks,
    numeric_bins,
    out_of_range,
    psi,
    unseen,
    wasserstein,
)
from trimtab.drift.histograms import side_by_side
from trimtab.profile import Grid, NumericCounts, Profile

type Floats = NDArray[np.float64]
SHAPES = ("normal", "lognormal", "pareto", "years", "counts", "zeros", "flags", "epoch")


def draw(shape: str, rng: np.random.Generator, rows: int, shift: float) -> Floats:
    normal = rng.normal(size=rows) + shift
    drawn = {
        "normal": normal,
        "lognormal": np.exp(normal * 1.5),
        "pareto": rng.pareto(1.5, rows) * (1 + shift),
        "years": np.round(2000 + 10 * normal),
        "counts": rng.poisson(3 * (1 + shift), rows),
        "zeros": np.where(rng.random(rows) < 0.6 - shift, 0.0, np.exp(normal)),
        "flags": (rng.random(rows) < 0.3 + shift),
        "epoch": 1.357e9 + 86400 * 30 * normal,
    }
    return np.asarray(drawn[shape], dtype=np.float64)


def counted(first: Floats, second: Floats) -> tuple[NumericCounts, NumericCounts]:
    columns = {"x": pa.array(first)}
    grid = Grid.from_table(pa.table(columns), {"x": "numeric"})
    found = [Profile.of(grid, pa.table({"x": pa.array(values)})).columns["x"] for values in (first, second)]
    assert isinstance(found[0], NumericCounts)
    assert isinstance(found[1], NumericCounts)
    return found[0], found[1]


@pytest.mark.parametrize("shape", SHAPES)
def test_ks_and_wasserstein_on_the_grid_agree_with_the_exact_ones(shape: str) -> None:
    rng = np.random.default_rng(3)
    first, second = draw(shape, rng, 40_000, 0.0), draw(shape, rng, 30_000, 0.1)
    before, after = counted(first, second)
    exact = float(stats.ks_2samp(first, second).statistic)
    assert ks(*side_by_side([before, after])) == pytest.approx(exact, abs=3e-4)
    distance = float(stats.wasserstein_distance(first, second)) / first.std()
    assert wasserstein(before, after) == pytest.approx(distance, abs=2e-4)


@pytest.mark.parametrize("shape", ["normal", "lognormal", "pareto", "epoch"])
def test_psi_on_the_grid_agrees_with_exact_quantile_bins(shape: str) -> None:
    rng = np.random.default_rng(4)
    first, second = draw(shape, rng, 50_000, 0.0), draw(shape, rng, 50_000, 0.2)
    edges = np.quantile(first, np.arange(1, 20) / 20)
    p, q = (np.bincount(np.searchsorted(edges, values), minlength=20) / 50_000 for values in (first, second))
    exact = float(((p - q) * np.log(p / q)).sum())
    assert psi(*numeric_bins(*side_by_side(counted(first, second)))) == pytest.approx(exact, abs=2e-3)


def test_js_agrees_with_scipy() -> None:
    rng = np.random.default_rng(5)
    for _ in range(50):
        first, second = (rng.integers(0, 50, 12).astype(np.float64) for _ in range(2))
        expected = float(jensenshannon(first, second, base=2))
        assert js_distance(first, second) == pytest.approx(expected, abs=1e-9)


def test_heavy_ties_have_bins_of_their_own() -> None:
    baseline = np.array([10.0, 500.0, 10.0, 400.0, 80.0])
    first, _ = numeric_bins(baseline, baseline)
    assert {500.0, 400.0} <= set(first.tolist())
    assert first.sum() == 1000.0


def test_values_all_out_of_range_are_as_far_away_as_can_be() -> None:
    before, after = counted(np.full(300, 5.0), np.full(300, 7.0))
    cells = side_by_side([before, after])
    assert js_distance(*numeric_bins(*cells)) == 1.0
    assert (ks(*cells), out_of_range(*cells)) == (1.0, 1.0)
    assert wasserstein(before, after) is None


def test_unseen_categories_have_one_bin_and_their_share() -> None:
    baseline, current = np.array([60.0, 40.0, 0.0, 0.0]), np.array([50.0, 40.0, 6.0, 4.0])
    assert [bins.tolist() for bins in category_bins(baseline, current)] == [
        [60.0, 40.0, 0.0],
        [50.0, 40.0, 10.0],
    ]
    assert unseen(baseline, current) == pytest.approx(0.1)


def test_infinities_are_the_ends_of_the_order() -> None:
    inf = np.inf
    before, after = counted(np.array([-inf, 0.0, 1.0, inf]), np.array([0.0, inf, inf, inf]))
    cells = side_by_side([before, after])
    assert cells.tolist() == [[1, 1, 1, 1], [0, 1, 0, 3]]
    assert ks(*cells) == 0.5
