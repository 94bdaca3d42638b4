"""Deploying an assembly: assets first, stacks in order, only what changed the next time, failures by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from localcloud import LocalCloud
from localcloud.assembly import DeploymentFailed, zipped
from tests.conformance.small_assembly import write_assembly


def answer(cloud: LocalCloud) -> Any:
    return json.loads(cloud.client("lambda").invoke(FunctionName="small")["Payload"].read())


def events(cloud: LocalCloud) -> int:
    return len(cloud.client("cloudformation").describe_stack_events(StackName="Small-Calls")["StackEvents"])


def test_stacks_are_deployed_in_the_order_of_their_needs(cloud: LocalCloud, tmp_path: Path) -> None:
    outputs = cloud.deploy(write_assembly(tmp_path, answer="first"), stages=("Dev",))
    assert list(outputs) == ["Small-Base", "Small-Calls"]
    assert outputs["Small-Calls"] == {"Name": "small"}
    assert answer(cloud) == "first"
    bucket = f"cdk-hnb659fds-assets-{cloud.account}-{cloud.region}"
    assert cloud.client("s3").head_object(Bucket=bucket, Key="first.zip")["ContentLength"] > 0


def test_the_same_again_changes_nothing_and_a_change_updates(cloud: LocalCloud, tmp_path: Path) -> None:
    cloud.deploy(write_assembly(tmp_path / "a", answer="first"))
    before = events(cloud)
    cloud.deploy(write_assembly(tmp_path / "b", answer="first"))
    assert events(cloud) == before
    cloud.deploy(write_assembly(tmp_path / "c", answer="second", timeout=9))
    assert events(cloud) > before
    assert answer(cloud) == "second"
    assert cloud.client("lambda").get_function_configuration(FunctionName="small")["Timeout"] == 9


def test_a_failure_names_the_stack_and_the_resource(cloud: LocalCloud, tmp_path: Path) -> None:
    stray = {
        "Type": "AWS::SNS::Subscription",
        "Properties": {"Protocol": "sqs", "Endpoint": "x", "TopicArn": "y"},
    }
    with pytest.raises(
        DeploymentFailed, match=r"stack Small-Calls: Resource Stray \(AWS::SNS::Subscription\)"
    ):
        cloud.deploy(write_assembly(tmp_path / "a", answer="third", stray=stray))
    outputs = cloud.deploy(write_assembly(tmp_path / "b", answer="third"))
    assert outputs["Small-Calls"] == {"Name": "small"}
    assert answer(cloud) == "third"


def test_what_cannot_be_deployed_says_why(cloud: LocalCloud, tmp_path: Path) -> None:
    with pytest.raises(DeploymentFailed, match="synthesize the app first"):
        cloud.deploy(tmp_path)
    folder = write_assembly(tmp_path / "a", answer="first")
    with pytest.raises(DeploymentFailed, match="no stage named Staging"):
        cloud.deploy(folder, stages=("Staging",))
    manifest = folder / "assembly-Dev" / "manifest.json"
    manifest.write_text(manifest.read_text().replace("123456789012", "999999999999"))
    with pytest.raises(DeploymentFailed, match="made for account 999999999999"):
        cloud.deploy(folder)


def test_a_folder_gives_the_same_zip_every_time(tmp_path: Path) -> None:
    for name in ("a", "b"):
        for file in ("z.py", "sub/a.py"):
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x = 1\n")
    assert zipped(tmp_path / "a") == zipped(tmp_path / "b")


def test_the_project_deploys_and_deploys_again(cloud: LocalCloud, assembly: Path) -> None:
    first = cloud.deploy(assembly, stages=("Dev",))
    assert len(first) == 5
    assert cloud.deploy(assembly, stages=("Dev",)) == first
    machines = cloud.client("stepfunctions").list_state_machines()["stateMachines"]
    assert [machine["name"].rpartition("-")[2] for machine in machines] == [
        "ingest",
        "train",
        "deploy",
        "monitor",
    ]
