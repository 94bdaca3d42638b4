"""Levels of a window's plan, and predictions that came in several shards."""

import numpy as np
import pyarrow as pa
import pytest

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
