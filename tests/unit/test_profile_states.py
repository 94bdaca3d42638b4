"""What a profile keeps besides counts on the grid: hashed categories, instants, second moments, streams."""

import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from trimtab.errors import BadInput
from trimtab.profile import CategoricalColumn, CategoricalCounts, Grid, Kind, Profile, TimestampCounts
from trimtab.profile.hashing import BUCKETS, distinct_estimate, hashes_of, registers_of
from trimtab.profile.keys import BLOCK, CellAdder, cells_of, mean_offsets

KINDS: dict[str, Kind] = {"x": "numeric", "y": "numeric", "c": "categorical", "t": "timestamp"}


def rows(count: int, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=count)
    columns: dict[str, Any] = {
        "x": pa.array(x, mask=rng.random(count) < 0.1),
        "y": pa.array(np.exp(x + rng.normal(size=count))),
        "c": pa.array([f"street {code}" for code in rng.integers(0, 300, count)]).dictionary_encode(),
        "t": pa.array(rng.integers(0, 10**15, count), pa.timestamp("us", tz="UTC")),
    }
    return pa.table(columns)


GRID = Grid.from_table(rows(5000), KINDS)
NARROW = Grid({**GRID.columns, "c": CategoricalColumn("c", 50)})


@pytest.mark.parametrize("grid", [GRID, NARROW])
def test_a_stream_of_batches_is_the_whole_table_however_it_is_cut(grid: Grid) -> None:
    table = rows(20_000)
    whole = Profile.of(grid, table, second_moments=True)
    for size in (97, 5000):
        shuffled = table.take(np.random.default_rng(size).permutation(20_000))
        batches = [shuffled.slice(start, size) for start in range(0, 20_000, size)]
        streamed = Profile.of_batches(grid, batches, second_moments=True)
        assert streamed.to_bytes() == whole.to_bytes()
    assert Profile.from_bytes(whole.to_bytes()) == whole
    assert Profile.of_batches(grid, []) == Profile.empty(grid)


def test_cells_and_residuals_of_the_fast_way_are_those_of_the_plain_one() -> None:
    rng = np.random.default_rng(0)
    offsets = np.concatenate((rng.normal(size=3 * BLOCK), rng.standard_cauchy(BLOCK) * 1e9, [0.0, 1e300]))
    cells, residuals = cells_of(offsets)
    for exponent in (0, -37, 900):
        with np.errstate(over="ignore"):
            distances = np.ldexp(offsets, exponent) + 0.0
        kept = np.isfinite(distances)
        blocks = (distances[kept][start : start + BLOCK] for start in range(0, int(kept.sum()), BLOCK))
        found = CellAdder().sums(blocks, exponent)
        expected, counts = np.unique(cells[kept], return_counts=True)
        assert found.cells.tolist() == expected.tolist()
        assert found.counts.tolist() == counts.tolist()
        sums = np.zeros(len(expected), dtype=np.int64)
        np.add.at(sums, np.searchsorted(expected, cells[kept]), residuals[kept])
        assert found.residuals.tolist() == sums.tolist()


def test_an_adder_leaves_nothing_behind_and_reads_often_enough_on_tiny_scales() -> None:
    adder = CellAdder()
    tiny = np.full(BLOCK, 2.0**-1000 * 8191 / 8192 / 1024)  # the smallest key with the largest residual
    found = adder.sums([tiny] * 20, -1000)
    assert found.counts.tolist() == [20 * BLOCK]
    assert found.residuals.tolist() == [20 * BLOCK * 8191]
    assert adder.sums([np.array([1.0])]).counts.tolist() == [1]


def test_means_inside_cells_are_exact_to_the_residual() -> None:
    values = np.random.default_rng(1).lognormal(size=200_000)
    sums = CellAdder().sums(values[start : start + BLOCK] for start in range(0, len(values), BLOCK))
    total = float((mean_offsets(sums) * sums.counts).sum())
    assert total / values.sum() == pytest.approx(1, abs=2.0**-23)


def test_hashes_are_the_same_on_every_machine_and_spread_evenly() -> None:
    texts = [f"id {i}" for i in range(200_000)]
    hashes = hashes_of(texts)
    assert len(np.unique(hashes)) == len(texts)
    counts = np.bincount((hashes >> np.uint64(52)).astype(np.int64), minlength=BUCKETS)
    assert ((counts - counts.mean()) ** 2 / counts.mean()).sum() / BUCKETS == pytest.approx(1, abs=0.1)
    assert distinct_estimate(registers_of(hashes)) == pytest.approx(200_000, rel=0.1)
    assert hashes_of(["", "ä", "日本"]).tolist() == [hashes_of([text])[0] for text in ("", "ä", "日本")]


def test_a_bucket_never_counts_less_than_any_of_its_categories() -> None:
    names = ["big"] * 5000 + [f"small {i}" for i in range(100)]
    grid = Grid({"c": CategoricalColumn("c", 20)})
    counts = Profile.of(grid, pa.table({"c": names})).columns["c"]
    assert isinstance(counts, CategoricalCounts)
    assert counts.hashed is not None
    assert 5000 <= counts.hashed.buckets.max() <= 5003
    assert counts.distinct == pytest.approx(101, abs=6)
    assert counts.lengths[3] == 5000


def test_lengths_of_named_and_of_hashed_categories_are_the_same() -> None:
    table = pa.table({"c": ["a", "bb", "bb", "ccc", "x" * 70, "ü"]})
    lengths = []
    for limit in (10, 2):
        counts = Profile.of(Grid({"c": CategoricalColumn("c", limit)}), table).columns["c"]
        assert isinstance(counts, CategoricalCounts)
        lengths.append(counts.lengths.tolist())
    assert lengths[0] == lengths[1]
    assert (lengths[0][1], lengths[0][2], lengths[0][3], lengths[0][-1]) == (2, 2, 1, 1)


@pytest.mark.parametrize(
    "unit", [pa.timestamp("s"), pa.timestamp("ms"), pa.timestamp("us"), pa.timestamp("ns")]
)
def test_instants_are_counted_by_the_hour_of_the_week_whatever_their_unit(unit: Any) -> None:
    monday = datetime.datetime(2024, 1, 1, 5, 30, tzinfo=datetime.UTC)
    before = datetime.datetime(1969, 12, 31, 23, 0, tzinfo=datetime.UTC)  # a Wednesday
    values: Any = pa.array([monday, None, before, monday], unit)
    table = pa.table({"t": values})
    counts = Profile.of(Grid.from_table(table, {"t": "timestamp"}), table).columns["t"]
    assert isinstance(counts, TimestampCounts)
    assert {int(hour): int(counts.hours[hour]) for hour in np.flatnonzero(counts.hours)} == {5: 2, 71: 1}
    assert (counts.nulls, counts.rows) == (1, 4)
    assert (counts.minimum, counts.maximum) == (-3_600_000_000, int(monday.timestamp()) * 1_000_000)


def test_dates_are_midnights_and_numbers_are_no_instants() -> None:
    table = pa.table({"t": pa.array([datetime.date(2024, 1, 2)])})
    counts = Profile.of(Grid.from_table(table, {"t": "timestamp"}), table).columns["t"]
    assert isinstance(counts, TimestampCounts)
    assert np.flatnonzero(counts.hours).tolist() == [24]
    with pytest.raises(BadInput, match="which is no instant"):
        Profile.of(Grid.from_table(table, {"t": "timestamp"}), pa.table({"t": [1.5]}))


def test_second_moments_give_the_correlations() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(5, 2, 50_000)
    y = 0.6 * x + rng.normal(size=50_000)
    table = pa.table({"x": pa.array(x), "y": pa.array(y)})
    grid = Grid.from_table(table, {"x": "numeric", "y": "numeric"})
    moments = Profile.of(grid, table, second_moments=True).moments
    assert moments is not None
    covariances = moments.covariances
    correlation = covariances[0, 1] / np.sqrt(covariances[0, 0] * covariances[1, 1])
    assert correlation == pytest.approx(float(np.corrcoef(x, y)[0, 1]), abs=1e-3)
    assert moments.rows == 50_000


def test_second_moments_of_some_rows_only_are_none() -> None:
    with_moments = Profile.of(GRID, rows(100), second_moments=True)
    without = Profile.of(GRID, rows(100, 1))
    assert (with_moments + without).moments is None
    assert (with_moments + Profile.empty(GRID)) == with_moments
    assert ((with_moments + without) + with_moments) == (with_moments + (without + with_moments))
