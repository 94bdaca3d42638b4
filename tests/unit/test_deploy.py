"""Deployments on moto: what is planned, what is refused, and that the pointer moves once."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from lambdas.judge_challenger.handler import judge_job
from lambdas.move_champion.handler import move
from lambdas.plan_deployment.handler import plan, plan_restore
from lambdas.register_model.handler import register
from lambdas.smoke_test.handler import smoke_test
from tests.unit.training_world import SETTINGS, VARIABLES, World, as_sent, create_world, packed
from trimtab.aws import clients
from trimtab.aws.table import edges
from trimtab.errors import BadInput, Conflict, Denied
from trimtab.model.run import Run

MONTHS = {1: "2013-03-01T07:00:00Z", 2: "2013-04-02T07:00:00Z", 3: "2013-05-02T07:00:00Z"}
ENDPOINT = "trimtab-dev-shop"


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


def registered(world: World, version: int, **evaluation: Any) -> str:
    """Train and register a version, and return its package's ARN."""
    if version > 1:
        month = f"2013-{version + 1:02d}"
        world.commit(f"month {month}", f"{month}-01T05:00:00Z", f"{month}-28T22:00:00Z")
    run = world.asks("manual", MONTHS[version])
    order = world.plan(run)
    job = world.finish(order, content=f"model {version}".encode(), **evaluation)
    judgement = judge_job(SETTINGS, world.project, order, job)
    event = {"input": dict(run.input), "execution_arn": run.execution_arn}
    register(SETTINGS, world.project, {**event, "plan": order, "job": job, "judgement": judgement})
    return str(world.model(version)["package_arn"])


def promotion(world: World, package_arn: str, at: str, name: str) -> Run:
    return world.run(
        "deploy",
        name,
        at,
        action="promote",
        package_arn=package_arn,
        actor="registry",
        reason="approved",
        at=at,
    )


def rollback(world: World, at: str, to_version: str | None = None) -> Run:
    target = {"to_version": to_version} if to_version else {}
    return world.run(
        "deploy", f"back-{at[:10]}", at, action="rollback", actor="ann", reason="odd scores", at=at, **target
    )


def planned(world: World, run: Run, **variables: str) -> dict[str, Any]:
    return as_sent(plan(SETTINGS, world.project, run, {**VARIABLES, **variables}))


def serve(order: dict[str, Any]) -> None:
    """Do what the state machine does between plan and move; moto cannot update an endpoint."""
    sagemaker = clients.client("sagemaker")
    name = order["endpoint_config"]
    role = "arn:aws:iam::123456789012:role/serving"
    sagemaker.create_model(ModelName=name, PrimaryContainer=order["container"], ExecutionRoleArn=role)
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=order["variants"])
    if order["endpoint_action"] == "update":
        sagemaker.delete_endpoint(EndpointName=ENDPOINT)
    sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=name)


def promoted(world: World, version: int) -> dict[str, Any]:
    """Register a version and make it champion."""
    run = promotion(world, registered(world, version), MONTHS[version], f"promote-{version}")
    order = planned(world, run)
    serve(order)
    move(SETTINGS, run, order)
    return order


def test_a_first_version_is_planned_served_and_champion(world: World) -> None:
    run = promotion(world, registered(world, 1), MONTHS[1], "first")
    order = planned(world, run)
    assert (order["decision"], order["endpoint_action"], order["revision"]) == ("deploy", "create", 0)
    assert order["container"]["ModelDataUrl"] == world.model(1)["artifact"]
    serve(order)
    change = move(SETTINGS, run, order)
    assert change["to"] == 1
    champion = world.champion()
    assert champion["endpoint_config"] == order["endpoint_config"]
    assert champion["revision"] == 1
    assert world.model(1)["status"] == "champion"
    assert edges(world.table, "model:shop@1", "out") == [("deployed", f"endpoint:{ENDPOINT}")]
    [record] = world.runs("deploy")
    assert record["outcome"] == "promoted"


def test_F27_the_baseline_moves_with_the_champion_in_one_item(world: World) -> None:
    promoted(world, 1)
    assert world.champion()["baseline_key"] == "baselines/shop/1.baseline"
    promoted(world, 2)
    champion = world.champion()
    assert (champion["version"], champion["previous_version"]) == (2, 1)
    assert champion["baseline_key"] == "baselines/shop/2.baseline"
    assert champion["model_sha256"] == world.model(2)["model_sha256"] != world.model(1)["model_sha256"]
    assert world.model(1)["status"] == "retired"


def test_a_rollback_goes_back_and_bars_the_way_forward(world: World) -> None:
    promoted(world, 1)
    promoted(world, 2)
    run = rollback(world, "2013-04-05T00:00:00Z")
    order = planned(world, run)
    serve(order)
    change = move(SETTINGS, run, order)
    assert (change["from"], change["to"], change["actor"], change["reason"]) == (2, 1, "ann", "odd scores")
    champion = world.champion()
    assert (champion["version"], champion["previous_version"], champion["revision"]) == (1, None, 3)
    assert (world.model(1)["status"], world.model(2)["status"]) == ("champion", "rolled_back")
    assert world.approval(2) == "Rejected"
    late = promotion(world, world.model(2)["package_arn"], "2013-04-06T00:00:00Z", "late")
    assert planned(world, late)["decision"] == "ignored"
    log = list(world.table.query("PROMOTION#shop"))
    assert [(entry["action"], entry["from"], entry["to"]) for entry in log] == [
        ("promote", None, 1),
        ("promote", 1, 2),
        ("rollback", 2, 1),
    ]


def test_a_rollback_has_names_of_its_own(world: World) -> None:
    first = promoted(world, 1)
    promoted(world, 2)
    order = planned(world, rollback(world, "2013-04-05T00:00:00Z", to_version="1"))
    assert order["version"] == 1
    assert order["endpoint_config"] != first["endpoint_config"]


def test_a_rollback_without_a_version_before_says_so(world: World) -> None:
    promoted(world, 1)
    with pytest.raises(BadInput, match="none before it"):
        planned(world, rollback(world, "2013-04-05T00:00:00Z"))


def test_a_rollback_never_leads_to_a_rejected_version(world: World) -> None:
    promoted(world, 1)
    promoted(world, 2)
    clients.client("sagemaker").update_model_package(
        ModelPackageArn=world.model(1)["package_arn"], ModelApprovalStatus="Rejected"
    )
    with pytest.raises(BadInput, match="version 1 is Rejected"):
        planned(world, rollback(world, "2013-04-05T00:00:00Z"))


def test_F34_an_approval_of_a_deleted_version_is_ignored_and_audited(world: World) -> None:
    gone = "arn:aws:sagemaker:us-east-1:123456789012:model-package/trimtab-dev-shop/8"
    answer = planned(world, promotion(world, gone, MONTHS[1], "gone"))
    assert answer["decision"] == "ignored"
    [record] = world.runs("deploy")
    assert record["outcome"] == "ignored"
    assert gone in record["reason"]


def test_F34_approved_then_rejected_is_ignored(world: World) -> None:
    arn = registered(world, 1)
    clients.client("sagemaker").update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Rejected")
    assert planned(world, promotion(world, arn, MONTHS[1], "both"))["decision"] == "ignored"


def test_F34_the_same_approval_twice_deploys_once(world: World) -> None:
    promoted(world, 1)
    again = promotion(world, world.model(1)["package_arn"], "2013-03-01T07:00:01Z", "again")
    assert planned(world, again)["decision"] == "already champion"
    assert len(list(world.table.query("PROMOTION#shop"))) == 1


def test_an_older_approval_that_arrives_late_is_superseded(world: World) -> None:
    older = registered(world, 1)
    promoted(world, 2)
    assert planned(world, promotion(world, older, MONTHS[3], "late"))["decision"] == "superseded"


def test_an_environment_without_endpoint_registers_only(world: World) -> None:
    run = promotion(world, registered(world, 1), MONTHS[1], "off")
    assert planned(world, run, ENDPOINT="off")["decision"] == "serving off"


def test_F36_an_artefact_that_is_not_the_recorded_one_is_refused(world: World) -> None:
    run = promotion(world, registered(world, 1), MONTHS[1], "forged")
    key = world.model(1)["artifact"].removeprefix(f"s3://{SETTINGS.model_bucket}/")
    world.models.put(key, packed({"model.joblib": b"forged", "manifest.json": b"{}"}))
    with pytest.raises(Denied, match="not what its manifest lists"):
        planned(world, run)


def test_F36_a_consistent_archive_of_another_model_is_refused(world: World) -> None:
    run = promotion(world, registered(world, 1), MONTHS[1], "swapped")
    order = world.table.get("RUN#shop", world.runs("job")[0]["sk"])
    assert order is not None
    world.finish(order["plan"], content=b"consistent, but another")
    with pytest.raises(Denied, match="registry's record says"):
        planned(world, run)


def test_a_deployment_waits_for_the_one_under_way(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    promoted(world, 1)
    run = promotion(world, registered(world, 2), MONTHS[2], "second")
    for status, failure in (("Updating", Conflict), ("Failed", BadInput)):
        monkeypatch.setattr(
            "lambdas.plan_deployment.handler.describe_endpoint", lambda _, status=status: (status, "any")
        )
        with pytest.raises(failure, match=status):
            planned(world, run)


def test_F33_two_deployments_move_the_pointer_once_and_the_loser_gets_a_conflict(world: World) -> None:
    arns = [registered(world, version) for version in (1, 2)]
    runs = [promotion(world, arn, MONTHS[2], f"race-{place}") for place, arn in enumerate(arns)]
    orders = [planned(world, run) for run in runs]
    move(SETTINGS, runs[1], orders[1])
    with pytest.raises(Conflict):
        move(SETTINGS, runs[0], orders[0])
    assert world.champion()["version"] == 2
    assert [entry["to"] for entry in world.table.query("PROMOTION#shop")] == [2]


def test_moving_twice_writes_the_same_again(world: World) -> None:
    run = promotion(world, registered(world, 1), MONTHS[1], "twice")
    order = planned(world, run)
    assert move(SETTINGS, run, order) == move(SETTINGS, run, order)
    assert world.champion()["revision"] == 1
    assert len(list(world.table.query("PROMOTION#shop"))) == 1


def test_a_duplicate_deployment_of_one_version_keeps_pointer_and_endpoint_together(world: World) -> None:
    arn = registered(world, 1)
    runs = [promotion(world, arn, at, at[11:13]) for at in ("2013-03-01T07:00:00Z", "2013-03-01T08:00:00Z")]
    orders = [planned(world, run) for run in runs]
    for run, order in zip(runs, orders, strict=True):
        move(SETTINGS, run, order)
    champion = world.champion()
    assert champion["endpoint_config"] == orders[1]["endpoint_config"]
    assert champion["since"] == "2013-03-01T07:00:00Z"
    assert len(list(world.table.query("PROMOTION#shop"))) == 1


def test_F35_a_failed_deployment_leads_back_to_the_champions_configuration(world: World) -> None:
    assert plan_restore(SETTINGS)["restore"] is False
    first = promoted(world, 1)
    assert plan_restore(SETTINGS)["restore"] is False
    run = promotion(world, registered(world, 2), MONTHS[2], "fails")
    serve(planned(world, run))
    answer = plan_restore(SETTINGS)
    assert answer == {"restore": True, "endpoint": ENDPOINT, "endpoint_config": first["endpoint_config"]}


class Endpoint:
    """Answers in the endpoint's place, and keeps what it was asked."""

    def __init__(self, version: int) -> None:
        self.version = version
        self.asked: list[dict[str, str]] = []

    def __call__(self, params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        self.asked = list(csv.DictReader(io.StringIO(params["body"].decode())))
        lines = [f"{row['prediction_id']},{self.version},0.25\n" for row in self.asked]
        body = "prediction_id,model_version,score\n" + "".join(lines)

        class Answer:
            status_code = 200

        return Answer(), {"Body": io.BytesIO(body.encode()), "ContentType": "text/csv"}


def test_a_smoke_test_sends_known_rows_and_checks_the_version(world: World) -> None:
    order = promoted(world, 1)
    events = clients.client("sagemaker-runtime").meta.events
    endpoint = Endpoint(version=1)
    events.register("before-call.sagemaker-runtime.InvokeEndpoint", endpoint)  # type: ignore[arg-type]
    assert smoke_test(SETTINGS, world.project, order) == 2
    assert [row["prediction_id"] for row in endpoint.asked] == ["trimtab-probe-1", "trimtab-probe-2"]
    assert "returned" not in endpoint.asked[0]
    assert endpoint.asked[0]["ordered_at"].startswith("1970-01-01T00:00:00")
    endpoint.version = 9
    with pytest.raises(BadInput, match="version 1 was deployed"):
        smoke_test(SETTINGS, world.project, order)
