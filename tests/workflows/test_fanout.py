"""A file too large for one function goes through Distributed Maps and gives the same version."""

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from demo import data
from localcloud import LocalCloud
from trimtab import names
from trimtab.aws import clients
from trimtab.aws.table import Table

START = datetime(2013, 3, 1, 6, tzinfo=UTC)
PROJECT = "flights"
KEY = f"landing/{PROJECT}/data/2013-02.csv"
SETTINGS = f"pipelines/{PROJECT}/project.toml"


@pytest.fixture(scope="module")
def cloud(assembly: Path) -> Iterator[LocalCloud]:
    """Deploy the flights."""
    with LocalCloud(start=START) as cloud, pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.variables.items():
            patch.setenv(name, value)
        clients._client.cache_clear()
        cloud.deploy(assembly, stages=("Dev",))
        yield cloud
        clients._client.cache_clear()


def configure(cloud: LocalCloud, root: Path, lines: str) -> None:
    """Deploy the function's code again, with more lines under [data]."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        for folder in ("trimtab", "lambdas", "pipelines"):
            for path in sorted((root / folder).rglob("*.py")):
                archive.write(path, path.relative_to(root).as_posix())
        text = (root / SETTINGS).read_text(encoding="utf-8")
        archive.writestr(SETTINGS, text.replace("[features]", f"{lines}\n[features]"))
    name = names.function("dev", PROJECT, "validate_upload")
    cloud.client("lambda").update_function_code(FunctionName=name, ZipFile=code.getvalue())


def upload(cloud: LocalCloud, body: bytes) -> dict[str, Any]:
    """Upload the file and return what is known of it."""
    bucket = names.data_bucket("dev", cloud.account, cloud.region)
    put = cloud.client("s3").put_object(Bucket=bucket, Key=KEY, Body=body)
    cloud.settle()
    found = Table(names.table("dev")).get(f"UPLOAD#{PROJECT}", f"{KEY}#{put['VersionId']}")
    assert found is not None, list(Table(names.table("dev")).query(f"RUN#{PROJECT}"))
    listed = cloud.client("s3").list_objects_v2(Bucket=bucket, Prefix=found["report_key"].rpartition("/")[0])
    contents = {
        entry["Key"].rpartition("/")[2]: cloud.client("s3")
        .get_object(Bucket=bucket, Key=entry["Key"])["Body"]
        .read()
        for entry in listed["Contents"]
    }
    return {**found, "rows.jsonl": contents["rows.jsonl"].replace(put["VersionId"].encode(), b"")}


def states_of_run(cloud: LocalCloud, version_id: str) -> list[str]:
    """List the states that the run of one upload entered."""
    name = names.machine("dev", PROJECT, "ingest")
    machine = f"arn:aws:states:{cloud.region}:{cloud.account}:stateMachine:{name}"
    client = cloud.client("stepfunctions")
    runs = client.list_executions(stateMachineArn=machine)["executions"]
    described = [client.describe_execution(executionArn=run["executionArn"]) for run in runs]
    (run,) = [one for one in described if json.loads(one["input"])["version_id"] == version_id]
    assert run["status"] == "SUCCEEDED", run
    events = client.get_execution_history(executionArn=run["executionArn"], maxResults=1000)["events"]
    return [
        event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event
    ]


def test_the_maps_commit_the_version_that_one_call_commits(cloud: LocalCloud, root: Path) -> None:
    body = data.upload_csv(2)
    configure(cloud, root, "max_bytes = 100000000\npart_bytes = 200000")
    once = upload(cloud, body)
    assert (once["verdict"], once["quarantined"]) == ("quarantined", 32)
    assert states_of_run(cloud, once["version_id"])[:3] == ["DataOrLabels", "ValidateUpload", "Verdict"]
    configure(cloud, root, "max_bytes = 100000000\npart_bytes = 200000\nmax_lambda_bytes = 1000")
    apart = upload(cloud, body)
    entered = states_of_run(cloud, apart["version_id"])
    assert [name for name in entered if name not in ("CountRange", "CheckPart")] == [
        "DataOrLabels", "ValidateUpload", "Verdict", "CountRecords", "PlanParts", "CheckParts",
        "FinishUpload", "Verdict", "CommitDataset", "Newest", "Announce", "Committed",
    ]  # fmt: skip
    for one in (once, apart):
        for name in ("version_id", "sk", "report_key", "time"):
            one.pop(name)
    assert apart == once
    profiles = cloud.client("s3").list_objects_v2(
        Bucket=names.data_bucket("dev", cloud.account, cloud.region), Prefix="profiles/"
    )
    assert len(profiles["Contents"]) == 1
