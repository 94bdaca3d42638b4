"""Windows judged again: nothing new is a no-op, late captures get a new report, and metrics stay few."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lambdas.compare_window import handler as comparing
from tests.unit.watched import BASELINE, NAME, Watched, parcels, send_month, watched
from trimtab.aws.metrics import METRICS, line
from trimtab.errors import Conflict
from trimtab.monitoring.planning import candidate_windows, open_windows


@pytest.fixture
def world(tmp_path, monkeypatch):
    with watched(tmp_path, monkeypatch) as found:
        found.promote(1, "2013-03-01T02:00:00Z", baseline=BASELINE)
        yield found


def published(text: str) -> list[dict[str, Any]]:
    lines = [json.loads(entry) for entry in text.splitlines()]
    return [entry for entry in lines if "WindowRows" in entry]


def stored(world: Watched) -> dict[str, str]:
    return {entry.key: entry.etag for entry in world.data.list("") if not entry.key.startswith("captured/")}


def test_the_same_captures_judged_twice_change_nothing_and_publish_nothing(world, capsys):
    send_month(world, "2013-03", 31)
    plan = world.run("2013-04-01T06:00:00Z")
    before, item = stored(world), world.window("2013-03")
    assert len(published(capsys.readouterr().out)) == 1
    world.profile(plan["windows"][0])
    comparing.handler({"window": plan["windows"][0], "time": "2013-04-05T06:00:00Z"}, None)
    assert stored(world) == before
    assert world.window("2013-03") == item
    assert published(capsys.readouterr().out) == []


def test_what_was_captured_late_gets_a_new_report_that_supersedes_the_old_verdict(world, capsys):
    send_month(world, "2013-03", 20, heavier=0.8)
    world.run("2013-04-01T06:00:00Z")
    first = world.window("2013-03")
    assert first["verdict"] == "drifted"
    late = parcels("2013-03-21", 10, per_day=1000, seed=3, heavier=-0.35)
    world.capture("2013-03-31", late, version=2)
    plan = world.run("2013-04-02T06:00:00Z")
    assert [task["id"] for task in plan["windows"]] == ["2013-03"]
    second = world.window("2013-03")
    assert second["rows"] == first["rows"] + 10_000
    told = ("report_key", "verdict", "champion_version", "rows", "judged_at")
    assert second["superseded"] == [{name: first[name] for name in told}]
    assert second["report_key"] != first["report_key"]
    assert world.data.get_json(first["report_key"])["rows"]["current"] == first["rows"]
    assert len(published(capsys.readouterr().out)) == 2
    assert world.run("2013-04-02T12:00:00Z")["quiet"] is True


def test_late_captures_are_looked_for_while_the_window_is_open_and_no_longer(world):
    send_month(world, "2013-03", 31)
    world.run("2013-04-01T06:00:00Z")
    world.capture("2013-03-30", parcels("2013-03-30", 1, seed=4), version=2)
    assert world.run("2013-04-04T06:00:00Z")["quiet"] is True


def test_a_window_judged_again_after_a_later_one_publishes_no_metrics(world, capsys):
    send_month(world, "2013-03", 31)
    send_month(world, "2013-04", 30)
    world.run("2013-05-01T06:00:00Z")
    world.table.update(f"WINDOW#{NAME}", "2013-03", {"plan": "of fewer objects"})
    capsys.readouterr()
    window = world.run("2013-05-01T07:00:00Z")["windows"]
    assert window == []  # March is no longer open
    item = world.window("2013-03")
    world.table.delete(f"WINDOW#{NAME}", "2013-03")
    plan = world.run("2013-05-01T08:00:00Z")
    assert [(task["id"], task["publish"]) for task in plan["windows"]] == [("2013-03", False)]
    assert published(capsys.readouterr().out) == []
    assert world.window("2013-03")["verdict"] == item["verdict"]


def test_of_two_runs_that_judge_at_once_the_slower_one_reads_again(world, monkeypatch):
    send_month(world, "2013-03", 31)
    plan = world.run("2013-04-01T06:00:00Z")
    known = world.window("2013-03")
    world.table.update(f"WINDOW#{NAME}", "2013-03", {"report_key": "another"})
    monkeypatch.setattr(comparing.Table, "get", lambda *_: known)
    with pytest.raises(Conflict):
        comparing.handler({"window": plan["windows"][0], "time": "2013-04-01T06:00:00Z"}, None)


def test_open_windows_are_judged_ones_that_ended_lately():
    candidates = candidate_windows("day", datetime(2013, 3, 10, 6, tzinfo=UTC))
    found = open_windows(candidates, {"2013-03-07", "2013-03-09"}, datetime(2013, 3, 10, 6, tzinfo=UTC), 2)
    assert [window.id for window in found] == ["2013-03-09"]
    found = open_windows(candidates, {"2013-03-07", "2013-03-09"}, datetime(2013, 3, 10, 6, tzinfo=UTC), 3)
    assert [window.id for window in found] == ["2013-03-07", "2013-03-09"]


def test_the_log_line_names_features_and_the_metrics_do_not(world, capsys):
    send_month(world, "2013-03", 31, heavier=0.8)
    world.run("2013-04-01T06:00:00Z")
    [entry] = published(capsys.readouterr().out)
    assert [part["name"] for part in entry["Features"]] == ["weight", "place", "score"]
    assert entry["Features"][0]["verdict"] == "drifted"
    assert (entry["Window"], entry["Report"]) == ("2013-03", world.window("2013-03")["report_key"])
    names = {metric["Name"] for metric in entry["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert names <= METRICS


def test_the_number_of_metrics_of_a_project_is_bounded_and_stated(root: Path):
    assert len(METRICS) == 25
    page = (root / "docs" / "monitoring.md").read_text(encoding="utf-8")
    assert f"{len(METRICS)} custom metrics" in page
    assert not [name for name in METRICS if f"`{name}`" not in page]
    with pytest.raises(ValueError, match="none of METRICS"):
        line(NAME, "dev", datetime(2013, 4, 1, tzinfo=UTC), {"Psi_weight": 0.1})
