"""The monitor's functions in a mocked AWS: plan, profile, compare, measure."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.unit.watched import BASELINE, NAME, Watched, parcels, send_month, watched
from trimtab.aws.objects import Bucket
from trimtab.errors import Denied


@pytest.fixture
def world(tmp_path, monkeypatch):
    with watched(tmp_path, monkeypatch) as found:
        yield found


def metrics_of(text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for line in text.splitlines():
        document = json.loads(line)
        names = [metric["Name"] for metric in document["_aws"]["CloudWatchMetrics"][0]["Metrics"]]
        found |= {name: document[name] for name in names}
    return found


def test_without_a_champion_there_is_a_heartbeat_and_nothing_else(world, capsys):
    plan = world.run("2013-04-01T06:00:00Z")
    assert plan["quiet"] is True
    assert metrics_of(capsys.readouterr().out) == {"Heartbeat": 1}


def test_a_day_on_which_no_window_has_ended_is_quiet(world, capsys, monkeypatch):
    world.promote(1, "2013-03-01T02:00:00Z", baseline=BASELINE)
    monkeypatch.setattr(Bucket, "list", lambda *_: pytest.fail("a quiet day lists nothing"))
    plan = world.run("2013-03-20T06:00:00Z")
    assert plan["quiet"] is True
    line = json.loads(capsys.readouterr().out)
    assert line["Heartbeat"] == 1
    assert line["_aws"]["Timestamp"] == 1363759200000


def test_a_month_like_the_training_data_is_stable(world, capsys):
    world.promote(1, "2013-03-01T02:00:00Z", baseline=BASELINE)
    send_month(world, "2013-03", 31, seed=2)
    plan = world.run("2013-04-01T06:00:00Z")
    assert [(task["id"], task["shards"]) for task in plan["windows"]] == [("2013-03", 4)]
    item = world.window("2013-03")
    assert (item["verdict"], item["rows"], item["persistent"], item["features"]) == ("stable", 1860, 0, [])
    found = metrics_of(capsys.readouterr().out)
    assert (found["DriftVerdict"], found["DriftPersistent"], found["WindowRows"]) == (0, 0, 1860)
    assert found["UndeterminedShare"] == 0
    assert "is stable against the baseline of version 1" in _page(world, item)


def test_drift_is_found_named_drawn_and_persistent_in_the_second_month(world, capsys):
    world.promote(1, "2013-03-01T02:00:00Z", baseline=BASELINE)
    for month, days in (("2013-03", 31), ("2013-04", 30)):
        send_month(world, month, days, heavier=0.8)
        world.run(f"2013-0{int(month[-1]) + 1}-01T06:00:00Z")
        found = metrics_of(capsys.readouterr().out)
        assert found["DriftVerdict"] == 1
        assert found["DriftPersistent"] == int(month == "2013-04")
        assert found["Rank1Effect"] > found["Rank2Effect"] >= 0
    item = world.window("2013-04")
    assert [entry["name"] for entry in item["features"]] == ["weight"]
    assert item["persistent"] == 1
    report = world.data.get_json(item["report_key"])
    assert sum(report["distributions"]["weight"]["current"]) == pytest.approx(1, abs=1e-4)
    page = _page(world, item)
    assert "The drift is persistent: the rule is 2 of 3 windows." in page
    assert "Distribution of weight" in page


def test_drift_against_an_earlier_champion_does_not_persist(world):
    world.promote(1, "2013-03-01T02:00:00Z", baseline=BASELINE)
    send_month(world, "2013-03", 31, heavier=0.8)
    world.run("2013-04-01T06:00:00Z")
    world.promote(2, "2013-04-10T02:00:00Z", baseline=BASELINE)
    send_month(world, "2013-04", 30, heavier=0.8)
    world.run("2013-05-01T06:00:00Z")
    item = world.window("2013-04")
    assert (item["verdict"], item["champion_version"], item["persistent"]) == ("drifted", 2, 0)


def test_after_an_outage_windows_are_judged_in_order_against_the_champions_of_their_time(world):
    world.promote(1, "2013-03-01T02:00:00Z", baseline=BASELINE)
    world.promote(2, "2013-04-20T02:00:00Z", baseline=BASELINE)
    send_month(world, "2013-03", 31)
    send_month(world, "2013-04", 30)
    plan = world.run("2013-05-01T06:00:00Z")
    assert [(task["id"], task["champion_version"]) for task in plan["windows"]] == [
        ("2013-03", 1),
        ("2013-04", 2),
    ]
    assert plan["windows"][1]["earlier"] == ["2013-03"]
    assert world.run("2013-05-02T06:00:00Z")["quiet"] is True


def test_performance_is_measured_when_the_labels_come(world, capsys):
    world.promote(1, "2013-03-01T02:00:00Z", baseline=BASELINE, auc=0.83)
    rows = send_month(world, "2013-03", 31)
    world.run("2013-04-01T06:00:00Z")
    capsys.readouterr()
    world.join("joined-1", rows, "2013-05-01T02:00:00Z")
    plan = world.run("2013-05-01T06:00:00Z")
    assert [task["id"] for task in plan["measurements"]] == ["2013-03"]
    performance = world.window("2013-03")["performance"]
    assert performance["rows"] == 1860
    assert performance["expected_auc"] == 0.83
    assert performance["auc"] == pytest.approx(0.83, abs=0.02)
    found = metrics_of(capsys.readouterr().out)
    assert found["Auc"] == pytest.approx(performance["auc"])
    assert (found["Decay"], found["LabelledShare"]) == (0, 1)
    assert found["Skill"] == pytest.approx(1 / 3, abs=0.05)
    assert [task["id"] for task in world.run("2013-05-02T06:00:00Z")["measurements"]] == []


def test_decay_is_published_when_even_the_upper_bound_lies_below_what_was_expected(world, capsys):
    world.promote(1, "2013-03-01T02:00:00Z", baseline=BASELINE, auc=0.95)
    rows = send_month(world, "2013-03", 31)
    world.join("joined-1", rows, "2013-03-31T12:00:00Z")
    world.run("2013-04-01T06:00:00Z")
    world.run("2013-04-02T06:00:00Z")
    assert metrics_of(capsys.readouterr().out)["Decay"] == 1
    assert world.window("2013-03")["performance"]["decayed"] is True


def test_labels_of_two_versions_are_joined_and_corrected_labels_measured_anew(world):
    world.promote(1, "2013-03-01T02:00:00Z", baseline=BASELINE)
    rows = send_month(world, "2013-03", 31)
    world.run("2013-04-01T06:00:00Z")
    world.join("first", rows.slice(0, 1000), "2013-04-10T00:00:00Z")
    assert world.run("2013-04-11T06:00:00Z")["measurements"] == []
    world.join("second", rows.slice(900), "2013-04-20T00:00:00Z")
    world.run("2013-04-21T06:00:00Z")
    before = world.window("2013-03")
    assert (before["performance"]["rows"], before["performance_datasets"]) == (1860, ["first", "second"])
    opposite = rows.slice(900).set_column(
        5, "late", [[1 - label for label in rows["late"].slice(900).to_pylist()]]
    )
    world.join("third", opposite, "2013-05-01T00:00:00Z")
    world.join("second", rows.slice(900), "2013-04-20T00:00:00Z", superseded_by="third")
    world.run("2013-05-02T06:00:00Z")
    after = world.window("2013-03")
    assert after["performance_datasets"] == ["first", "third"]
    assert after["performance"]["auc"] < before["performance"]["auc"] - 0.1


def test_too_few_labels_say_nothing_about_decay(world, capsys):
    world.promote(1, "2013-03-01T02:00:00Z", baseline=BASELINE, auc=0.99)
    rows = send_month(world, "2013-03", 31)
    world.run("2013-04-01T06:00:00Z")
    world.join("few", rows.slice(1800, 60), "2013-04-20T00:00:00Z")
    world.run("2013-04-21T06:00:00Z")
    found = metrics_of(capsys.readouterr().out)
    assert "Decay" not in found
    assert found["LabelledShare"] == pytest.approx(60 / 1860)


def test_a_replaced_dataset_object_is_refused(world):
    world.promote(1, "2013-03-01T02:00:00Z", baseline=BASELINE)
    rows = send_month(world, "2013-03", 31)
    world.run("2013-04-01T06:00:00Z")
    world.join("joined", rows, "2013-05-01T02:00:00Z")
    key = next(iter(world.data.list("objects/"))).key
    world.data.put(key, world.data.get(key) + b"x")
    with pytest.raises(Denied, match="not what its name says"):
        world.run("2013-05-01T06:00:00Z")


def test_a_pending_retrain_is_asked_for_again(world):
    world.promote(1, "2013-03-01T02:00:00Z", baseline=BASELINE)
    request = {"reason": "drift", "cause": "alarm", "at": "2013-03-10T06:00:00Z"}
    item = {"reasons": [request], "requested_at": request["at"], "waiting_for": "cooldown"}
    world.table.put({"pk": f"PENDING#{NAME}", "sk": "train", **item, "not_before": "2013-03-12T00:00:00Z"})
    assert world.run("2013-03-11T06:00:00Z")["quiet"] is True
    plan = world.run("2013-03-12T06:00:00Z")
    assert (plan["quiet"], plan["ask_again"], plan["reasons"]) == (False, True, ["drift"])
    assert plan["cause"] == "requested at 2013-03-10T06:00:00Z"


WITHOUT_PANDAS = """
import json, os, sys
from pathlib import Path
import boto3
from moto import mock_aws
from lambdas.profile_shard import handler as profiling

folder = Path(sys.argv[1])
profiling.project_folder = lambda: folder / "pipelines" / "parcels"
with mock_aws():
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=os.environ["TRIMTAB_DATA_BUCKET"])
    for path in (folder / "bucket").rglob("*"):
        if path.is_file():
            key = str(path.relative_to(folder / "bucket"))
            s3.put_object(Bucket=os.environ["TRIMTAB_DATA_BUCKET"], Key=key, Body=path.read_bytes())
    window = {"id": "2013-03", "plan": "p", "shards": 2}
    profiling.handler({"window": window, "task": {"step": "profile", "shard": 0}}, None)
    key = "shards/parcels/2013-03/p/0/000000.json"
    counts = s3.get_object(Bucket=os.environ["TRIMTAB_DATA_BUCKET"], Key=key)["Body"].read()
print(json.loads(counts)["by_version"], sorted({"pandas", "scipy", "pandera"} & set(sys.modules)))
"""


def test_profiling_a_shard_imports_no_pandas(world, tmp_path):
    world.capture("2013-03-01", parcels("2013-03-01", 2))
    key = next(iter(world.data.list("captured/"))).key
    world.data.put_json(f"shards/{NAME}/2013-03/p/plan/objects-00000.json", [[key]])
    for entry in world.data.list(""):
        path = tmp_path / "bucket" / entry.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(world.data.get(entry.key))
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_PANDAS, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "{'1': 120} []"


def _page(world: Watched, item: dict[str, Any]) -> str:
    return world.data.get(item["report_key"].removesuffix(".json") + ".html").decode()
