"""The train and deploy machines as synthesized, on the local cloud: what fails, goes back and is recorded."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from demo import data
from localcloud import LocalCloud
from trimtab import names
from trimtab.aws import clients
from trimtab.aws.objects import Bucket
from trimtab.aws.table import Table
from trimtab.cli.commands import app
from trimtab.instants import format_time

PROJECT = "flights"
START = datetime(2013, 4, 1, 12, tzinfo=UTC)


class Stack:
    """The deployed project, and what its machines did."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.table = Table(names.table("dev"))
        self.data = Bucket(names.data_bucket("dev", cloud.account, cloud.region))
        self.endpoint = names.endpoint("dev", PROJECT)

    def upload(self, month: int) -> None:
        self.data.put(f"landing/{PROJECT}/data/{month:02d}.csv", data.upload_csv(month))
        self.cloud.settle()

    def run(self, machine: str, **subject: str) -> dict[str, Any]:
        """Start a machine as a person would, and return how it ended."""
        at = format_time(self.cloud.now())
        subject = {**subject, "at": at}
        document = {"project": PROJECT, "environment": "dev", "machine": machine, "time": at, **subject}
        states = self.cloud.client("stepfunctions")
        prefix = f"arn:aws:states:{self.cloud.region}:{self.cloud.account}:stateMachine:"
        started = states.start_execution(
            stateMachineArn=prefix + names.machine("dev", PROJECT, machine),
            name=names.execution(machine, dict(subject)),
            input=json.dumps(document),
        )
        self.cloud.settle()
        self.pass_time(15)
        ended: dict[str, Any] = states.describe_execution(executionArn=started["executionArn"])
        return ended

    def pass_time(self, minutes: int) -> None:
        """Let the machines' waits pass."""
        now = self.cloud.now()
        self.cloud.advance_to(datetime.fromtimestamp(now.timestamp() + minutes * 60, UTC))

    def approve(self, version: int) -> None:
        """Approve a version as a person would; the event starts the deploy machine."""
        self.cloud.client("sagemaker").update_model_package(
            ModelPackageArn=self.model(version)["package_arn"],
            ModelApprovalStatus="Approved",
            ApprovalDescription="wanted by the test",
        )
        self.cloud.settle()
        self.pass_time(15)

    def model(self, version: int) -> dict[str, Any]:
        item = self.table.get(f"MODEL#{PROJECT}", f"{version:06d}")
        assert item is not None
        return item

    def champion(self) -> dict[str, Any]:
        item = self.table.get(f"CHAMPION#{PROJECT}", "current")
        assert item is not None
        return item

    def served(self) -> str:
        """Return the name of the configuration that the endpoint serves."""
        answer = self.cloud.client("sagemaker").describe_endpoint(EndpointName=self.endpoint)
        assert answer["EndpointStatus"] == "InService"
        return str(answer["EndpointConfigName"])

    def last_run(self, machine: str) -> dict[str, Any]:
        return list(self.table.query(f"RUN#{PROJECT}", f"{machine}#"))[-1]


@pytest.fixture(scope="module")
def stack(assembly: Path) -> Iterator[Stack]:
    """Deploy the flights with two months of data and their champion; the tests go on from each other."""
    with LocalCloud(start=START) as cloud, pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.variables.items():
            patch.setenv(name, value)
        clients._client.cache_clear()
        cloud.deploy(assembly, stages=("Dev",))
        stack = Stack(cloud)
        for month in (1, 2):
            stack.upload(month)
        stack.pass_time(15)
        yield stack
        clients._client.cache_clear()


def test_F29_a_job_that_fails_is_recorded_and_gives_the_lock_back(stack: Stack) -> None:
    assert stack.champion()["version"] == 1
    stack.upload(3)
    [first, *_] = stack.data.list("objects/")
    kept = stack.data.get(first.key)
    stack.data.put(first.key, b"damaged")
    ended = stack.run("train", reason="manual", cause="the test")
    stack.data.put(first.key, kept)
    assert (ended["status"], ended["error"]) == ("FAILED", "TrainingFailed")
    record = stack.last_run("train")
    assert record["outcome"] == "failed"
    assert ended["cause"] == f"States.TaskFailed: {record['reason']}"
    assert "has other content than its name says" in record["reason"]
    assert stack.table.get(f"LOCK#{PROJECT}", "train") is None


def test_a_person_may_train_again_at_once_and_the_challenger_met_the_champion(stack: Stack) -> None:
    ended = stack.run("train", reason="manual", cause="the test")
    assert ended["status"] == "SUCCEEDED"
    challenger = stack.model(2)
    assert challenger["requests"][0]["reason"] == "manual"
    assert "version 1" in challenger["reason"]
    assert json.loads(ended["output"])["verdict"] == challenger["gate"]["verdict"]


def test_a_better_challenger_is_champion_and_serves(stack: Stack) -> None:
    assert stack.model(2)["gate"]["verdict"] == "passed"
    champion = stack.champion()
    assert (champion["version"], champion["previous_version"]) == (2, 1)
    assert champion["endpoint_config"] == stack.served()


def test_a_file_is_scored_in_parts_as_the_endpoint_answers(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trimtab(source: str, *more: str) -> tuple[int, Any]:
        result = CliRunner().invoke(app, ["score", PROJECT, source, *more, "--json"])
        return result.exit_code, json.loads(result.stdout)

    _, body = next(data.daily_requests(4))
    (tmp_path / "rows.csv").write_bytes(body)
    # So small that the day needs several files.
    monkeypatch.setattr("trimtab.cli.score.MEGABYTE", 20_000)
    code, facts = trimtab(
        str(tmp_path / "rows.csv"), "--to", str(tmp_path / "scores.csv"), "--payload-mb", "1"
    )
    assert (code, facts["model_version"]) == (0, 2)
    prefix = facts["answers"].removeprefix(stack.data.uri(""))
    assert len(list(stack.data.list(prefix))) > 2
    answer = stack.cloud.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=stack.endpoint, ContentType="text/csv", Accept="text/csv", Body=body
    )
    assert (tmp_path / "scores.csv").read_bytes() == answer["Body"].read()
    # The same rows where they lie: one file, and so one answer.
    stack.data.put(f"scoring/{PROJECT}/april/rows.csv", body)
    code, facts = trimtab(stack.data.uri(f"scoring/{PROJECT}/april/"))
    [answered] = stack.data.list(facts["answers"].removeprefix(stack.data.uri("")))
    assert stack.data.get(answered.key) == (tmp_path / "scores.csv").read_bytes()
    stack.data.put(f"scoring/{PROJECT}/odd/rows.csv", b"prediction_id\n1\n")
    code, facts = trimtab(stack.data.uri(f"scoring/{PROJECT}/odd/"))
    assert (code, facts["status"]) == (1, "Failed")
    assert "is missing" in facts["reason"]


def test_a_rollback_goes_back_and_bars_the_way_forward(stack: Stack) -> None:
    ended = stack.run("deploy", action="rollback", actor="ann", reason="odd scores")
    assert ended["status"] == "SUCCEEDED", ended
    champion = stack.champion()
    assert (champion["version"], champion["previous_version"]) == (1, None)
    assert champion["baseline_key"] == stack.model(1)["baseline_key"]
    assert champion["endpoint_config"] == stack.served()
    assert stack.model(2)["status"] == "rolled_back"
    answer = stack.cloud.client("sagemaker").describe_model_package(
        ModelPackageName=stack.model(2)["package_arn"]
    )
    assert answer["ModelApprovalStatus"] == "Rejected"
    assert "odd scores" in answer["ApprovalDescription"]


def test_the_same_training_again_reuses_the_job_and_says_so(stack: Stack) -> None:
    def trimtab(*arguments: str) -> tuple[int, Any]:
        at = ("--at", format_time(stack.cloud.now())) if arguments[-1] != "list" else ()
        result = CliRunner().invoke(app, [*arguments, PROJECT, *at, "--json"])
        return result.exit_code, json.loads(result.stdout)

    # The champion is version 1 again, so that everything is as it was before version 2 was trained.
    jobs = len(list(stack.table.query(f"RUN#{PROJECT}", "job#")))
    name = stack.model(2)["job_name"]
    _, [newest, _] = trimtab("cache", "list")
    assert (newest["job"], newest["usable"]) == (name, "yes")
    _, explained = trimtab("cache", "explain")
    assert explained["answer"] == f"reuses the outputs of job {name}"
    assert explained["key"] == newest["key"]
    assert not [row for row in explained["parts"] if row["changed"]]
    code, facts = trimtab("train")
    assert (code, facts["version"], facts["reused"]) == (0, 2, name)
    record = stack.last_run("train")
    assert record["outcome"] == "already version 2, rolled_back"
    assert f"reused the outputs of job {name}" in record["reason"]
    assert stack.champion()["version"] == 1
    assert len(list(stack.table.query(f"RUN#{PROJECT}", "job#"))) == jobs
    # A month more is another training, and the explanation names the part.
    stack.upload(4)
    _, explained = trimtab("cache", "explain")
    assert explained["answer"] == "trains: changed inputs.training_set"


def test_a_rollback_to_nowhere_fails_with_the_reason(stack: Stack) -> None:
    ended = stack.run("deploy", action="rollback", actor="ann", reason="once more")
    assert ended["status"] == "FAILED"
    assert "none before it" in stack.last_run("deploy")["reason"]


def test_F35_a_version_that_fails_its_smoke_test_is_taken_back(stack: Stack) -> None:
    before, served = stack.champion(), stack.served()
    key = f"training-sets/{PROJECT}/{stack.model(2)['training_set']}.json"
    kept = stack.data.get(key)
    stack.data.put(key, b'{"datasets": [{"files": [{"sha256": "nowhere"}]}]}')
    stack.approve(2)
    stack.data.put(key, kept)
    record = stack.last_run("deploy")
    assert (record["outcome"], record["error"]) == ("failed", "Gone")
    assert stack.champion() == before
    assert stack.served() == served


def test_a_person_may_bring_a_version_back_after_all(stack: Stack) -> None:
    stack.cloud.client("sagemaker").update_model_package(
        ModelPackageArn=stack.model(2)["package_arn"], ModelApprovalStatus="Rejected"
    )
    stack.approve(2)
    champion = stack.champion()
    assert (champion["version"], champion["previous_version"]) == (2, 1)
    assert champion["endpoint_config"] == stack.served()
    assert [entry["to"] for entry in stack.table.query(f"PROMOTION#{PROJECT}")] == [1, 2, 1, 2]
