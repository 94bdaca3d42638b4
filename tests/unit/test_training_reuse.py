"""A training that has been done is not done again: planned, judged and registered on moto."""

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from lambdas.judge_challenger.handler import judge_job
from lambdas.register_model.handler import register
from tests.unit.training_world import SETTINGS, VARIABLES, World, as_sent, create_world
from trimtab.aws import clients, step_cache, training_lock
from trimtab.errors import Denied
from trimtab.model.run import Run

MARCH = "2013-03-01T07:00:00Z"
LATER = "2013-03-02T07:00:00Z"


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


def judged(world: World, plan: dict[str, Any], job: dict[str, Any]) -> dict[str, Any]:
    return judge_job(SETTINGS, world.project, plan, job)


def registered(
    world: World, run: Run, plan: dict[str, Any], job: dict[str, Any], judgement: dict[str, Any]
) -> dict[str, Any]:
    event = {"input": dict(run.input), "execution_arn": run.execution_arn, "plan": plan, "job": job}
    return register(SETTINGS, world.project, as_sent({**event, "judgement": judgement}))


def trained(world: World) -> dict[str, Any]:
    """Train and judge, and fail before anything is registered; return the plan."""
    run = world.asks("manual", MARCH)
    plan = world.plan(run)
    judged(world, plan, world.finish(plan))
    training_lock.release(world.table, "shop", run.execution_arn)
    return plan


def asks(world: World, **more: Any) -> Run:
    values = {"reason": "manual", "cause": "a person", "at": LATER, **more}
    return world.run("train", f"later-{len(more)}-{len(world.runs('train'))}", LATER, **values)


def test_the_same_training_again_reuses_the_job(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    first = trained(world)
    capsys.readouterr()
    run = asks(world)
    plan = world.plan(run)
    assert plan["decision"] == "reuse"
    assert plan["job"] == first["job"]
    assert plan["reused"]["job"]["TrainingJobName"] == f"{first['job']}-0"
    assert plan["request"] == first["request"]
    assert world.plan(run) == plan
    # No job was started: the budget and the cooldown do not count it, nor does the metric.
    assert len(world.runs("job")) == 1
    assert "TrainingStarted" not in capsys.readouterr().out
    assert not list(world.models.list(f"runs/shop/{plan['run']}/"))
    job = plan["reused"]["job"]
    answer = registered(world, run, plan, job, judged(world, plan, job))
    assert (answer["version"], answer["status"]) == (1, "approved")
    assert world.model(1)["artifact"] == job["ModelArtifacts"]["S3ModelArtifacts"]
    record = world.runs("train")[-1]
    assert record["outcome"] == "registered, approved"
    assert record["reason"].startswith(f"reused the outputs of job {first['job']}-0: ")
    assert world.lock() is None


def test_outputs_that_are_a_version_already_stay_that_version(world: World) -> None:
    run = world.asks("manual", MARCH)
    plan = world.plan(run)
    job = world.finish(plan)
    registered(world, run, plan, job, judged(world, plan, job))
    again = asks(world)
    plan = world.plan(again)
    assert plan["decision"] == "reuse"
    answer = registered(world, again, plan, plan["reused"]["job"], judged(world, plan, plan["reused"]["job"]))
    assert answer["version"] == 1
    assert world.runs("train")[-1]["outcome"] == "already version 1, approved"
    assert len(list(world.table.query("MODEL#shop"))) == 1


def test_outputs_that_the_gate_judges_otherwise_become_a_version_of_their_own(world: World) -> None:
    run = world.asks("manual", MARCH)
    plan = world.plan(run)
    job = world.finish(plan)
    registered(world, run, plan, job, judged(world, plan, job))
    gate = world.project.gate.model_copy(update={"min_auc": 0.9})
    strict = World(world.project.model_copy(update={"gate": gate}))
    again = asks(strict)
    plan = strict.plan(again)
    assert plan["decision"] == "reuse"
    judgement = judged(strict, plan, plan["reused"]["job"])
    answer = registered(strict, again, plan, plan["reused"]["job"], judgement)
    assert (answer["version"], answer["status"]) == (2, "rejected")
    # Asked twice, the second version is found and not a third one made.
    assert registered(strict, again, plan, plan["reused"]["job"], judgement) == answer
    assert world.approval(1) == "Approved"
    assert world.model(2)["model_sha256"] == world.model(1)["model_sha256"]


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"threads": 2},
        {"parameters": {"depth": 4}},
        {"instance_type": "ml.c5.large"},
        {"cache_max_age_days": 0},
        {"cache_max_age_days": 0.9},
    ],
)
def test_another_job_or_an_old_one_is_not_reused(world: World, change: dict[str, Any]) -> None:
    trained(world)
    assert world.with_train(**change).plan(asks(world))["decision"] == "start"


def test_new_data_or_another_champion_trains(world: World) -> None:
    trained(world)
    artifact = world.models.uri("runs/shop/old/output/old-0/output/model.tar.gz")
    model = {"status": "champion", "artifact": artifact, "trained_until": "2013-02-01T00:00:00Z"}
    world.table.put({"pk": "MODEL#shop", "sk": "000003", **model})
    world.table.put({"pk": "CHAMPION#shop", "sk": "current", "version": 3, "model_sha256": "ab"})
    run = asks(world)
    assert world.plan(run)["decision"] == "start"
    training_lock.release(world.table, "shop", run.execution_arn)
    clients.client("dynamodb").delete_item(
        TableName=SETTINGS.table, Key={"pk": {"S": "CHAMPION#shop"}, "sk": {"S": "current"}}
    )
    world.commit("march", "2013-03-01T05:00:00Z", "2013-03-01T06:00:00Z")
    assert world.plan(asks(world))["decision"] == "start"


def test_a_person_may_force_a_new_job(world: World) -> None:
    first = trained(world)
    plan = world.plan(asks(world, force=True))
    assert plan["decision"] == "start"
    assert plan["job"] != first["job"]
    assert plan["requests"][-1]["force"] is True


def test_a_forced_request_that_has_to_wait_is_forced_still(world: World) -> None:
    trained(world)
    holder = world.asks("manual", LATER, "holder")
    training_lock.acquire(world.table, "shop", holder.execution_arn, now=holder.time, expires_at=holder.time)
    held = world.lock()
    assert held is not None
    world.table.put({**held, "expires_at": "2014-01-01T00:00:00Z"})
    assert world.plan(asks(world, force=True))["waiting_for"] == "lock"
    training_lock.release(world.table, "shop", holder.execution_arn)
    assert world.plan(world.asks("pending", "2013-03-03T07:00:00Z"))["decision"] == "start"


def test_the_same_key_in_flight_runs_once(world: World) -> None:
    first, second = (world.asks("manual", at) for at in (MARCH, "2013-03-01T07:30:00Z"))
    plan = world.plan(first)
    assert world.plan(second)["waiting_for"] == "lock"
    job = world.finish(plan)
    registered(world, first, plan, job, judged(world, plan, job))
    # The lock is free, and the one who waited finds the outputs.
    plan = world.plan(world.asks("pending", "2013-03-03T07:00:00Z"))
    assert plan["decision"] == "reuse"
    assert len(world.runs("job")) == 1


@pytest.mark.parametrize("archive", ["model", "output"])
def test_outputs_that_were_replaced_or_deleted_train_again(world: World, archive: str) -> None:
    plan = trained(world)
    key = f"runs/shop/{plan['job']}/output/{plan['job']}-0/output/{archive}.tar.gz"
    good = world.models.get(key)
    world.models.put(key, good + b"\0")
    run = asks(world)
    assert world.plan(run)["decision"] == "start"
    training_lock.release(world.table, "shop", run.execution_arn)
    clients.client("s3").delete_object(Bucket=SETTINGS.model_bucket, Key=key)
    assert world.plan(asks(world))["decision"] == "start"


def test_outputs_replaced_between_plan_and_judgement_are_refused(world: World) -> None:
    first = trained(world)
    plan = world.plan(asks(world))
    assert plan["decision"] == "reuse"
    world.finish(first, content=b"another model")
    with pytest.raises(Denied, match="--force"):
        judged(world, plan, plan["reused"]["job"])


def test_a_job_whose_archives_are_refused_is_not_kept(world: World) -> None:
    plan = world.plan(world.asks("manual", MARCH))
    job = world.finish(plan)
    with pytest.raises(Denied):
        judged(world, {**plan, "training_set": "another"}, job)
    assert not list(step_cache.entries(world.table, "shop"))
