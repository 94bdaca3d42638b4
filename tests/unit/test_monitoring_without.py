"""The monitor without what it usually finds: no champion yet, no shards, no baseline."""

import pytest

from tests.unit.watched import BASELINE, NAME, TRAINING, watched


@pytest.fixture
def world(tmp_path, monkeypatch):
    with watched(tmp_path, monkeypatch) as found:
        yield found


@pytest.mark.parametrize("waiting_for", ["cooldown", "labels"])
def test_a_pending_retrain_is_asked_for_again_also_before_the_first_champion(world, waiting_for):
    request = {"reason": "first", "cause": "upload", "at": "2013-02-10T06:00:00Z"}
    item = {"reasons": [request], "requested_at": request["at"], "waiting_for": waiting_for}
    world.table.put({"pk": f"PENDING#{NAME}", "sk": "train", **item})
    assert world.run("2013-02-11T06:00:00Z")["ask_again"] is (waiting_for == "cooldown")
    world.join("joined", TRAINING.slice(0, 10), "2013-02-11T07:00:00Z")
    plan = world.run("2013-02-12T06:00:00Z")
    assert (plan["quiet"], plan["ask_again"], plan["reasons"]) == (False, True, ["first"])
    assert (plan["windows"], plan["measurements"]) == ([], [])


@pytest.mark.parametrize(("baseline", "reason"), [(BASELINE, "TOO_FEW_ROWS"), (None, "NO_BASELINE")])
def test_a_window_without_a_capture_is_undetermined(world, baseline, reason):
    world.promote(1, "2013-03-01T02:00:00Z", baseline=baseline)
    world.run("2013-04-01T06:00:00Z")
    item = world.window("2013-03")
    assert (item["verdict"], item["reason"], item["rows"]) == ("undetermined", reason, 0)
    assert item["undetermined_weight"] == pytest.approx(1)
