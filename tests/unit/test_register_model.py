"""Judging and registering finished jobs on moto: nothing is trusted, nothing is registered twice."""

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from lambdas.judge_challenger.handler import judge_job
from lambdas.register_model.handler import register
from tests.unit.training_world import GROUP, SETTINGS, VARIABLES, World, as_sent, create_world, packed
from trimtab.aws import clients
from trimtab.aws.table import edges
from trimtab.errors import BadInput, Denied
from trimtab.model.record import properties

MARCH = "2013-03-01T07:00:00Z"


@pytest.fixture
def world(_variables: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        clients._client.cache_clear()
        world = create_world()
        world.two_months()
        yield world
    clients._client.cache_clear()


def trained(world: World, **evaluation: Any) -> dict[str, Any]:
    """Return the event of a job that has finished."""
    run = world.asks("data", MARCH)
    plan = world.plan(run)
    job = world.finish(plan, **evaluation)
    event = {"input": dict(run.input), "execution_arn": run.execution_arn, "plan": plan, "job": job}
    return as_sent(event)


def judged(world: World, event: dict[str, Any]) -> dict[str, Any]:
    """Return the event with the gate's judgement."""
    return {**event, "judgement": judge_job(SETTINGS, world.project, event["plan"], event["job"])}


def test_a_first_model_is_registered_and_approved(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    event = judged(world, trained(world))
    answer = register(SETTINGS, world.project, event)
    assert (answer["version"], answer["verdict"], answer["status"]) == (1, "passed", "approved")
    assert world.approval(1) == "Approved"
    assert world.lock() is None
    model = world.model(1)
    assert model["model_sha256"] == event["judgement"]["model_sha256"]
    assert model["training_seconds"] == 7
    assert model["trained_until"] == "2013-03-01T00:00:00Z"
    assert world.models.get(model["baseline_key"]) == b"a baseline"
    [record] = world.runs("train")
    assert record["outcome"] == "registered, approved"
    assert '"ChallengerPromoted": 1.0' in capsys.readouterr().out


def test_the_record_holds_what_is_needed_to_train_again(world: World) -> None:
    event = judged(world, trained(world))
    register(SETTINGS, world.project, event)
    record = world.models.get_json(world.model(1)["record_key"])
    assert record["training_set"]["id"] == event["plan"]["training_set"]
    assert [dataset["files"] for dataset in record["training_set"]["datasets"]]
    assert record["manifest"]["parameters"] == {"depth": 3}
    assert record["request"] == event["plan"]["request"]
    assert record["evaluation"]["challenger"]["auc"] == 0.71
    assert record["gate"]["verdict"] == "passed"


def test_lineage_leads_from_the_model_to_its_data(world: World) -> None:
    event = judged(world, trained(world))
    register(SETTINGS, world.project, event)
    [(_, training_set)] = edges(world.table, "model:shop@1", "in")
    assert training_set == f"training-set:{event['plan']['training_set']}"
    assert len(edges(world.table, training_set, "in")) == 2


def test_the_registry_keeps_pointers_and_digests(world: World) -> None:
    event = judged(world, trained(world))
    event["input"]["reason"] = "data"
    world = World(
        world.project.model_copy(
            update={"serve": world.project.serve.model_copy(update={"approval": "manual"})}
        )
    )
    register(SETTINGS, world.project, event)
    answer = clients.client("sagemaker").describe_model_package(
        ModelPackageName=world.model(1)["package_arn"]
    )
    assert answer["ModelApprovalStatus"] == "PendingManualApproval"
    metadata = answer["CustomerMetadataProperties"]
    assert metadata["model_sha256"] == world.model(1)["model_sha256"]
    assert metadata["training_set"] == event["plan"]["training_set"]
    assert metadata["compared_with"] == "none"
    assert answer["InferenceSpecification"]["Containers"][0]["Image"] == VARIABLES["IMAGE_URI"]


def test_metadata_is_made_to_fit_the_registry() -> None:
    fit = properties({"reason": 'AUC {"a": 1}, ' + "x" * 300})
    assert fit["reason"].startswith("AUC   a : 1   ")
    assert len(fit["reason"]) == 256


@pytest.mark.parametrize(
    ("evaluation", "verdict", "status", "approval"),
    [
        ({"challenger": {"auc": 0.55}}, "rejected", "rejected", "Rejected"),
        ({"challenger": {"auc": None}}, "undetermined", "pending", "PendingManualApproval"),
    ],
)
def test_every_judged_model_becomes_a_version(
    evaluation: dict[str, Any], verdict: str, status: str, approval: str, world: World
) -> None:
    answer = register(SETTINGS, world.project, judged(world, trained(world, **evaluation)))
    assert (answer["verdict"], answer["status"]) == (verdict, status)
    assert world.approval(1) == approval
    assert world.model(1)["reason"] == answer["reason"]


def test_F40_the_same_job_registered_twice_is_one_version(world: World) -> None:
    event = judged(world, trained(world))
    first = register(SETTINGS, world.project, event)
    assert register(SETTINGS, world.project, event) == first
    listed = clients.client("sagemaker").list_model_packages(ModelPackageGroupName=GROUP)
    assert len(listed["ModelPackageSummaryList"]) == 1


def test_F34_a_persons_decision_stands_when_registration_is_repeated(world: World) -> None:
    event = judged(world, trained(world))
    register(SETTINGS, world.project, event)
    clients.client("sagemaker").update_model_package(
        ModelPackageArn=world.model(1)["package_arn"], ModelApprovalStatus="Rejected"
    )
    register(SETTINGS, world.project, event)
    assert world.approval(1) == "Rejected"


def test_F33_two_registrations_keep_both_versions_and_the_later_one_asks_a_person(world: World) -> None:
    event = judged(world, trained(world))
    world.table.put({"pk": "CHAMPION#shop", "sk": "current", "version": 9, "revision": 1})
    answer = register(SETTINGS, world.project, event)
    assert (answer["verdict"], answer["status"]) == ("undetermined", "pending")
    assert world.approval(1) == "PendingManualApproval"
    assert "version 9 is the champion" in answer["reason"]


def test_F36_a_model_whose_content_changed_is_refused_unopened(world: World) -> None:
    event = trained(world)
    key = event["job"]["ModelArtifacts"]["S3ModelArtifacts"].removeprefix(f"s3://{SETTINGS.model_bucket}/")
    manifest = world.models.get(key)
    world.models.put(key, packed({"model.joblib": b"cos\nsystem\n", "manifest.json": b"{}"}))
    with pytest.raises(Denied, match="not what its manifest lists"):
        judged(world, event)
    world.models.put(key, manifest)
    assert judged(world, event)["judgement"]["verdict"] == "passed"


def test_F37_an_archive_with_a_path_out_of_its_folder_is_refused(world: World) -> None:
    event = trained(world)
    key = event["job"]["ModelArtifacts"]["S3ModelArtifacts"].removeprefix(f"s3://{SETTINGS.model_bucket}/")
    world.models.put(key, packed({"../model.joblib": b"a model", "manifest.json": b"{}"}))
    with pytest.raises(Denied, match="leave its folder"):
        judged(world, event)


def test_an_output_replaced_after_the_judgement_is_refused(world: World) -> None:
    event = judged(world, trained(world))
    world.finish(event["plan"], content=b"another model")
    with pytest.raises(Denied, match="changed since it was judged"):
        register(SETTINGS, world.project, event)


def test_a_model_from_another_place_is_refused(world: World) -> None:
    event = trained(world)
    event["job"]["ModelArtifacts"]["S3ModelArtifacts"] = "s3://elsewhere/model.tar.gz"
    with pytest.raises(Denied, match="not under"):
        judged(world, event)


def test_a_job_that_trained_on_other_data_is_refused(world: World) -> None:
    event = trained(world)
    event["plan"]["training_set"] = "another"
    with pytest.raises(Denied, match="another was ordered"):
        judged(world, event)


def test_a_job_that_left_no_output_says_so(world: World) -> None:
    event = trained(world)
    key = event["job"]["ModelArtifacts"]["S3ModelArtifacts"].removeprefix(f"s3://{SETTINGS.model_bucket}/")
    clients.client("s3").delete_object(Bucket=SETTINGS.model_bucket, Key=key)
    with pytest.raises(BadInput, match="left no archives"):
        judged(world, event)
