"""Where a window's working files and reports lie in the data bucket.

What a run reads is written down first and named by its digest: a second run, or a retry, never mixes its
files with those of another list of captures.
"""


def plan(project: str, window_id: str, digest: str) -> str:
    """Name the list of captured objects of a window, by shard."""
    return f"windows/{project}/{window_id}/shards/{digest}/plan.json"


def shard_profile(project: str, window_id: str, digest: str, shard: int) -> str:
    """Name the profile of one shard."""
    return f"windows/{project}/{window_id}/shards/{digest}/{shard:03d}.profile"


def shard_counts(project: str, window_id: str, digest: str, shard: int) -> str:
    """Name the counts of the rows that one shard read and left out."""
    return f"windows/{project}/{window_id}/shards/{digest}/{shard:03d}.json"


def report(project: str, window_id: str, version: int | None, suffix: str) -> str:
    """Name a window's report against one champion's baseline; `suffix` is json or html."""
    return f"windows/{project}/{window_id}/report-{version or 0}.{suffix}"


def performance(project: str, window_id: str) -> str:
    """Name a window's measured performance."""
    return f"windows/{project}/{window_id}/performance.json"
