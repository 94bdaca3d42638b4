"""Levels of a window's plan, and predictions that came in several shards."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.unit.watched import BASELINE, parcels, watched
from trimtab.monitoring.repeats import id_hashes, partitioned, repeats_of, without
from trimtab.monitoring.tree import FAN_IN, levels_of, partitions_of, roots_of


def test_a_window_of_one_shard_needs_no_level():
    assert levels_of(1) == []
    assert roots_of(1) == (0, 1)


@pytest.mark.parametrize("fan_in", [2, 3, 64])
@pytest.mark.parametrize("shards", [2, 3, 64, 65, 200, 4097])
def test_every_profile_is_added_up_once_and_one_function_can_add_up_the_rest(
    shards: int, fan_in: int
) -> None:
    profile, find, drop, *merges = levels_of(shards, fan_in)
    assert [task["shard"] for task in profile] == [task["shard"] for task in drop] == list(range(shards))
    assert [task["partition"] for task in find] == list(range(partitions_of(shards)))
    width = shards
    for level, tasks in enumerate(merges, start=1):
        spans = [range(task["first"], task["last"] + 1) for task in tasks]
        assert [place for span in spans for place in span] == list(range(width))
        assert all(task["level"] == level for task in tasks)
        assert [task["node"] for task in tasks] == list(range(len(tasks)))
        assert max(map(len, spans)) <= fan_in
        width = len(tasks)
    assert roots_of(shards, fan_in) == (len(merges), width)
    assert width <= fan_in


def test_a_million_objects_take_three_levels_of_adding_up_at_most():
    assert roots_of(1_000_000)[0] <= 3
    assert FAN_IN == 64


def rows(*names: str) -> pa.Table:
    return pa.table({"id": list(names), "n": list(range(len(names)))})


def test_the_first_shard_that_holds_a_prediction_keeps_it():
    tables = [rows("a", "b"), rows("b", "c"), rows("d"), rows("c", "a", "e")]
    hashes = [id_hashes(table, "id") for table in tables]
    parts = [partitioned(found, 3) for found in hashes]
    found: dict[int, list[np.ndarray]] = {}
    for partition in range(3):
        for shard, repeated in repeats_of([part[partition] for part in parts]).items():
            found.setdefault(shard, []).append(repeated)
    assert sorted(found) == [1, 3]
    left = [
        without(table, own, np.concatenate(found[shard])) if shard in found else table
        for shard, (table, own) in enumerate(zip(tables, hashes, strict=True))
    ]
    assert [table["id"].to_pylist() for table in left] == [["a", "b"], ["c"], ["d"], ["e"]]


def test_partitions_hold_every_hash_once_and_do_not_depend_on_the_order():
    hashes = id_hashes(rows(*(f"2013-03-01-{n}" for n in range(1000))), "id")
    parts = partitioned(hashes, 7)
    assert sorted(np.concatenate(parts).tolist()) == sorted(hashes.tolist())
    assert min(map(len, parts)) > 70
    again = partitioned(hashes[::-1], 7)
    assert all((one == other).all() for one, other in zip(parts, again, strict=True))


def test_nothing_repeats_in_shards_without_rows():
    empty = id_hashes(pa.table({}), "id")
    assert repeats_of([empty, empty]) == {}
    assert repeats_of([]) == {}


def test_profiles_of_more_shards_than_one_function_adds_up_are_merged_on_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """70 objects, a shard each: a level of two merges, and the profile, verdict and counts of one call."""
    found = []
    for most in (1, 1000):
        folder = tmp_path / str(most)
        folder.mkdir()
        with watched(folder, monkeypatch, objects_per_shard=most) as world:
            world.promote(1, "2013-03-01T02:00:00Z", baseline=BASELINE)
            for number in range(70):
                day = 1 + number % 31
                parcel = parcels(f"2013-03-{day:02d}", 1, per_day=10, seed=number % 60)
                world.capture(f"2013-03-{day:02d}", parcel, version=1 + number // 31)
            (window,) = world.run("2013-04-01T06:00:00Z")["windows"]
            item = world.window("2013-03")
            assert item is not None
            report = world.data.get_json(item["report_key"])
            assert report["captured"].pop("shards") == window["shards"]
            levels = [world.data.get_json(key) for key in window["levels"]]
            found.append((item["profile_key"], report, [len(tasks) for tasks in levels]))
    apart, together = found
    assert apart[2] == [70, 5, 70, 2]
    assert together[2] == []
    assert apart[:2] == together[:2]
    # The ids of a day are the same in each of its objects, so all but the first repeat rows of another shard.
    assert apart[1]["captured"]["duplicate"] == (70 - 31) * 10
    assert apart[1]["rows"]["current"] == 31 * 10
