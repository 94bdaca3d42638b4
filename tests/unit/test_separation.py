"""Telling samples apart by a classifier: the sample, the codes, false alarms, and drift between columns."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from trimtab.errors import BadInput
from trimtab.separation import BlockScore, Reservoir, Separation, Settings, encode, judge, separate
from trimtab.separation.classifier import BLOCKS, blocks_of_days, blocks_of_rows
from trimtab.separation.encoding import Kind

KINDS: dict[str, Kind] = {"a": "number", "b": "number", "shop": "text", "flag": "boolean", "same": "number"}


def world(rng: np.random.Generator, rows: int, *, correlation: float = 0.6) -> pa.Table:
    a = rng.normal(size=rows)
    b = correlation * a + np.sqrt(1 - correlation**2) * rng.normal(size=rows)
    return pa.table({
        "a": pa.array(a, mask=rng.random(rows) < 0.1),
        "b": pa.array(b),
        "shop": pa.array([f"s{number}" for number in np.minimum(rng.zipf(1.3, rows), 10_000)]),
        "flag": pa.array(rng.random(rows) < 0.3, mask=rng.random(rows) < 0.05),
        "same": pa.array(np.full(rows, 7.0)),
    })  # fmt: skip


def found_in(before: pa.Table, now: pa.Table, tolerance: float = 0.55) -> tuple[Separation, dict[str, float]]:
    blocks = [blocks_of_rows(side.num_rows, BLOCKS) for side in (before, now)]
    return separate(encode(before, now, KINDS), np.concatenate(blocks), Settings(tolerance=tolerance))


def test_a_sample_is_uniform_whatever_the_batches() -> None:
    stream = pa.table({"row": pa.array(range(5_000))})
    first, second = Reservoir(500, 3), Reservoir(500, 3)
    first.add(stream)
    for start in range(0, 5_000, 37):
        second.add(stream.slice(start, 37))
    rows: list[Any] = first.sample()["row"].to_pylist()
    assert rows == second.sample()["row"].to_pylist() == sorted(set(rows))
    assert (len(rows), first.rows, second.rows) == (500, 5_000, 5_000)
    hits = np.zeros(5_000)
    for seed in range(200):
        reservoir = Reservoir(500, seed)
        reservoir.add(stream)
        hits[reservoir.sample()["row"].to_numpy()] += 1
    # Each tenth of the stream has 10,000 hits on average, with a standard deviation of 90.
    assert np.abs(hits.reshape(10, 500).sum(axis=1) - 10_000).max() < 400
    few = Reservoir(500, 0)
    few.add(stream.slice(0, 20))
    assert few.sample().num_rows == 20


def test_two_columns_that_swap_their_correlation_are_found() -> None:
    rng = np.random.default_rng(1)
    found, lost = found_in(world(rng, 1_500), world(rng, 1_500, correlation=-0.6))
    assert found.verdict == "drifted"
    assert found.low > 0.6
    assert found.p_value < 1e-6
    assert min(lost["a"], lost["b"]) > 10 * max(lost["shop"], lost["flag"], lost["same"])


def test_the_same_rows_give_the_same_answer() -> None:
    rng = np.random.default_rng(2)
    before, now = world(rng, 400), world(rng, 400)
    assert found_in(before, now) == found_in(before, now)


def alarms(worlds: int, sizes: tuple[int, int]) -> tuple[int, int]:
    rng = np.random.default_rng(3)
    found = [found_in(world(rng, sizes[0]), world(rng, sizes[1]), tolerance=0.5)[0] for _ in range(worlds)]
    return sum(one.p_value <= 0.05 for one in found), sum(one.verdict == "drifted" for one in found)


def test_samples_of_one_world_are_hardly_ever_told_apart() -> None:
    unlikely, drifted = alarms(15, (300, 250))
    assert unlikely <= 3  # four or more of 15 at 5 % happen once in 180 times
    assert drifted <= 1


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [(300, 300), (900, 250)])
def test_samples_of_one_world_alarm_at_most_as_often_as_one_in_twenty(sizes: tuple[int, int]) -> None:
    unlikely, drifted = alarms(200, sizes)
    assert unlikely <= 10
    assert drifted <= 10


def test_days_that_wobble_are_no_drift_when_days_are_held_out() -> None:
    rng = np.random.default_rng(4)
    days, across = np.repeat(np.arange(20), 30), np.tile(np.arange(20), 30)
    drifted = {"days": 0, "rows": 0}
    for _ in range(6):
        before, now = (
            pa.table({"x": pa.array(3 * rng.normal(size=20)[days] + rng.normal(size=600))}) for _ in range(2)
        )
        rows = encode(before, now, {"x": "number"})
        # Cut across the days, every block has rows of each, and a day is known again by its wobble.
        for name, blocks in (("days", blocks_of_days(days, 20)), ("rows", across)):
            found = separate(rows, np.concatenate([blocks, blocks]), Settings(tolerance=0.5))[0]
            drifted[name] += found.verdict == "drifted"
    assert drifted["days"] <= 1
    assert drifted["rows"] >= 5


def test_too_wide_an_interval_is_undetermined() -> None:
    few = [BlockScore(auc, 10, 10) for auc in (0.6, 0.5, 0.4, 0.55)]
    assert judge(few, 0.55).verdict == "undetermined"
    assert judge([BlockScore(0.56, 4_000, 4_000)] * 10, 0.55).verdict == "drifted"
    assert judge([BlockScore(0.54, 4_000, 4_000)] * 10, 0.55).verdict == "stable"


@pytest.mark.parametrize("tolerance", [0.4, 1.0, float("nan")])
def test_senseless_tolerances_are_refused(tolerance: float) -> None:
    with pytest.raises(BadInput, match="give an AUC"):
        Settings(tolerance=tolerance)


def test_a_row_betrays_its_side_by_no_code() -> None:
    names = [f"s{number:05d}" for number in range(20_000)]
    first, second = (pa.table({"shop": pa.array(part * 2)}) for part in (names[:10_000], names[10_000:]))
    one = encode(first, second, {"shop": "text"})
    other = encode(second, first, {"shop": "text"})
    assert (one.matrix[:20_000] == other.matrix[20_000:]).all()
    assert one.matrix[:, 0].max() == 254
    # All are as common as each other, which is what the second column holds.
    assert one.owners == (0, 0)
    assert len(np.unique(one.matrix[:, 1])) == 1


def test_ids_counters_and_times_are_left_out() -> None:
    kinds: dict[str, Kind] = {"id": "text", "order": "number", "at": "instant", "x": "number"}
    rng = np.random.default_rng(5)

    def side(start: int) -> pa.Table:
        numbers = np.arange(start, start + 300)
        return pa.table({
            "id": [f"p{number}" for number in numbers],
            "order": pa.array(numbers * 3.0),
            "at": pa.array(numbers * 10**9, pa.timestamp("us", "UTC")),
            "x": pa.array(rng.normal(size=300)),
        })  # fmt: skip

    rows = encode(side(0), side(300), kinds)
    assert rows.names == ("x",)
    assert [told.split(":")[0] for told in rows.left_out] == ["id", "order", "at"]


def test_missing_values_infinities_and_empty_columns_are_learned_from() -> None:
    rng = np.random.default_rng(6)

    def side(missing: float) -> pa.Table:
        x = rng.normal(size=800)
        x[:5], x[5:10] = np.inf, -np.inf
        columns: dict[str, Any] = {
            "x": pa.array(x, mask=rng.random(800) < missing),
            "empty": pa.nulls(800, pa.float64()),
            "nothing": pa.nulls(800, pa.string()),
        }
        return pa.table(columns)

    kinds: dict[str, Kind] = {"x": "number", "empty": "number", "nothing": "text"}
    blocks = np.tile(blocks_of_rows(800, BLOCKS), 2)
    found, lost = separate(encode(side(0.05), side(0.4), kinds), blocks, Settings())
    assert found.verdict == "drifted"
    assert max(lost, key=lambda name: lost[name]) == "x"
    assert lost["empty"] == lost["nothing"] == 0
