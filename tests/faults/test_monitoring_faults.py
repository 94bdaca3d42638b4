"""What the monitor does with windows, rows and baselines that are not as they should be."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from lambdas.compare_window import handler as comparing
from tests.unit.watched import BASELINE, KINDS, NAME, TRAINING, Watched, parcels, send_month, watched
from trimtab.aws.metrics import line
from trimtab.drift import Baseline
from trimtab.errors import BadInput, Conflict
from trimtab.monitoring.planning import candidate_windows, due_windows
from trimtab.monitoring.windows import WindowKind
from trimtab.profile import Grid, Profile


@pytest.fixture
def world(tmp_path, monkeypatch):
    with watched(tmp_path, monkeypatch) as found:
        yield found


def metrics_of(text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for entry in text.splitlines():
        document = json.loads(entry)
        names = [metric["Name"] for metric in document["_aws"]["CloudWatchMetrics"][0]["Metrics"]]
        found |= {name: document[name] for name in names}
    return found


def _page(world: Watched, item: dict[str, Any] | None) -> str:
    assert item is not None
    return world.data.get(item["report_key"].replace(".json", ".html")).decode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_F17_the_metric_sink_itself_refuses_what_is_not_finite(value: float) -> None:
    with pytest.raises(ValueError, match="leave out what cannot be computed"):
        line(NAME, "dev", datetime(2013, 4, 1, tzinfo=UTC), {"DriftWeight": value})


def test_F17_infinities_in_captured_numbers_are_published_as_finite_metrics(world, capsys):
    world.promote(1, "2013-03-01T02:00:00Z", baseline=BASELINE)
    rows = parcels("2013-03-01", 31)
    weights = np.where(np.arange(rows.num_rows) % 3 == 0, 1e308, -0.0)
    world.capture("2013-03-02", rows.set_column(2, "weight", pa.array(weights)))
    world.run("2013-04-01T06:00:00Z")
    assert metrics_of(capsys.readouterr().out)["DriftVerdict"] == 1


@pytest.mark.parametrize("days", [0, 1])
def test_F22_a_window_with_too_few_rows_is_undetermined_and_never_zero(world, capsys, days):
    world.promote(1, "2013-03-01T02:00:00Z", baseline=BASELINE)
    if days:
        send_month(world, "2013-03", days)
    world.run("2013-04-01T06:00:00Z")
    item = world.window("2013-03")
    assert (item["verdict"], item["reason"], item["rows"]) == ("undetermined", "TOO_FEW_ROWS", 60 * days)
    found = metrics_of(capsys.readouterr().out)
    assert found["UndeterminedShare"] == pytest.approx(1)
    assert found["Heartbeat"] == 1
    assert not {"DriftVerdict", "DriftWeight", "Rank1Effect"} & set(found)
    assert "cannot be judged" in _page(world, item)


def test_F23_late_and_repeated_rows_count_once_and_by_event_time(world):
    world.promote(1, "2013-03-01T02:00:00Z", baseline=BASELINE)
    rows = send_month(world, "2013-03", 31)
    world.capture("2013-03-02", rows.slice(0, 120), version=2)  # the first of March again, and the second
    world.capture("2013-02-28", parcels("2013-02-28", 2, seed=5).slice(60), version=2)  # asked a day ahead
    world.run("2013-04-01T06:00:00Z")
    captured = world.data.get_json(world.window("2013-03")["report_key"])["captured"]
    kept = sum(captured["by_version"].values())
    assert captured["read"] == kept + captured["duplicate"] == 1860 + 120 + 60
    assert captured["duplicate"] > 0
    assert captured["outside"] == 0


def test_F23_judging_again_gives_the_same_report_byte_for_byte_and_keeps_the_performance(world):
    world.promote(1, "2013-03-01T02:00:00Z", baseline=BASELINE)
    send_month(world, "2013-03", 31)
    plan = world.run("2013-04-01T06:00:00Z")
    before = {entry.key: entry.etag for entry in world.data.list("")}
    world.table.update(f"WINDOW#{NAME}", "2013-03", {"performance": {"auc": 0.7}})
    world.profile(plan["windows"][0])
    comparing.handler({"window": plan["windows"][0], "time": "2013-04-02T06:00:00Z"}, None)
    assert {entry.key: entry.etag for entry in world.data.list("")} == before
    assert world.window("2013-03")["performance"] == {"auc": 0.7}


def test_F26_a_missing_baseline_is_undetermined_and_a_damaged_one_fails(world):
    world.promote(1, "2013-03-01T02:00:00Z", baseline=None)
    send_month(world, "2013-03", 31)
    plan = world.run("2013-04-01T06:00:00Z")
    item = world.window("2013-03")
    assert (item["verdict"], item["reason"]) == ("undetermined", "NO_BASELINE")
    damaged = bytearray(BASELINE.to_bytes())
    damaged[len(damaged) // 2] ^= 1
    world.models.put(f"baselines/{NAME}/1.baseline", bytes(damaged))
    with pytest.raises(BadInput, match="damaged"):
        comparing.handler({"window": plan["windows"][0], "time": "2013-04-01T06:00:00Z"}, None)


def test_F27_a_baseline_on_another_grid_is_refused(world):
    other = Grid.from_table(TRAINING.slice(0, 500).set_column(2, "weight", TRAINING["place"].slice(0, 500)),
                            KINDS | {"weight": "categorical"})  # fmt: skip
    world.promote(1, "2013-03-01T02:00:00Z", baseline=Baseline(Profile.empty(other)))
    send_month(world, "2013-03", 31)
    with pytest.raises(Conflict, match="unequal grids"):
        world.run("2013-04-01T06:00:00Z")
    assert world.window("2013-03") is None


def test_F23_rows_captured_in_any_order_and_grouping_give_the_same_profile(world):
    world.promote(1, "2013-03-01T02:00:00Z", baseline=BASELINE)
    rows = send_month(world, "2013-03", 31)
    plan = world.run("2013-04-01T06:00:00Z")
    prefix = f"shards/{NAME}/2013-03/"
    parts = [e.key for e in world.data.list(prefix) if e.key.endswith(".profile") and "/0/" in e.key]
    straight = Profile.merged(Profile.from_bytes(world.data.get(key)) for key in parts)
    shuffled = rows.take(np.random.default_rng(0).permutation(rows.num_rows))
    assert straight.columns["weight"].rows == rows.num_rows
    # Captures are text: weights and scores were written out and read back without a change.
    assert straight == Profile.of(straight.grid, shuffled, second_moments=True)
    assert plan["windows"][0]["shards"] > 1


def test_F24_rows_of_the_future_are_counted_and_held_out_and_naive_times_are_not_guessed(world):
    world.promote(1, "2013-03-01T02:00:00Z", baseline=BASELINE)
    send_month(world, "2013-03", 31)
    world.capture("2013-03-30", parcels("2013-04-02", 1, seed=6), version=2)
    naive = parcels("2013-03-05", 1, seed=7)
    key = f"captured/{NAME}/trimtab-dev-{NAME}/champion/2013/03/06/05/00-00-3.jsonl"
    request = "\n".join(
        ["prediction_id,at,weight,place"]
        + [f"{i},2013-03-05T10:00:00,{w},Rome" for i, w in enumerate(naive["weight"].to_pylist())]
    )
    answer = "\n".join(["prediction_id,model_version,score"] + [f"{i},3,0.5" for i in range(60)])
    sides = {"endpointInput": request, "endpointOutput": answer}
    capture = {side: {"encoding": "CSV", "data": text + "\n"} for side, text in sides.items()}
    event = {"eventId": "9", "inferenceTime": "2013-03-06T05:00:00Z"}
    document = {"captureData": capture, "eventMetadata": event, "eventVersion": "0"}
    world.data.put(key, json.dumps(document).encode() + b"\n")
    world.run("2013-04-01T06:00:00Z")
    captured = world.data.get_json(world.window("2013-03")["report_key"])["captured"]
    assert (captured["outside"], captured["untimed"]) == (60, 60)
    assert sum(captured["by_version"].values()) == 1860
    assert captured["last_event"] < "2013-04-01"


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe"])
@pytest.mark.parametrize("kind", ["day", "week", "month"])
def test_F25_a_schedule_in_local_time_loses_and_repeats_no_window_when_the_clocks_change(
    zone: str, kind: WindowKind
) -> None:
    served = datetime(2012, 12, 20, tzinfo=UTC)
    judged: list[str] = []
    ends: list[datetime] = []
    for day in range(400):
        # Half past two does not exist on one night a year, and comes twice on another.
        local = datetime(2013, 1, 1, 2, 30) + timedelta(days=day)  # noqa: DTZ001
        for fold in (0, 1):
            fired = local.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)
            for window in due_windows(candidate_windows(kind, fired), judged, served):
                assert window.end <= fired
                judged.append(window.id)
                ends.append(window.end)
    assert len(judged) == len(set(judged))
    lengths = {"day": {1}, "week": {7}, "month": {28, 30, 31}}[kind]
    assert {(second - first).days for first, second in itertools.pairwise(ends)} == lengths


def test_F27_a_baseline_is_addressed_by_the_version_that_it_belongs_to(world):
    world.promote(1, "2013-03-01T02:00:00Z", baseline=BASELINE)
    world.promote(2, "2013-03-02T02:00:00Z", baseline=None)
    send_month(world, "2013-03", 31)
    world.run("2013-04-01T06:00:00Z")
    item = world.window("2013-03")
    assert (item["champion_version"], item["verdict"], item["reason"]) == (2, "undetermined", "NO_BASELINE")
