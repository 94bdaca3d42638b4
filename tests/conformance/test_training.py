"""Training jobs: the real toolkit runs, results lie where SageMaker puts them, jobs fail as they should."""

from __future__ import annotations

import io
import json
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud import LocalCloud
from localcloud.archives import BadArchive, pack, unpack
from tests.conformance.archives import packed

Queue = Callable[[str], tuple[str, str]]
Messages = Callable[[str], list[Any]]
BUCKET = "training-conformance"
SCRIPT = """
import json, os, pathlib, sys, time
print("auc=0.5;")
print("auc=0.75;")
if "--fail" in sys.argv:
    raise ValueError("no good data")
if "--sleep" in sys.argv:
    time.sleep(60)
data = pathlib.Path(os.environ["SM_CHANNEL_TRAINING"])
model, output = pathlib.Path(os.environ["SM_MODEL_DIR"]), pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"])
(model / "code").mkdir()
(model / "code" / "inference.py").write_text("x = 1")
(model / "model.bin").write_bytes(b"m" * 1000)
seen = {
    "files": sorted(str(path.relative_to(data)) for path in data.rglob("*") if path.is_file()),
    "environment": dict(os.environ),
    "arguments": sys.argv[1:],
}
(output / "seen.json").write_text(json.dumps(seen))
"""


@pytest.fixture(scope="module", autouse=True)
def _inputs(cloud: LocalCloud) -> None:
    put_inputs(cloud)


def put_inputs(cloud: LocalCloud) -> None:
    """Put a job's code and data into a bucket."""
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="code/sourcedir.tar.gz", Body=packed({"train.py": SCRIPT}))
    for name in ("objects/a.parquet", "objects/b.parquet", "plain/x.csv", "plain/deep/y.csv"):
        s3.put_object(Bucket=BUCKET, Key=name, Body=name.encode())
    manifest = [{"prefix": f"s3://{BUCKET}/"}, "objects/a.parquet", "objects/b.parquet"]
    s3.put_object(Bucket=BUCKET, Key="data.manifest", Body=json.dumps(manifest))


def channel(name: str, key: str, kind: str = "S3Prefix") -> dict[str, Any]:
    source = {
        "S3DataType": kind,
        "S3Uri": f"s3://{BUCKET}/{key}",
        "S3DataDistributionType": "FullyReplicated",
    }
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


def request(name: str, **hyperparameters: str) -> dict[str, Any]:
    return {
        "TrainingJobName": name,
        "RoleArn": "arn:aws:iam::123456789012:role/training",
        "AlgorithmSpecification": {
            "TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/sklearn:1",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "auc", "Regex": "auc=([0-9.]+);"}],
        },
        "HyperParameters": {
            "sagemaker_program": '"train.py"',
            "sagemaker_submit_directory": '"/opt/ml/input/data/code/sourcedir.tar.gz"',
            **hyperparameters,
        },
        "InputDataConfig": [
            channel("code", "code/sourcedir.tar.gz"),
            channel("training", "data.manifest", "ManifestFile"),
        ],
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/runs"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        "Environment": {"OMP_NUM_THREADS": "2"},
        "EnableNetworkIsolation": True,
    }


def run(cloud: LocalCloud, wanted: dict[str, Any]) -> dict[str, Any]:
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_training_job(**wanted)
    cloud.settle(60)
    described: dict[str, Any] = sagemaker.describe_training_job(TrainingJobName=wanted["TrainingJobName"])
    return described


def fetched(cloud: LocalCloud, job: str, name: str) -> bytes:
    key = f"runs/{job}/output/{name}.tar.gz"
    body: bytes = cloud.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return body


def members(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        found = {member.name: opened.extractfile(member) for member in opened}
        return {name: content.read() for name, content in found.items() if content is not None}


def test_a_job_runs_the_toolkit_and_keeps_its_results(
    cloud: LocalCloud, make_queue: Queue, messages: Messages
) -> None:
    url, arn = make_queue("jobs")
    pattern = {"source": ["aws.sagemaker"], "detail": {"TrainingJobStatus": ["Completed"]}}
    cloud.client("events").put_rule(Name="jobs", EventPattern=json.dumps(pattern))
    cloud.client("events").put_targets(Rule="jobs", Targets=[{"Id": "1", "Arn": arn}])
    before = cloud.usage.seconds("training")
    job = run(cloud, request("good", depth="3"))
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Completed"
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{BUCKET}/runs/good/output/model.tar.gz"
    assert job["Environment"] == {"OMP_NUM_THREADS": "2"}
    assert job["EnableNetworkIsolation"] is True
    (metric,) = job["FinalMetricDataList"]
    assert (metric["MetricName"], metric["Value"]) == ("auc", 0.75)
    assert job["TrainingStartTime"] == job["TrainingEndTime"] == cloud.now()
    assert job["BillableTimeInSeconds"] >= 1
    assert cloud.usage.seconds("training") > before
    passed = [item["Status"] for item in job["SecondaryStatusTransitions"]]
    assert passed == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert set(members(fetched(cloud, "good", "model"))) == {"code/inference.py", "model.bin"}
    (event,) = messages(url)
    assert event["detail-type"] == "SageMaker Training Job State Change"
    assert event["detail"]["TrainingJobName"] == "good"
    assert event["resources"] == [job["TrainingJobArn"]]


def test_the_script_sees_its_channels_and_no_cloud(cloud: LocalCloud) -> None:
    run(cloud, request("seen", depth="3"))
    seen = json.loads(members(fetched(cloud, "seen", "output"))["seen.json"])
    assert seen["files"] == ["objects/a.parquet", "objects/b.parquet"]
    assert seen["arguments"] == ["--depth", "3"]
    environment = seen["environment"]
    assert environment["TRAINING_JOB_NAME"] == "seen"
    assert environment["SM_HP_DEPTH"] == "3"
    assert environment["OMP_NUM_THREADS"] == "2"
    secret = [name for name in environment if "ACCESS_KEY" in name or "ENDPOINT" in name or "PROFILE" in name]
    assert secret == []


def test_a_prefix_keeps_the_names_below_it(cloud: LocalCloud) -> None:
    wanted = request("prefix")
    wanted["InputDataConfig"][1] = channel("training", "plain/")
    run(cloud, wanted)
    seen = json.loads(members(fetched(cloud, "prefix", "output"))["seen.json"])
    assert seen["files"] == ["deep/y.csv", "x.csv"]


def test_the_same_job_gives_the_same_archive(cloud: LocalCloud) -> None:
    for name in ("same-1", "same-2"):
        run(cloud, request(name))
    assert fetched(cloud, "same-1", "model") == fetched(cloud, "same-2", "model")


def test_a_failing_script_fails_the_job_and_leaves_no_model(cloud: LocalCloud) -> None:
    job = run(cloud, request("failing", fail="1"))
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: ExecuteUserScriptError:")
    assert job["FailureReason"].endswith("exit code: 1")
    assert "ModelArtifacts" not in job
    logs = cloud.client("logs")
    group = "/aws/sagemaker/TrainingJobs"
    (stream,) = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix="failing/")["logStreams"]
    lines = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
    assert any("no good data" in line["message"] for line in lines)


def test_a_missing_object_of_a_manifest_fails_the_job(cloud: LocalCloud) -> None:
    manifest = json.dumps([{"prefix": f"s3://{BUCKET}/"}, "objects/none.parquet"])
    cloud.client("s3").put_object(Bucket=BUCKET, Key="bad.manifest", Body=manifest)
    wanted = request("no-object")
    wanted["InputDataConfig"][1] = channel("training", "bad.manifest", "ManifestFile")
    job = run(cloud, wanted)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Data download failed")


def test_a_job_ends_when_its_time_is_over(cloud: LocalCloud) -> None:
    wanted = request("over", sleep="1")
    wanted["StoppingCondition"]["MaxRuntimeInSeconds"] = 2
    job = run(cloud, wanted)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_a_job_can_be_stopped(cloud: LocalCloud) -> None:
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_training_job(**request("stopped", sleep="1"))
    while sagemaker.describe_training_job(TrainingJobName="stopped")["SecondaryStatus"] != "Training":
        time.sleep(0.02)
    sagemaker.stop_training_job(TrainingJobName="stopped")
    cloud.settle(20)
    job = sagemaker.describe_training_job(TrainingJobName="stopped")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    with pytest.raises(ClientError, match="status Stopped"):
        sagemaker.stop_training_job(TrainingJobName="stopped")


def test_what_sagemaker_refuses_is_refused(cloud: LocalCloud) -> None:
    sagemaker = cloud.client("sagemaker")
    run(cloud, request("unique"))
    with pytest.raises(sagemaker.exceptions.ResourceInUse, match="must be unique"):
        sagemaker.create_training_job(**request("unique"))
    empty = request("empty-channel")
    empty["InputDataConfig"].append(channel("champion", "nothing/here/"))
    with pytest.raises(ClientError, match="No S3 objects found under S3 URL"):
        sagemaker.create_training_job(**empty)
    names = [job["TrainingJobName"] for job in sagemaker.list_training_jobs()["TrainingJobSummaries"]]
    assert "unique" in names
    assert "empty-channel" not in names


def test_an_archive_is_packed_the_same_whatever_the_clock_and_order(tmp_path: Path) -> None:
    archives = []
    for order in (("a", "b"), ("b", "a")):
        folder = tmp_path / "".join(order)
        (folder / "code").mkdir(parents=True)
        for name in order:
            (folder / name).write_text(name)
        (folder / "code" / "c").write_text("c")
        archives.append(tmp_path / f"{folder.name}.tar.gz")
        assert pack(folder, archives[-1]) == 3
    assert archives[0].read_bytes() == archives[1].read_bytes()
    unpack(archives[0], tmp_path / "again")
    assert (tmp_path / "again" / "code" / "c").read_text() == "c"


def hostile(kind: str) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as archive:
        good = tarfile.TarInfo("good")
        archive.addfile(good)
        member = tarfile.TarInfo({"absolute": "/etc/x", "parent": "../x", "twice": "good"}.get(kind, "evil"))
        if kind == "symlink":
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        elif kind == "hardlink":
            member.type, member.linkname = tarfile.LNKTYPE, "good"
        elif kind == "device":
            member.type = tarfile.CHRTYPE
        archive.addfile(member)
    return raw.getvalue()


@pytest.mark.parametrize("kind", ["absolute", "parent", "twice", "symlink", "hardlink", "device"])
def test_an_archive_with_anything_unexpected_is_refused_whole(tmp_path: Path, kind: str) -> None:
    (tmp_path / "x.tar.gz").write_bytes(hostile(kind))
    with pytest.raises(BadArchive):
        unpack(tmp_path / "x.tar.gz", tmp_path / "out")
    assert not (tmp_path / "out").exists()
