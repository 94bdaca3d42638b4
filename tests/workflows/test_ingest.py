"""The ingest machine as synthesized, on the local cloud: files arrive, dataset versions and events leave."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from demo import data
from localcloud import LocalCloud
from trimtab import names
from trimtab.aws import clients
from trimtab.aws.table import Table

START = datetime(2013, 2, 1, 6, tzinfo=UTC)
PROJECT = "flights"


class Ingest:
    """What goes into the machine and what comes out of it."""

    def __init__(self, cloud: LocalCloud) -> None:
        """Wire a queue to the project's own events."""
        self.cloud = cloud
        self.bucket = names.data_bucket("dev", cloud.account, cloud.region)
        self.machine = (
            f"arn:aws:states:{cloud.region}:{cloud.account}:stateMachine:"
            f"{names.machine('dev', PROJECT, 'ingest')}"
        )
        self.table = Table(names.table("dev"))
        self.queue = cloud.client("sqs").create_queue(QueueName="announced")["QueueUrl"]
        arn = f"arn:aws:sqs:{cloud.region}:{cloud.account}:announced"
        cloud.client("events").put_rule(Name="announced", EventPattern=json.dumps({"source": ["trimtab"]}))
        cloud.client("events").put_targets(Rule="announced", Targets=[{"Id": "queue", "Arn": arn}])

    def upload(self, name: str, body: bytes) -> dict[str, Any]:
        """Upload a file, wait for the end and return the upload's record."""
        key = f"landing/{PROJECT}/{name}"
        put = self.cloud.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body)
        self.cloud.settle()
        return self.table.get(f"UPLOAD#{PROJECT}", f"{key}#{put['VersionId']}") or {}

    def executions(self) -> list[dict[str, Any]]:
        """List the machine's runs, oldest first."""
        found = self.cloud.client("stepfunctions").list_executions(stateMachineArn=self.machine)["executions"]
        return sorted(found, key=lambda execution: str(execution["startDate"]))

    def announced(self) -> list[tuple[str, dict[str, Any]]]:
        """Take the project's events off the queue: type and detail."""
        found = []
        while messages := self.cloud.client("sqs").receive_message(QueueUrl=self.queue).get("Messages"):
            for message in messages:
                event = json.loads(message["Body"])
                found.append((event["detail-type"], event["detail"]))
                self.cloud.client("sqs").delete_message(
                    QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"]
                )
        return [(kind, detail) for kind, detail in found if kind != "ChampionChanged"]


@pytest.fixture(scope="module")
def ingest(assembly: Path) -> Iterator[Ingest]:
    """Deploy the flights to a local cloud; the tests go on from each other."""
    with LocalCloud(start=START) as cloud, pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.variables.items():
            patch.setenv(name, value)
        clients._client.cache_clear()
        cloud.deploy(assembly, stages=("Dev",))
        yield Ingest(cloud)
        clients._client.cache_clear()


def rows(first: int, last: int) -> bytes:
    """Return some flights of January: a few days only, so that nothing is trained."""
    lines = data.upload_csv(1).splitlines(keepends=True)
    return b"".join([lines[0], *lines[1 + first : 1 + last]])


def test_F01_F05_an_upload_whose_event_comes_twice_is_one_run_and_one_announced_version(
    ingest: Ingest,
) -> None:
    ingest.cloud.deliver_twice = True
    upload = ingest.upload("data/January 1+2 (été).csv", rows(0, 1000))
    ingest.cloud.deliver_twice = False
    assert (upload["verdict"], upload["rows"]) == ("accepted", 1000)
    [execution] = ingest.executions()
    assert execution["status"] == "SUCCEEDED"
    [(kind, detail), *again] = ingest.announced()
    assert all(event == (kind, detail) for event in again)
    assert kind == "DatasetVersionCommitted"
    assert detail == {
        "project": PROJECT,
        "environment": "dev",
        "dataset_id": upload["dataset_id"],
        "kind": "upload",
        "event_from": upload["event_from"],
        "event_to": upload["event_to"],
        "time": upload["time"],
    }
    assert ingest.table.get(f"DATASET#{PROJECT}", upload["dataset_id"])


def test_the_same_content_again_is_the_same_version(ingest: Ingest) -> None:
    upload = ingest.upload("data/January 1+2 (été).csv", rows(0, 1000))
    assert len(ingest.executions()) == 2
    [item] = ingest.table.query(f"DATASET#{PROJECT}")
    assert item["sk"] == upload["dataset_id"]
    assert not item.get("superseded_by")


def test_a_correction_supersedes(ingest: Ingest) -> None:
    former = ingest.upload("data/corrected.csv", rows(1000, 1500))
    ingest.cloud.advance_to(ingest.cloud.now() + timedelta(minutes=1))
    latter = ingest.upload("data/corrected.csv", rows(1000, 1600))
    item = ingest.table.get(f"DATASET#{PROJECT}", former["dataset_id"])
    assert item
    assert item["superseded_by"] == latter["dataset_id"]


def test_F08_a_refused_file_ends_well_and_says_why(ingest: Ingest) -> None:
    ingest.announced()
    upload = ingest.upload("data/semicolons.csv", rows(0, 10).replace(b",", b";"))
    assert upload["verdict"] == "refused"
    assert ingest.executions()[-1]["status"] == "SUCCEEDED"
    [(kind, detail)] = ingest.announced()
    assert (kind, detail["code"], detail["reason"]) == ("UploadRefused", "SCHEMA_MISMATCH", upload["reason"])
    report = ingest.cloud.client("s3").get_object(Bucket=ingest.bucket, Key=detail["report_key"])
    assert json.loads(report["Body"].read())["reason"] == upload["reason"]


def test_a_folder_made_in_the_console_is_ignored(ingest: Ingest) -> None:
    assert ingest.upload("data/new folder/", b"") == {}
    assert ingest.executions()[-1]["status"] == "SUCCEEDED"
    assert ingest.announced() == []


def test_labels_without_captured_traffic_are_refused_with_the_reason(ingest: Ingest) -> None:
    upload = ingest.upload("labels/2013-01.csv", data.labels_csv(1))
    assert (upload["verdict"], upload["code"]) == ("refused", "NO_PREDICTIONS")


def test_a_failure_is_recorded_and_ends_the_run_as_failed(ingest: Ingest) -> None:
    grid = {"Bucket": ingest.bucket, "Key": f"grids/{PROJECT}.json"}
    s3 = ingest.cloud.client("s3")
    kept = s3.get_object(**grid)["Body"].read()
    s3.put_object(**grid, Body=b'{"schema": 0}')
    assert ingest.upload("data/late.csv", rows(2000, 2500)) == {}
    s3.put_object(**grid, Body=kept)
    execution = ingest.executions()[-1]
    assert execution["status"] == "FAILED"
    described = ingest.cloud.client("stepfunctions").describe_execution(
        executionArn=execution["executionArn"]
    )
    assert described["error"] == "IngestFailed"
    assert described["cause"].startswith("BadInput: ")
    [run] = ingest.table.query(f"RUN#{PROJECT}", "ingest#")
    assert (run["outcome"], run["error"]) == ("failed", "BadInput")
    assert run["reason"].startswith("grid has schema 0")
    assert run["execution_arn"] == execution["executionArn"]
