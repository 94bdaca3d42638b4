"""Batch transform jobs: the model's own process answers for each file, and jobs fail as they should."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud import LocalCloud
from localcloud.transform_requests import TooMuchData, assemble, cut
from tests.conformance.models import BUCKET, ROWS, configure, put_models

Queue = Callable[[str], tuple[str, str]]
Messages = Callable[[str], list[Any]]
HEADER = b"prediction_id,time,distance\n"


@pytest.fixture(scope="module", autouse=True)
def _models(cloud: LocalCloud) -> None:
    put_models(cloud)
    configure(cloud, "good", "good", "7")
    configure(cloud, "broken", "broken")
    s3 = cloud.client("s3")
    files = {
        "in/a.csv": ROWS,
        "in/deep/b.csv": HEADER + b"3,2013-01-01T00:00:00Z,300\n",
        "mixed/bad.csv": b"prediction_id,boom\n1,2\n",
        "mixed/good.csv": ROWS,
        "zipped/a.csv.gz": gzip.compress(ROWS),
        "large/a.csv": HEADER + b"4,2013-01-01T00:00:00Z,300\n" * 60_000,
    }
    for key, body in files.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    manifest = [{"prefix": f"s3://{BUCKET}/in/"}, "deep/b.csv"]
    s3.put_object(Bucket=BUCKET, Key="b.manifest", Body=json.dumps(manifest))


def request(name: str, source: str = "in/", kind: str = "S3Prefix", **more: Any) -> dict[str, Any]:
    data = {"S3DataSource": {"S3DataType": kind, "S3Uri": f"s3://{BUCKET}/{source}"}}
    own = {key: more.pop(key) for key in ("SplitType", "CompressionType") if key in more}
    output = {key: more.pop(key) for key in ("AssembleWith",) if key in more}
    return {
        "TransformJobName": name,
        "ModelName": "good",
        "TransformInput": {"DataSource": data, "ContentType": "text/csv", **own},
        "TransformOutput": {"S3OutputPath": f"s3://{BUCKET}/out/{name}", "Accept": "text/csv", **output},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        **more,
    }


def run(cloud: LocalCloud, wanted: dict[str, Any]) -> dict[str, Any]:
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_transform_job(**wanted)
    cloud.settle(60)
    described: dict[str, Any] = sagemaker.describe_transform_job(TransformJobName=wanted["TransformJobName"])
    return described


def outputs(cloud: LocalCloud, name: str) -> dict[str, bytes]:
    s3, prefix = cloud.client("s3"), f"out/{name}/"
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    return {
        item["Key"].removeprefix(prefix): s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read()
        for item in listed
    }


def test_each_file_is_answered_into_a_file_of_its_own(
    cloud: LocalCloud, make_queue: Queue, messages: Messages
) -> None:
    url, arn = make_queue("transforms")
    pattern = {"detail-type": ["SageMaker Transform Job State Change"]}
    cloud.client("events").put_rule(Name="transforms", EventPattern=json.dumps(pattern))
    cloud.client("events").put_targets(Rule="transforms", Targets=[{"Id": "1", "Arn": arn}])
    described = run(cloud, request("whole"))
    assert described["TransformJobStatus"] == "Completed"
    assert described["TransformEndTime"] >= described["TransformStartTime"] >= described["CreationTime"]
    assert outputs(cloud, "whole") == {
        "a.csv.out": b"prediction_id,model_version,score\n1,7,0.5\n2,7,0.5\n",
        "deep/b.csv.out": b"prediction_id,model_version,score\n3,7,0.5\n",
    }
    statuses = [event["detail"]["TransformJobStatus"] for event in messages(url)]
    assert sorted(statuses) == ["Completed", "InProgress"]
    summaries = cloud.client("sagemaker").list_transform_jobs(NameContains="whole")["TransformJobSummaries"]
    assert [one["TransformJobStatus"] for one in summaries] == ["Completed"]


def test_a_manifest_names_the_files(cloud: LocalCloud) -> None:
    assert run(cloud, request("listed", "b.manifest", "ManifestFile"))["TransformJobStatus"] == "Completed"
    assert list(outputs(cloud, "listed")) == ["deep/b.csv.out"]


def test_a_single_object_and_gzip_are_read(cloud: LocalCloud) -> None:
    run(cloud, request("zipped", "zipped/a.csv.gz", CompressionType="Gzip"))
    assert outputs(cloud, "zipped")["a.csv.gz.out"].count(b"0.5") == 2


def test_split_by_lines_a_file_with_a_header_fails(cloud: LocalCloud) -> None:
    """Each line is a request of its own, and all but the first lack the header: why we split no CSV."""
    described = run(cloud, request("lines", "in/a.csv", SplitType="Line", BatchStrategy="SingleRecord"))
    assert described["TransformJobStatus"] == "Failed"
    assert described["FailureReason"].startswith("AlgorithmError: a.csv: Bad HTTP status received")


def test_lines_are_batched_and_answers_assembled() -> None:
    lines = b"a\nbb\nccc"
    assert list(cut(lines, split="None", strategy="MultiRecord", most_bytes=8)) == [lines]
    assert list(cut(lines, split="Line", strategy="SingleRecord", most_bytes=8)) == [b"a\n", b"bb\n", b"ccc"]
    assert list(cut(lines, split="Line", strategy="MultiRecord", most_bytes=5)) == [b"a\nbb\n", b"ccc"]
    assert list(cut(lines, split="Line", strategy="MultiRecord", most_bytes=0)) == [lines]
    with pytest.raises(TooMuchData):
        list(cut(lines, split="Line", strategy="MultiRecord", most_bytes=2))
    assert assemble([b"1", b"2\n"], assemble_with="Line") == b"1\n2\n"
    assert assemble([b"1", b"2"], assemble_with="None") == b"12"


def test_a_file_that_fails_fails_the_job_and_leaves_the_others(cloud: LocalCloud) -> None:
    described = run(cloud, request("mixed", "mixed/"))
    assert described["TransformJobStatus"] == "Failed"
    assert "bad.csv: Bad HTTP status received from algorithm: 500" in described["FailureReason"]
    assert list(outputs(cloud, "mixed")) == ["good.csv.out"]


@pytest.mark.parametrize(
    ("name", "changes", "reason"),
    [
        ("too-large", {"source": "large/", "MaxPayloadInMB": 1}, "Too much data for max payload size"),
        ("empty", {"source": "nothing/"}, "matched no files on s3"),
        ("no-model", {"ModelName": "broken"}, "cannot load"),
        ("no-gzip", {"CompressionType": "Gzip"}, "is no gzip"),
    ],
)
def test_a_job_fails_with_the_reason(
    cloud: LocalCloud, name: str, changes: dict[str, Any], reason: str
) -> None:
    described = run(cloud, request(name, **changes))
    assert described["TransformJobStatus"] == "Failed"
    assert reason in described["FailureReason"]
    assert not outputs(cloud, name)


def test_a_larger_payload_is_taken_when_asked_for(cloud: LocalCloud) -> None:
    described = run(cloud, request("large", "large/", MaxPayloadInMB=2))
    assert described["TransformJobStatus"] == "Completed"
    assert outputs(cloud, "large")["a.csv.out"].count(b"\n") == 60_001


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"ModelName": "nobody"}, "Could not find model"),
        ({"MaxPayloadInMB": 51, "MaxConcurrentTransforms": 2}, "must not exceed 100"),
        ({"SplitType": "RecordIO"}, "use None or Line"),
        ({"SplitType": "Word"}, "enum value set"),
    ],
)
def test_what_sagemaker_refuses_is_refused(cloud: LocalCloud, changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ClientError, match=why):
        cloud.client("sagemaker").create_transform_job(**request("refused", **changes))


def test_a_name_is_used_once(cloud: LocalCloud) -> None:
    run(cloud, request("once"))
    with pytest.raises(ClientError, match="already exists") as caught:
        run(cloud, request("once"))
    assert caught.value.response["Error"]["Code"] == "ResourceInUse"
    with pytest.raises(ClientError, match="is in status Completed"):
        cloud.client("sagemaker").stop_transform_job(TransformJobName="once")


def test_a_job_that_is_stopped_ends_between_two_files(cloud: LocalCloud) -> None:
    s3, sagemaker = cloud.client("s3"), cloud.client("sagemaker")
    for number in range(100):
        s3.put_object(Bucket=BUCKET, Key=f"many/{number:03d}.csv", Body=ROWS)
    sagemaker.create_transform_job(**request("stopped", "many/"))
    sagemaker.stop_transform_job(TransformJobName="stopped")
    cloud.settle(60)
    described = sagemaker.describe_transform_job(TransformJobName="stopped")
    assert described["TransformJobStatus"] == "Stopped"
    assert len(outputs(cloud, "stopped")) < 100


def machine(cloud: LocalCloud, wanted: dict[str, Any]) -> dict[str, Any]:
    """Run a transform job from a state machine and return how the execution ended."""
    states = cloud.client("stepfunctions")
    task = {"Type": "Task", "Parameters": wanted, "End": True}
    task["Resource"] = "arn:aws:states:::sagemaker:createTransformJob.sync"
    name = wanted["TransformJobName"]
    made = states.create_state_machine(
        name=name,
        roleArn="arn:aws:iam::123456789012:role/machine",
        definition=json.dumps({"StartAt": "Transform", "States": {"Transform": task}}),
    )
    started = states.start_execution(stateMachineArn=made["stateMachineArn"], name=name)
    cloud.settle(60)
    ended: dict[str, Any] = states.describe_execution(executionArn=started["executionArn"])
    return ended


def test_a_state_machine_waits_for_the_job(cloud: LocalCloud) -> None:
    ended = machine(cloud, request("by-machine"))
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"])["TransformJobStatus"] == "Completed"
    assert "a.csv.out" in outputs(cloud, "by-machine")
    ended = machine(cloud, request("by-machine-mixed", "mixed/"))
    assert (ended["status"], ended["error"]) == ("FAILED", "States.TaskFailed")
    assert "Bad HTTP status" in json.loads(ended["cause"])["FailureReason"]
