"""How a window of many shards is profiled: level after level, each a list of tasks that run side by side.

First every shard is profiled and the hashes of its prediction ids are filed by partition. Then each partition
is searched for ids that came in several shards, and the shards that repeat one are profiled without it. From
there on profiles are added up, `FAN_IN` at a time, until one function can add up the rest. Profiles add up to
the same bytes in any grouping, so the shape of the tree is a matter of speed alone.
"""

from typing import Any

FAN_IN = 64  # profiles that one function adds up: 13 MB of a model with thirty columns
SHARDS_PER_PARTITION = 16  # so that one function holds the ids of about as many shards

type Task = dict[str, Any]


def levels_of(shards: int, fan_in: int = FAN_IN) -> list[list[Task]]:
    """List the tasks of each level; a window of one shard has none, because one call does it all.

    >>> [len(level) for level in levels_of(130)]
    [130, 9, 130, 3]
    """
    if shards <= 1:
        return []
    each = range(shards)
    return [
        [{"step": "profile", "shard": shard} for shard in each],
        [{"step": "find_repeats", "partition": part} for part in range(partitions_of(shards))],
        [{"step": "drop_repeats", "shard": shard} for shard in each],
        *_merges(shards, fan_in),
    ]


def partitions_of(shards: int) -> int:
    """Return the number of partitions that the ids of so many shards are filed under."""
    return -(-shards // SHARDS_PER_PARTITION)


def roots_of(shards: int, fan_in: int = FAN_IN) -> tuple[int, int]:
    """Return the last level of the tree and how many profiles it holds; level 0 is that of the shards.

    >>> roots_of(64), roots_of(65), roots_of(5000)
    ((0, 64), (1, 2), (2, 2))
    """
    merges = _merges(shards, fan_in)
    return len(merges), len(merges[-1]) if merges else shards


def _merges(width: int, fan_in: int, level: int = 1) -> list[list[Task]]:
    """List the tasks that add profiles up: each names its place and the places below that it adds up."""
    if width <= fan_in:
        return []
    starts = range(0, width, fan_in)
    tasks = [
        {
            "step": "merge",
            "level": level,
            "node": node,
            "first": first,
            "last": min(first + fan_in, width) - 1,
        }
        for node, first in enumerate(starts)
    ]
    return [tasks, *_merges(len(starts), fan_in, level + 1)]
