"""The monitor machine as synthesized, on the local cloud: quiet days, windows, failures, reminders."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv

from demo import data
from localcloud import LocalCloud
from trimtab import names
from trimtab.aws import clients
from trimtab.aws.objects import Bucket
from trimtab.aws.table import Table
from trimtab.drift import Baseline
from trimtab.profile import Grid, Kind, Profile
from trimtab.project import load_project

PROJECT = "flights"
START = datetime(2013, 3, 1, tzinfo=UTC)
SINCE = "2013-03-01T02:00:00Z"


class Stack:
    """The deployed project with a champion that never was trained: only its baseline matters here."""

    def __init__(self, cloud: LocalCloud, root: Path) -> None:
        self.cloud = cloud
        self.table = Table(names.table("dev"))
        self.data = Bucket(names.data_bucket("dev", cloud.account, cloud.region))
        self.models = Bucket(names.model_bucket("dev", cloud.account, cloud.region))
        self.project = load_project(root / "pipelines" / PROJECT)

    def crown(self, version: int) -> None:
        rows = self.typed(data.upload_csv(2))
        features = self.project.features
        kinds: dict[str, Kind] = dict.fromkeys(features.numeric, "numeric")
        kinds |= dict.fromkeys(features.categorical, "categorical")
        grid = Grid.from_table(rows, {**kinds, "score": "numeric"})
        self.data.put_json(f"grids/{PROJECT}.json", grid.to_dict())
        baseline = Baseline(Profile.of(grid, rows), (), dict.fromkeys(kinds, 1.0))
        self.models.put(f"baselines/{PROJECT}/{version}.baseline", baseline.to_bytes())
        pointer = {"version": version, "since": SINCE, "revision": 1}
        self.table.put({"pk": f"CHAMPION#{PROJECT}", "sk": "current", **pointer})
        self.table.put({"pk": f"MODEL#{PROJECT}", "sk": f"{version:06d}", "metrics": {"auc": 0.7}})

    def typed(self, text: bytes) -> pa.Table:
        types = dict.fromkeys(self.project.features.numeric, pa.float64())
        table = csv.read_csv(
            io.BytesIO(text), convert_options=csv.ConvertOptions(column_types=types, null_values=["", "NA"])
        )
        return table.append_column("score", pa.array(np.linspace(0.05, 0.95, table.num_rows)))

    def capture(self, day: date, request: bytes) -> list[str]:
        """Write a day's request as captured, answered at random; return the prediction ids."""
        ids = [line.split(",", 1)[0] for line in request.decode().splitlines()[1:]]
        scores = np.random.default_rng(day.toordinal()).uniform(0.05, 0.95, len(ids))
        lines = [f"{name},1,{score}" for name, score in zip(ids, scores, strict=True)]
        answer = "\n".join(["prediction_id,model_version,score", *lines, ""])
        sides = {"endpointInput": request.decode(), "endpointOutput": answer}
        capture = {name: {"encoding": "CSV", "data": text} for name, text in sides.items()}
        event = {"eventId": "1", "inferenceTime": f"{day}T05:00:00Z"}
        line = json.dumps({"captureData": capture, "eventMetadata": event, "eventVersion": "0"})
        key = f"captured/{PROJECT}/{names.endpoint('dev', PROJECT)}/champion/{day:%Y/%m/%d}/05/00.jsonl"
        self.data.put(key, line.encode())
        return ids

    def window(self, name: str) -> dict[str, Any]:
        item = self.table.get(f"WINDOW#{PROJECT}", name)
        assert item is not None
        return item

    def run_of(self, day: str) -> dict[str, Any]:
        """Return the monitor's execution of a day, which its schedule started at six."""
        arn = f"arn:aws:states:{self.cloud.region}:{self.cloud.account}:execution"
        name = names.execution("monitor", {"scheduled_time": f"{day}T06:00:00Z"})
        machine = names.machine("dev", PROJECT, "monitor")
        states = self.cloud.client("stepfunctions")
        return dict(states.describe_execution(executionArn=f"{arn}:{machine}:{name}"))

    def states_of(self, day: str) -> list[str]:
        history = self.cloud.client("stepfunctions").get_execution_history(
            executionArn=self.run_of(day)["executionArn"], maxResults=1000
        )
        return [event["stateEnteredEventDetails"]["name"] for event in history["events"]
                if "stateEnteredEventDetails" in event]  # fmt: skip

    def alarm(self, signal: str) -> str:
        name = names.alarm("dev", PROJECT, signal)
        [found] = self.cloud.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return str(found["StateValue"])

    def metric(self, name: str, day: str) -> list[float]:
        start = datetime.fromisoformat(day).replace(tzinfo=UTC)
        answer = self.cloud.client("cloudwatch").get_metric_statistics(
            Namespace="Trimtab",
            MetricName=name,
            Dimensions=[{"Name": "Project", "Value": PROJECT}, {"Name": "Environment", "Value": "dev"}],
            StartTime=start,
            EndTime=start.replace(hour=23),
            Period=86_400,
            Statistics=["Maximum"],
        )
        return [point["Maximum"] for point in answer["Datapoints"]]


@pytest.fixture(scope="module")
def stack(assembly: Path, root: Path) -> Iterator[Stack]:
    """Deploy the flights; the tests go on from each other through March and April."""
    with LocalCloud(start=START) as cloud, pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.variables.items():
            patch.setenv(name, value)
        clients._client.cache_clear()
        cloud.deploy(assembly, stages=("Dev",))
        yield Stack(cloud, root)
        clients._client.cache_clear()


def test_before_there_is_a_champion_the_monitor_only_beats(stack: Stack) -> None:
    stack.cloud.advance_to(datetime(2013, 3, 1, 7, tzinfo=UTC))
    assert stack.run_of("2013-03-01")["status"] == "SUCCEEDED"
    assert stack.states_of("2013-03-01") == ["PlanWindow", "AnythingToDo", "Heartbeat"]
    assert stack.metric("Heartbeat", "2013-03-01") == [1.0]


def test_a_quiet_day_is_three_states(stack: Stack) -> None:
    stack.crown(1)
    stack.cloud.advance_to(datetime(2013, 3, 2, 7, tzinfo=UTC))
    assert stack.states_of("2013-03-02") == ["PlanWindow", "AnythingToDo", "Heartbeat"]


def test_a_window_that_ended_is_judged_the_next_morning(stack: Stack) -> None:
    for day, request in list(data.daily_requests(3))[::4]:
        stack.capture(day, request)
    stack.cloud.advance_to(datetime(2013, 4, 1, 7, tzinfo=UTC))
    run = stack.run_of("2013-04-01")
    assert run["status"] == "SUCCEEDED", run.get("cause")
    item = stack.window("2013-03")
    assert item["verdict"] in ("drifted", "stable")
    assert item["rows"] > 6_000
    assert stack.metric("WindowRows", "2013-04-01") == [item["rows"]]
    assert stack.metric("DriftVerdict", "2013-04-01") == [float(item["verdict"] == "drifted")]
    page = stack.data.get(item["report_key"].removesuffix(".json") + ".html").decode()
    assert "Window 2013-03" in page
    assert "of version 1" in page


def test_F22_a_month_without_traffic_is_undetermined_and_alarms_as_such(stack: Stack) -> None:
    stack.cloud.advance_to(datetime(2013, 5, 1, 8, tzinfo=UTC))
    item = stack.window("2013-04")
    assert (item["verdict"], item["reason"], item["rows"]) == ("undetermined", "TOO_FEW_ROWS", 0)
    assert stack.metric("DriftVerdict", "2013-05-01") == []
    assert stack.metric("UndeterminedShare", "2013-05-01") == [pytest.approx(1.0)]
    assert stack.alarm("undetermined") == "ALARM"
    assert stack.alarm("drift") == "OK"
    assert stack.alarm("heartbeat") == "OK"


def test_late_labels_are_joined_and_the_window_is_measured_the_next_morning(stack: Stack) -> None:
    stack.data.put(f"landing/{PROJECT}/labels/labels-2013-03.csv", data.labels_csv(3))
    stack.cloud.advance_to(datetime(2013, 5, 2, 8, tzinfo=UTC))
    [upload] = stack.table.query(f"UPLOAD#{PROJECT}", f"landing/{PROJECT}/labels/")
    assert upload["verdict"] == "accepted"
    assert "MeasureWindows" in stack.states_of("2013-05-02")
    item = stack.window("2013-03")
    assert len(item["performance_datasets"]) == 1
    performance = item["performance"]
    assert performance["auc"] == pytest.approx(0.5, abs=0.05)  # the answers were drawn at random
    assert performance["decayed"] is True
    assert 0.9 < performance["labelled_share"] < 1
    assert stack.metric("Decay", "2013-05-02") == [1.0]
    assert stack.metric("Auc", "2013-05-02") == [pytest.approx(performance["auc"])]


def test_a_pending_retrain_reaches_the_train_machine(stack: Stack) -> None:
    request = {"reason": "drift", "cause": "an alarm", "at": "2013-05-01T06:00:00Z"}
    pending = {"reasons": [request], "requested_at": request["at"], "waiting_for": "lock", "request_id": "r"}
    stack.table.put({"pk": f"PENDING#{PROJECT}", "sk": "train", **pending})
    stack.cloud.advance_to(datetime(2013, 5, 3, 8, tzinfo=UTC))
    assert "RequestPendingTraining" in stack.states_of("2013-05-03")
    machine = names.machine("dev", PROJECT, "train")
    arn = f"arn:aws:states:{stack.cloud.region}:{stack.cloud.account}:stateMachine:{machine}"
    states = stack.cloud.client("stepfunctions")
    runs = states.list_executions(stateMachineArn=arn)["executions"]
    inputs = [
        json.loads(states.describe_execution(executionArn=run["executionArn"])["input"]) for run in runs
    ]
    assert "pending" in [entry["reason"] for entry in inputs]
    stack.table.delete(f"PENDING#{PROJECT}", "train")


def test_a_window_that_cannot_be_judged_fails_the_run_but_not_the_other_windows(stack: Stack) -> None:
    for name in ("2013-03", "2013-04"):
        stack.table.delete(f"WINDOW#{PROJECT}", name)
    key = next(entry.key for entry in stack.data.list("captured/") if "/2013/03/05/" in entry.key)
    kept = stack.data.get(key)
    header, rest = kept.split(b"scheduled_departure", 1)
    stack.data.put(key, header + b"departs_at" + rest)
    stack.cloud.advance_to(datetime(2013, 5, 4, 8, tzinfo=UTC))
    run = stack.run_of("2013-05-04")
    assert (run["status"], run["error"]) == ("FAILED", "WindowNotJudged"), run["cause"]
    assert stack.table.get(f"WINDOW#{PROJECT}", "2013-03") is None
    assert stack.window("2013-04")["verdict"] == "undetermined"
    record = list(stack.table.query(f"RUN#{PROJECT}", "monitor#"))[-1]
    assert "no column 'scheduled_departure'" in record["reason"]
    stack.data.put(key, kept)
    stack.cloud.advance_to(datetime(2013, 5, 5, 8, tzinfo=UTC))
    assert stack.run_of("2013-05-05")["status"] == "SUCCEEDED"
    assert stack.window("2013-03")["rows"] > 6_000
