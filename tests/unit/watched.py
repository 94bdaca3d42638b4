"""A project under watch in a mocked AWS: a champion with its baseline, captured traffic, joined labels."""

import io
import itertools
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from moto import mock_aws

from lambdas.compare_window import handler as comparing
from lambdas.measure_performance import handler as measuring
from lambdas.plan_window import handler as planning
from lambdas.profile_shard import handler as profiling
from trimtab import names
from trimtab.aws import clients
from trimtab.aws.objects import Bucket
from trimtab.aws.settings import function_settings
from trimtab.aws.table import Table
from trimtab.canonical import canonical_json, sha256_hex
from trimtab.drift import Baseline
from trimtab.instants import format_time
from trimtab.profile import Grid, Kind, Profile

NAME = "parcels"
ACCOUNT = "123456789012"  # moto's
DATA = names.data_bucket("dev", ACCOUNT, "us-east-1")
MODELS = names.model_bucket("dev", ACCOUNT, "us-east-1")
PROJECT = f"""
name = "{NAME}"
[data]
timestamp = "at"
label = "late"
[features]
numeric = ["weight"]
categorical = ["place"]
[serve]
capture_lead_days = 1
[monitor]
window = "month"
minimum_rows = 100
"""
VARIABLES = {
    "TRIMTAB_ENVIRONMENT": "dev",
    "TRIMTAB_PROJECT": NAME,
    "TRIMTAB_DATA_BUCKET": DATA,
    "TRIMTAB_MODEL_BUCKET": MODELS,
    "TRIMTAB_TABLE": "trimtab-dev",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}


@dataclass(frozen=True)
class Watched:
    """The mocked project: what the outside world does to it, and the monitor's four functions."""

    data: Bucket
    models: Bucket
    table: Table

    def run(self, scheduled: str) -> dict[str, Any]:
        """Run the monitor as its state machine does; return the plan."""
        plan = planning.handler({"scheduled_time": scheduled, "time": scheduled}, None)
        for window in plan["windows"]:
            self.profile(window)
            assert comparing.handler({"window": window, "time": scheduled}, None) == {}
        for window in plan["measurements"]:
            assert measuring.handler({"window": window, "time": scheduled}, None) == {}
        return plan

    def profile(self, window: dict[str, Any]) -> None:
        """Do the tasks of a window's plan, level by level."""
        levels = [self.data.get_json(key) for key in window["levels"]]
        for task in itertools.chain(*levels) if levels else [{"step": "profile", "shard": 0}]:
            assert profiling.handler({"window": window, "task": task}, None) == {}

    def promote(
        self, version: int, since: str, *, baseline: Baseline | None, auc: float = 0.9, **model: Any
    ) -> None:
        """Make a version the champion, as its deployment does; `model` is what else is known of it."""
        current = self.table.get(f"CHAMPION#{NAME}", "current") or {"revision": 0, "version": None}
        revision = current["revision"] + 1
        champion = {"version": version, "since": since, "revision": revision}
        self.table.put({"pk": f"CHAMPION#{NAME}", "sk": "current", **champion})
        entry = {"action": "promote", "from": current["version"], "to": version, "time": since}
        self.table.put({"pk": f"PROMOTION#{NAME}", "sk": f"{since}#{revision:06d}", **entry})
        self.table.put({"pk": f"MODEL#{NAME}", "sk": f"{version:06d}", "metrics": {"auc": auc}, **model})
        if baseline is not None:
            self.models.put(f"baselines/{NAME}/{version}.baseline", baseline.to_bytes())

    def capture(self, day: str, rows: pa.Table, version: int = 1) -> None:
        """Write a day's requests and answers as SageMaker captures them, at 05:00."""
        folder = day.replace("-", "/")
        key = f"captured/{NAME}/trimtab-dev-{NAME}/champion/{folder}/05/00-00-{version}.jsonl"
        self.data.put(key, captured_line(rows, f"{day}T05:00:00Z", version))

    def join(self, name: str, rows: pa.Table, committed_at: str, **more: Any) -> None:
        """Commit a joined dataset version."""
        sink = io.BytesIO()
        pq.write_table(rows, sink)
        body = sink.getvalue()
        digest = sha256_hex(body)
        self.data.put(f"objects/{digest}.parquet", body)
        files = [
            {"path": "labels/a.csv/00000.parquet", "size": len(body), "sha256": digest, "rows": rows.num_rows}
        ]
        self.data.put_json(f"datasets/{NAME}/{name}.json", {"files": files})
        times: list[Any] = sorted(rows["at"].to_pylist())
        item = {"kind": "joined", "labelled": True, "committed_at": committed_at, **more}
        spans = {"event_from": format_time(times[0]), "event_to": format_time(times[-1])}
        self.table.put({"pk": f"DATASET#{NAME}", "sk": name, **item, **spans})

    def window(self, name: str) -> dict[str, Any] | None:
        """Read a window's item."""
        return self.table.get(f"WINDOW#{NAME}", name)


@contextmanager
def watched(
    folder: Path, monkeypatch: Any, more: str = "", *, objects_per_shard: int = 8
) -> Iterator[Watched]:
    """Set the project up in a mocked AWS; `more` is added to its section on monitoring."""
    prepare(folder, monkeypatch, f"objects_per_shard = {objects_per_shard}\n{more}")
    with mock_aws():
        forget()
        make_places()
        yield Watched(Bucket(DATA), Bucket(MODELS), Table("trimtab-dev"))
    forget()


def prepare(folder: Path, monkeypatch: Any, more: str) -> None:
    """Write the project down, with more on its monitoring, and tell the functions of it."""
    home = folder / "pipelines" / NAME
    home.mkdir(parents=True)
    (home / "project.toml").write_text(PROJECT + more)
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    for module in (planning, profiling, comparing, measuring):
        monkeypatch.setattr(module, "project_folder", lambda: home)


def forget() -> None:
    """Drop what the process remembers of other tests' AWS."""
    clients._client.cache_clear()
    function_settings.cache_clear()


def make_places() -> None:
    """Create buckets, table and grid."""
    for bucket in (DATA, MODELS):
        boto3.client("s3").create_bucket(Bucket=bucket)
    boto3.client("dynamodb").create_table(
        TableName="trimtab-dev",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
    )
    Bucket(DATA).put(f"grids/{NAME}.json", canonical_json(GRID.to_dict()))


def parcels(first: str, days: int, *, per_day: int = 60, seed: int = 0, heavier: float = 0.0) -> pa.Table:
    """Make scored parcels: so many a day, heavier by `heavier` standard deviations."""
    draw = np.random.default_rng(seed)
    count = days * per_day
    start = datetime.fromisoformat(first).replace(tzinfo=UTC)
    times = [start + timedelta(days=n // per_day, minutes=n % per_day) for n in range(count)]
    scores = draw.uniform(0.01, 0.99, count)
    return pa.table(
        {
            "prediction_id": [f"{first}-{n}" for n in range(count)],
            "at": pa.array(times, pa.timestamp("us", tz="UTC")),
            "weight": pa.array(draw.normal(10 + heavier, 1, count)),
            "place": draw.choice(["Rome", "Oslo", "<b>Lima</b>"], count).tolist(),
            "score": pa.array(scores),
            "late": pa.array((draw.uniform(size=count) < scores).astype(np.int64)),
            "model_version": ["1"] * count,
        }
    )


def captured_line(rows: pa.Table, time: str, version: int) -> bytes:
    """Write rows as one captured request and its answer."""
    asked, answered = ["prediction_id,at,weight,place"], ["prediction_id,model_version,score"]
    for row in rows.to_pylist():
        asked.append(f"{row['prediction_id']},{format_time(row['at'])},{row['weight']},{row['place']}")
        answered.append(f"{row['prediction_id']},{version},{row['score']}")
    sides = {"endpointInput": asked, "endpointOutput": answered}
    capture = {name: {"encoding": "CSV", "data": "\n".join(lines) + "\n"} for name, lines in sides.items()}
    event = {"eventId": "1", "inferenceTime": time}
    return json.dumps({"captureData": capture, "eventMetadata": event, "eventVersion": "0"}).encode() + b"\n"


KINDS: dict[str, Kind] = {"weight": "numeric", "place": "categorical", "score": "numeric"}
TRAINING = parcels("2013-01-01", 56, seed=1)
GRID = Grid.from_table(TRAINING, KINDS)
WEEKS = tuple(Profile.of(GRID, TRAINING.slice(week * 420, 420)) for week in range(8))
BASELINE = Baseline(Profile.of(GRID, TRAINING), WEEKS, {"weight": 3.0, "place": 1.0})


def checkout(folder: Path, root: Path) -> None:
    """Make the project's folder a checkout that commands work in."""
    (folder / "cdk.json").touch()
    shutil.copytree(root / "environments", folder / "environments")


def send_month(world: Watched, month: str, days: int, **kind: Any) -> pa.Table:
    """Capture a month's traffic, one object a day; return its rows."""
    rows = parcels(f"{month}-01", days, **kind)
    for day in range(days):
        world.capture(f"{month}-{day + 1:02d}", rows.slice(day * 60, 60))
    return rows
