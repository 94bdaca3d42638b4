"""Where a window's working files and reports lie in the data bucket.

What a run reads is written down first and named by its digest: a second run, or a retry, never mixes its
files with those of another list of captures. Such files lie under `shards/` and go after a week; profiles and
reports stay, and are named by their content.
"""

DIGITS = 16  # of a sha256, enough to tell the lists and reports of one window apart


def plan(project: str, window_id: str, digest: str, name: str) -> str:
    """Name a part of a window's plan: a page of its captured objects, or the tasks of one level."""
    return f"shards/{project}/{window_id}/{digest}/plan/{name}.json"


def node(project: str, window_id: str, digest: str, place: str, number: int) -> str:
    """Name a profile (.profile) and its row counts (.json), without the suffix.

    `place` is the level in the tree, 0 for shards; `once` for shards profiled without repeated rows.
    """
    return f"shards/{project}/{window_id}/{digest}/{place}/{number:06d}"


def ids(project: str, window_id: str, digest: str, partition: int, shard: int) -> str:
    """Name the hashes of a shard's prediction ids in one partition."""
    return f"shards/{project}/{window_id}/{digest}/ids/{partition:05d}/{shard:06d}"


def repeats(project: str, window_id: str, digest: str, shard: int, partition: str = "") -> str:
    """Name the hashes of one partition that a shard repeats; without a partition, the folder."""
    return f"shards/{project}/{window_id}/{digest}/repeats/{shard:06d}/{partition}"


def report(project: str, window_id: str, version: int | None, digest: str, suffix: str) -> str:
    """Name a window's report against one champion's baseline by its content; `suffix` is json or html."""
    return f"windows/{project}/{window_id}/report-{version or 0}-{digest[:DIGITS]}.{suffix}"


def profile(project: str, key: str) -> str:
    """Name a profile by its content."""
    return f"profiles/{project}/{key}.profile"


def performance(project: str, window_id: str) -> str:
    """Name a window's measured performance."""
    return f"windows/{project}/{window_id}/performance.json"
