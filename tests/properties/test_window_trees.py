"""Any tree of profiles over any split of the rows gives the same bytes, and so do the counts of rows."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.test_profile_laws import GRIDS, ROWS, table_of
from trimtab.monitoring.rows import RowCounts
from trimtab.monitoring.tree import levels_of, roots_of
from trimtab.profile import Grid, Profile

COUNTS = st.builds(
    RowCounts,
    read=st.integers(0, 9),
    duplicate=st.integers(0, 9),
    by_version=st.none() | st.dictionaries(st.sampled_from("123"), st.integers(1, 9)),
    last_event=st.none() | st.sampled_from(["2013-03-01T00:00:00Z", "2013-03-02T00:00:00Z"]),
)


def added_up(parts: list[Any], fan_in: int, merge: Any) -> Any:
    """Add parts up as the tasks of the plan say."""
    levels = [list(parts)]
    for tasks in levels_of(len(parts), fan_in)[3:]:
        below = levels[-1]
        levels.append([merge(below[task["first"] : task["last"] + 1]) for task in tasks])
    level, width = roots_of(len(parts), fan_in)
    return merge(levels[level][:width])


@settings(max_examples=60, deadline=None)
@given(GRIDS, st.lists(ROWS, min_size=1, max_size=9), st.integers(2, 5))
def test_any_tree_gives_the_profile_of_all_rows(grid: Grid, parts: list[Any], fan_in: int) -> None:
    profiles = [Profile.of(grid, table_of(rows), second_moments=True) for rows in parts]
    whole = Profile.of(grid, table_of([row for rows in parts for row in rows]), second_moments=True)
    assert added_up(profiles, fan_in, Profile.merged).rows == whole.rows
    assert added_up(profiles, fan_in, Profile.merged).to_bytes() == Profile.merged(profiles).to_bytes()


@settings(max_examples=60, deadline=None)
@given(st.lists(COUNTS, min_size=1, max_size=20), st.integers(2, 5))
def test_any_tree_gives_the_counts_of_all_rows(parts: list[RowCounts], fan_in: int) -> None:
    def merge(some: list[RowCounts]) -> RowCounts:
        return sum(some, RowCounts())

    assert added_up(parts, fan_in, merge).to_dict() == merge(parts).to_dict()
