"""What is removed and what stays: garbage collection, and the erasure of personal data."""

import json
from typing import Any

import boto3
import pytest

from tests.unit.versions_world import BUCKET, World, rows
from trimtab import names
from trimtab.aws import collection
from trimtab.aws.claims import claim, claimed
from trimtab.aws.objects import Bucket
from trimtab.aws.table import Table, edges
from trimtab.dataset.version import object_key, upload_digest
from trimtab.model.training_job import job_name

OLD, NEW = "2013-02-01T06:00:00Z", "2013-03-01T06:00:00Z"
ARN = "arn:aws:states:us-east-1:123456789012:execution:trimtab-dev-shop-train:train-0123"


def superseded(world: World, name: str = "january.csv", first: int = 0) -> tuple[str, str]:
    """Commit a version and the one that supersedes it."""
    former = world.commit(name, rows(20, first), at=OLD)
    return former, world.commit(name, rows(30, first), at=NEW)


def lock(world: World, expires_at: str = "2999-01-01T00:00:00Z") -> None:
    """Let a training run hold the lock."""
    world.table.put({"pk": "LOCK#shop", "sk": "train", "execution_arn": ARN, "expires_at": expires_at})


def everything(world: World) -> set[tuple[str, str]]:
    """List all that the bucket holds, version by version, delete markers too."""
    answer = world.cloud.s3.list_object_versions(Bucket=BUCKET)
    entries = [*answer.get("Versions", []), *answer.get("DeleteMarkers", [])]
    return {(entry["Key"], entry["VersionId"]) for entry in entries}


def test_collection_says_what_it_would_remove_and_removes_nothing(world: World) -> None:
    former, latter = superseded(world)
    before = everything(world)
    planned = world.ask("data", "gc", "shop")
    assert planned["done"] is False
    assert [entry["sk"] for entry in planned["versions"]] == [former]
    assert planned["bytes"] == sum(entry["size"] for entry in planned["objects"]) > 0
    assert planned["kept"] == {latter: ["present"]}
    assert everything(world) == before
    code, shown, _ = world.run("data", "gc", "shop")
    assert code == 0
    assert "--yes" in shown


def test_collection_removes_content_manifest_and_record_and_leaves_a_note(world: World) -> None:
    former, latter = superseded(world)
    [sha256] = [file["sha256"] for file in world.ask("data", "show", former)["files"]]
    assert world.ask("data", "gc", "shop", "--yes")["done"] is True
    assert [entry["id"] for entry in world.ask("data", "log", "shop")] == [latter]
    left = {key for key, _ in everything(world)}
    assert f"objects/{sha256}.parquet" not in left
    assert f"datasets/shop/{former}.json" not in left
    assert "landing/shop/data/january.csv" in left
    assert world.ask("data", "verify", latter)["whole"] is True
    assert "was removed at" in world.refused("data", "show", former)
    assert world.ask("data", "gc", "shop", "--yes")["versions"] == []


def test_what_was_collected_is_a_version_again_once_it_is_uploaded_again(world: World) -> None:
    former, _ = superseded(world)
    world.ask("data", "gc", "shop", "--yes")
    assert world.commit("january.csv", rows(20), at="2013-04-01T06:00:00Z") == former
    assert world.ask("data", "verify", former)["whole"] is True
    assert world.ask("data", "log", "shop")[0]["id"] == former


def test_a_live_model_keeps_what_it_was_trained_on_and_a_rejected_one_does_not(world: World) -> None:
    former, _ = superseded(world)
    for status in ("champion", "approved", "retired", "rolled_back", "pending"):
        world.model(1, [former], status)
        assert world.ask("data", "gc", "shop", "--yes")["kept"][former] == ["model 1"]
    assert world.ask("data", "verify", former)["whole"] is True
    world.model(1, [former], "rejected")
    assert [entry["sk"] for entry in world.ask("data", "gc", "shop")["versions"]] == [former]


def test_a_tag_keeps_a_version_until_it_is_taken_away(world: World) -> None:
    former, _ = superseded(world)
    world.ask("data", "tag", former, "audit-2013")
    assert world.ask("data", "gc", "shop")["kept"][former] == ["tag audit-2013"]
    world.ask("data", "untag", "shop", "audit-2013")
    assert former not in world.ask("data", "gc", "shop")["kept"]


def test_a_training_run_keeps_what_it_reads(world: World) -> None:
    former, _ = superseded(world)
    lock(world)
    assert "choosing its data" in world.refused("data", "gc", "shop")
    plan = {"datasets": [former], "training_set": "0" * 64}
    for kind in ("job", "reuse"):
        key = f"{kind}#2013-02-02T00:00:00Z#{job_name('shop', 'train-0123')}"
        world.table.put({"pk": "RUN#shop", "sk": key, "plan": plan})
        assert world.ask("data", "gc", "shop")["kept"][former] == ["a training run uses it"]
        world.table.delete("RUN#shop", key)
    world.table.put({"pk": "RUN#shop", "sk": key, "plan": plan})
    lock(world, expires_at=OLD)
    assert former not in world.ask("data", "gc", "shop")["kept"]


def test_the_grace_period_runs_from_being_superseded(world: World) -> None:
    former, _ = superseded(world)
    assert world.ask("data", "gc", "shop", "--grace-days", "3000000")["versions"] == []
    assert world.ask("data", "gc", "shop", "--grace-days", "0")["versions"][0]["sk"] == former


def test_content_that_another_version_or_project_has_too_stays(world: World) -> None:
    shared, own, other = rows(20), rows(20, 100), rows(20, 200)
    former = world.commit("january.csv", shared, own, other, at=OLD)
    world.commit("january.csv", rows(30), at=NEW)
    still = world.commit("february.csv", shared, at=NEW)
    world.commit("january.csv", other, at=NEW, project="parcels")
    shas = [file["sha256"] for file in world.ask("data", "show", former)["files"]]
    planned = world.ask("data", "gc", "shop", "--yes")
    removed = {entry["key"] for entry in planned["objects"] if entry["key"].startswith("objects/")}
    assert removed == {f"objects/{shas[1]}.parquet"}
    assert world.ask("data", "verify", still)["whole"] is True


def test_nothing_is_removed_while_an_upload_is_being_examined(world: World) -> None:
    superseded(world)
    states = boto3.client("stepfunctions")
    definition = json.dumps(
        {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 9, "End": True}}}
    )
    role = "arn:aws:iam::123456789012:role/any"
    machine = states.create_state_machine(
        name=names.machine("dev", "shop", "ingest"), definition=definition, roleArn=role
    )
    states.start_execution(stateMachineArn=machine["stateMachineArn"])
    before = everything(world)
    assert "a run of ingest of shop is going on" in world.refused("data", "gc", "shop", "--yes")
    key = "landing/shop/data/january.csv"
    assert "a run of ingest of shop is going on" in world.refused(
        "data", "erase", key, "-r", "asked", "--yes"
    )
    assert everything(world) == before
    assert len(world.ask("data", "gc", "shop")["versions"]) == 1


def test_what_an_upload_claims_during_a_collection_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    former, _ = superseded(world)
    [sha256] = [file["sha256"] for file in world.ask("data", "show", former)["files"]]
    key = object_key(sha256)
    planned = collection.plan

    def with_an_upload(*arguments: Any, **named: Any) -> Any:
        """Let an upload find the content after the plan was made."""
        found = planned(*arguments, **named)
        claim(world.data, "shop", "d" * 20, [key])
        assert not world.data.put_once(key, b"the same")
        return found

    before = everything(world)
    with monkeypatch.context() as patch:
        patch.setattr(collection, "plan", with_an_upload)
        world.ask("data", "gc", "shop", "--yes")
    assert {one for one in before if one[0] == key} == {one for one in everything(world) if one[0] == key}
    assert world.ask("data", "verify", former)["whole"] is True
    world.data.put_json(f"ingest/shop/{'d' * 20}/claims.json", [])
    world.ask("data", "gc", "shop", "--yes")
    assert key not in {one for one, _ in everything(world)}


def test_an_upload_that_comes_after_the_claims_were_read_writes_the_content_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    former, _ = superseded(world)
    [sha256] = [file["sha256"] for file in world.ask("data", "show", former)["files"]]
    key, read = object_key(sha256), claimed
    written = []

    def with_an_upload(data: Bucket, table: Table) -> set[str]:
        """Let an upload claim and look once the collection has read the claims."""
        found = read(data, table)
        claim(data, "shop", "d" * 20, [key])
        written.append(data.put_once(key, b"the same"))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(collection, "claimed", with_an_upload)
        world.ask("data", "gc", "shop", "--yes")
    assert written == [True]
    assert world.data.get(key) == b"the same"


def test_a_claim_is_void_once_its_upload_is_committed(world: World) -> None:
    former, _ = superseded(world)
    shown = world.ask("data", "show", former)
    key, version_id = str(shown["record"]["source"]).rsplit("@", 1)
    content = object_key(shown["files"][0]["sha256"])
    claim(world.data, "shop", upload_digest(key, version_id), [content])
    world.ask("data", "gc", "shop", "--yes")
    assert content not in {one for one, _ in everything(world)}


def test_collection_stops_when_a_version_that_stays_has_lost_its_manifest(world: World) -> None:
    _, latter = superseded(world)
    world.cloud.s3.delete_object(Bucket=BUCKET, Key=f"datasets/shop/{latter}.json")
    before = everything(world)
    assert "its manifest is gone" in world.refused("data", "gc", "shop", "--yes")
    assert everything(world) == before


def test_an_interrupted_collection_is_finished_by_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    former, _ = superseded(world)
    from trimtab.aws import collection

    def breaks(*_: Any, **__: Any) -> None:
        raise ConnectionError("the line is dead")

    with monkeypatch.context() as patch:
        patch.setattr(collection, "remove_record", breaks)
        with pytest.raises(ConnectionError):
            world.run("data", "gc", "shop", "--yes")
    assert [entry["sk"] for entry in world.ask("data", "gc", "shop", "--yes")["versions"]] == [former]
    assert world.ask("data", "gc", "shop")["versions"] == []


def test_erasure_removes_all_that_came_from_an_upload_and_records_what_it_touched(world: World) -> None:
    former, latter = superseded(world)
    other = world.commit("february.csv", rows(20, 500), at=NEW)
    world.cloud.s3.delete_object(Bucket=BUCKET, Key="landing/shop/data/january.csv")
    world.model(1, [former, other], "champion")
    world.ask("data", "tag", latter, "golden")
    key = "landing/shop/data/january.csv"
    planned = world.ask("data", "erase", key, "--reason", "a customer asked")
    assert planned["done"] is False
    assert sorted(planned["datasets"]) == sorted([former, latter])
    done = world.ask("data", "erase", key, "--reason", "a customer asked", "--yes")
    assert done["models"] == ["shop@1"]
    assert done["endpoints"] == ["trimtab-dev-shop"]
    left = {name for name, _ in everything(world)}
    assert key not in left
    assert len([name for name in left if name.startswith("quarantine/")]) == 2
    assert len([name for name in left if name.startswith("ingest/")]) == 1
    assert [entry["id"] for entry in world.ask("data", "log", "shop")] == [other]
    assert world.ask("data", "verify", other)["whole"] is True
    started, ended = world.table.query("ERASED#shop")
    assert (started["sk"][-9:], ended["sk"]) == ("1-started", done["record"])
    assert (ended["reason"], ended["models"]) == ("a customer asked", ["shop@1"])
    assert "a customer asked" in world.refused("data", "show", former)
    assert "nothing is left" in world.refused("data", "erase", key, "--reason", "again", "--yes")
    assert edges(world.table, "model:shop@1", "in")


def test_erasure_keeps_content_that_another_upload_has_too_and_says_so(world: World) -> None:
    shared = rows(20)
    world.commit("january.csv", shared, rows(5, 100))
    other = world.commit("february.csv", shared)
    answer = world.ask("data", "erase", "landing/shop/data/january.csv", "-r", "asked", "--yes")
    assert any(f"which shop/{other} has too" in entry for entry in answer["kept_objects"])
    assert world.ask("data", "verify", other)["whole"] is True
    assert len(world.object_keys()) == 1


@pytest.mark.parametrize("step", ["trimtab.aws.erasure.remove_record", "trimtab.aws.table.Table.update"])
def test_erasure_is_run_again_after_a_break(world: World, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    version = world.commit("january.csv", rows(20))
    key = "landing/shop/data/january.csv"

    def breaks(*_: Any, **__: Any) -> None:
        raise ConnectionError("the line is dead")

    with monkeypatch.context() as patch:
        patch.setattr(step, breaks)
        with pytest.raises(ConnectionError):
            world.run("data", "erase", key, "-r", "asked", "--yes")
    again = world.ask("data", "erase", key, "-r", "asked", "--yes")
    assert again["datasets"] == [version]
    assert world.ask("data", "log", "shop") == []
    assert all(item["dataset_id"] is None for item in world.table.query("UPLOAD#shop"))
    assert list(world.table.query("ERASED#shop"))[-1]["sk"] == again["record"]
    assert "nothing is left" in world.refused("data", "erase", key, "-r", "asked", "--yes")


def test_only_uploads_are_erased(world: World) -> None:
    for key in ("january.csv", "objects/00.parquet", "landing/shop/data/", "landing/shop/x"):
        assert "is not the key of an upload" in world.refused("data", "erase", key, "-r", "asked")


def test_an_erasure_needs_its_reason(world: World) -> None:
    world.commit("january.csv", rows(20))
    assert "reason" in world.refused("data", "erase", "landing/shop/data/january.csv", "-r", " ")
