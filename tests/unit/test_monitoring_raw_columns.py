"""Monitoring watches what came in: the raw columns of requests, before features.py, which it has not."""

from pathlib import Path

from assets.code import code_files
from tests.unit.watched import BASELINE, GRID, send_month, watched
from trimtab.profile import Profile


def test_a_window_is_profiled_from_the_raw_columns_as_they_came_in(tmp_path, monkeypatch):
    with watched(tmp_path, monkeypatch) as world:
        world.promote(1, "2013-03-01T02:00:00Z", baseline=BASELINE)
        rows = send_month(world, "2013-03", 31, seed=2)
        world.run("2013-04-01T06:00:00Z")
        item = world.window("2013-03")
        profile = Profile.from_bytes(world.data.get(item["profile_key"]))
    # To the last bit what the raw rows give: the project's columns and the score, and nothing derived.
    assert profile == Profile.of(GRID, rows, second_moments=True)
    assert set(profile.columns) == {"weight", "place", "score"}


def test_the_functions_that_watch_have_no_features_to_apply(root: Path):
    names = code_files(root, "flights")
    assert "pipelines/flights/contract.py" in names
    assert not [name for name in names if name.startswith("pipelines/") and "features" in name]
