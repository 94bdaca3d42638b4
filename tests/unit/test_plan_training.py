"""Planning a training run on moto: what is written down, and that one run at a time may start."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from moto import mock_aws

from tests.unit import training_world
from tests.unit.training_world import SETTINGS, VARIABLES, World, check_request, create_world
from trimtab.aws import clients, training_lock
from trimtab.errors import BadInput, Conflict, Denied
from trimtab.instants import format_time

ROLE = "arn:aws:iam::123456789012:role/trimtab-dev-shop-training"
MARCH = "2013-03-01T07:00:00Z"


@pytest.fixture
def world(_variables: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        clients._client.cache_clear()
        yield create_world()
    clients._client.cache_clear()


def test_first_data_starts_once_there_are_enough_days(world: World) -> None:
    world.commit("january", "2013-01-01T05:00:00Z", "2013-01-20T22:00:00Z")
    assert world.plan(world.asks("data", "2013-01-21T00:00:00Z"))["decision"] == "skip"
    world.commit("february", "2013-02-01T05:00:00Z", "2013-02-28T22:00:00Z")
    plan = world.plan(world.asks("data", MARCH))
    assert plan["decision"] == "start"
    assert plan["trained_until"] == "2013-03-01T00:00:00Z"
    assert [record["outcome"] for record in world.runs("train")] == ["skipped", "started"]


def test_the_request_is_one_that_sagemaker_accepts(world: World) -> None:
    world.two_months()
    plan = world.plan(world.asks("data", MARCH))
    request = {"TrainingJobName": f"{plan['job']}-0", "RoleArn": ROLE, **plan["request"]}
    check_request("CreateTrainingJob", request)
    assert request["EnableNetworkIsolation"] is True
    assert request["ResourceConfig"]["VolumeKmsKeyId"] == VARIABLES["KEY_ARN"]
    parameters = {name: json.loads(value) for name, value in request["HyperParameters"].items()}
    assert parameters["sagemaker_program"] == "train.py"
    channels = {
        channel["ChannelName"]: channel["DataSource"]["S3DataSource"]
        for channel in request["InputDataConfig"]
    }
    assert sorted(channels) == ["code", "config", "training"]
    assert plan["timeout_seconds"] > request["StoppingCondition"]["MaxRuntimeInSeconds"]


def test_everything_that_the_job_needs_lies_where_the_request_says(world: World) -> None:
    world.two_months()
    plan = world.plan(world.asks("data", MARCH))
    for channel in plan["request"]["InputDataConfig"]:
        bucket, _, key = channel["DataSource"]["S3DataSource"]["S3Uri"].removeprefix("s3://").partition("/")
        assert bucket == SETTINGS.model_bucket
        assert list(world.models.list(key))
    order = world.models.get_json(f"runs/shop/{plan['job']}/config/job.json")
    assert order["training_set"]["id"] == plan["training_set"]
    assert order["training_set"] == world.data.get_json(f"training-sets/shop/{plan['training_set']}.json")
    assert order["grid"] == {"id": "grid"}
    assert order["champion"] is None
    assert order["columns"]["label"] == "returned"
    prefix, *names = world.models.get_json(f"runs/shop/{plan['job']}/data.manifest")
    assert len(names) == 2
    for name in names:
        key = f"{prefix['prefix']}{name}".removeprefix(f"s3://{SETTINGS.data_bucket}/")
        assert world.data.exists(key)


def test_a_superseded_or_unlabelled_version_is_left_out(world: World) -> None:
    world.two_months()
    world.commit("wrong", "2013-02-01T05:00:00Z", "2013-04-30T22:00:00Z", superseded_by="another")
    world.commit("traffic", "2013-03-01T05:00:00Z", "2013-03-31T22:00:00Z", labelled=False)
    assert world.plan(world.asks("data", MARCH))["trained_until"] == "2013-03-01T00:00:00Z"


def test_the_same_run_asked_twice_has_one_plan_and_counts_once(world: World) -> None:
    world.two_months()
    run = world.asks("data", MARCH)
    assert world.plan(run) == world.plan(run)
    assert len(world.runs("job")) == 1
    assert len(world.runs("train")) == 1


def test_a_second_run_waits_while_the_first_one_trains(world: World) -> None:
    world.two_months()
    first = world.asks("manual", MARCH)
    world.plan(first)
    plan = world.plan(world.asks("manual", "2013-03-01T08:00:00Z"))
    assert (plan["decision"], plan["waiting_for"]) == ("wait", "lock")
    lock, pending = world.lock(), world.pending()
    assert lock is not None
    assert lock["execution_arn"] == first.execution_arn
    assert pending is not None
    assert [entry["at"] for entry in pending["reasons"]] == ["2013-03-01T08:00:00Z"]


def test_the_lock_of_an_execution_that_has_ended_is_taken_over(world: World) -> None:
    world.two_months()
    first = world.asks("manual", MARCH)
    world.plan(first)
    clients.client("stepfunctions").stop_execution(executionArn=first.execution_arn)
    second = world.asks("manual", "2013-03-01T08:00:00Z")
    assert world.plan(second)["decision"] == "start"
    lock = world.lock()
    assert lock is not None
    assert lock["execution_arn"] == second.execution_arn


def test_an_expired_lock_is_taken_over_even_from_a_running_execution(world: World) -> None:
    first, second = (world.asks("manual", MARCH, name).execution_arn for name in ("one", "two"))
    now = world.asks("manual", MARCH, "three").time
    hour = timedelta(hours=1)
    assert training_lock.acquire(world.table, "shop", first, now=now, expires_at=now + hour) is None
    late = now + hour - timedelta(seconds=1)
    assert training_lock.acquire(world.table, "shop", second, now=late, expires_at=late + hour) == first
    later = now + hour
    assert training_lock.acquire(world.table, "shop", second, now=later, expires_at=later + hour) is None
    assert not training_lock.release(world.table, "shop", first)
    assert training_lock.release(world.table, "shop", second)
    assert world.lock() is None


def test_F32_a_plan_whose_lock_was_taken_over_does_not_go_on(world: World) -> None:
    world.two_months()
    first = world.asks("manual", MARCH)
    world.plan(first)
    training_lock.release(world.table, "shop", first.execution_arn)
    later = first.time + timedelta(hours=1)
    other = world.asks("manual", "2013-03-01T08:00:00Z").execution_arn
    training_lock.acquire(world.table, "shop", other, now=later, expires_at=later + timedelta(hours=9))
    with pytest.raises(Conflict, match="has taken over"):
        world.plan(first)


def test_a_request_in_the_cooldown_is_pending_until_it_may_go(world: World) -> None:
    world = world.with_train(on=["first_data", "drift", "schedule"])
    world.two_months()
    first = world.asks("data", MARCH)
    world.plan(first)
    training_lock.release(world.table, "shop", first.execution_arn)
    world.commit("march", "2013-03-01T05:00:00Z", "2013-03-06T22:00:00Z")
    world.table.put({"pk": "MODEL#shop", "sk": "000001", "status": "approved", "recipe": "old"})
    plan = world.plan(world.asks("drift", "2013-03-07T06:00:00Z"))
    assert (plan["decision"], plan["waiting_for"]) == ("wait", "cooldown")
    pending = world.pending()
    assert pending is not None
    assert pending["not_before"] == "2013-03-08T07:00:00Z"
    world.plan(world.asks("schedule", "2013-03-07T07:00:00Z"))
    pending = world.pending()
    assert pending is not None
    assert [entry["reason"] for entry in pending["reasons"]] == ["drift", "schedule"]
    early = world.plan(world.asks("pending", "2013-03-08T06:00:00Z"))
    assert early["decision"] == "wait"
    plan = world.plan(world.asks("pending", "2013-03-09T06:00:00Z"))
    assert plan["decision"] == "start"
    assert [entry["reason"] for entry in plan["requests"]] == ["drift", "schedule"]
    assert world.pending() is None
    assert world.plan(world.asks("pending", "2013-03-10T06:00:00Z"))["decision"] == "skip"


def test_drift_without_new_labels_waits_for_them_and_a_schedule_does_not(world: World) -> None:
    world.two_months()
    first = world.asks("data", MARCH)
    recipe = world.plan(first)["recipe"]
    training_lock.release(world.table, "shop", first.execution_arn)
    world.table.put({"pk": "MODEL#shop", "sk": "000001", "status": "approved", "recipe": recipe})
    assert world.plan(world.asks("schedule", "2013-04-02T07:00:00Z"))["decision"] == "skip"
    assert world.pending() is None
    plan = world.plan(world.asks("drift", "2013-04-03T06:00:00Z"))
    assert (plan["decision"], plan["waiting_for"]) == ("wait", "labels")
    world.commit("march", "2013-03-01T05:00:00Z", "2013-03-31T22:00:00Z")
    assert world.plan(world.asks("pending", "2013-04-04T06:00:00Z"))["decision"] == "start"


def test_a_champion_becomes_a_channel_and_part_of_the_order(world: World) -> None:
    world.two_months()
    artifact = world.models.uri("runs/shop/old/output/old-0/output/model.tar.gz")
    world.models.put(artifact.removeprefix(f"s3://{SETTINGS.model_bucket}/"), b"the champion")
    model: dict[str, Any] = {
        "status": "champion",
        "artifact": artifact,
        "trained_until": "2013-03-01T00:00:00Z",
    }
    world.table.put({"pk": "MODEL#shop", "sk": "000003", **model})
    world.table.put({"pk": "CHAMPION#shop", "sk": "current", "version": 3, "model_sha256": "ab"})
    assert world.plan(world.asks("schedule", MARCH))["decision"] == "skip"
    world.commit("march", "2013-03-01T05:00:00Z", "2013-03-31T22:00:00Z")
    plan = world.plan(world.asks("schedule", "2013-04-02T07:00:00Z"))
    [champion] = [one for one in plan["request"]["InputDataConfig"] if one["ChannelName"] == "champion"]
    assert champion["DataSource"]["S3DataSource"]["S3Uri"] == artifact
    order = world.models.get_json(f"runs/shop/{plan['job']}/config/job.json")
    assert order["champion"] == {"version": 3, "model_sha256": "ab", "trained_until": "2013-03-01T00:00:00Z"}


def test_code_that_is_not_the_deployed_one_trains_nothing(world: World) -> None:
    world.two_months()
    clients.client("s3").put_object(Bucket=training_world.CODE_BUCKET, Key="code.gz", Body=b"other code")
    with pytest.raises(Denied, match="not the deployed"):
        world.plan(world.asks("data", MARCH))
    assert world.runs("job") == []


def test_a_project_without_a_grid_says_what_to_do(world: World) -> None:
    world.two_months()
    clients.client("s3").delete_object(Bucket=SETTINGS.data_bucket, Key="grids/shop.json")
    with pytest.raises(BadInput, match="upload data again"):
        world.plan(world.asks("data", MARCH))


def test_an_instance_with_disks_of_its_own_gets_no_volume_key(world: World) -> None:
    world = world.with_train(instance_type="ml.m5d.large")
    world.two_months()
    assert "VolumeKmsKeyId" not in world.plan(world.asks("data", MARCH))["request"]["ResourceConfig"]


def test_F31_each_run_has_a_job_name_of_its_own_and_the_same_run_the_same(world: World) -> None:
    world.two_months()
    run = world.asks("manual", MARCH)
    job = world.plan(run)["job"]
    assert job == world.plan(run)["job"]
    training_lock.release(world.table, "shop", run.execution_arn)
    other = world.plan(world.asks("manual", format_time(run.time + timedelta(days=1))))["job"]
    assert other != job
    assert len(f"{job}-99") <= 63
