"""Data that lies in S3 already becomes a dataset version where it lies."""

import io

import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from lambdas.plan_training.facts import read_facts
from tests.unit.versions_world import World, rows
from trimtab.instants import parse_time
from trimtab.project import load_project

LAKE = "lake"


def as_csv(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    csv.write_csv(table, sink)
    return sink.getvalue()


def as_parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(table, sink)
    return sink.getvalue()


def put(world: World, key: str, body: bytes) -> str:
    version: str = world.cloud.s3.put_object(Bucket=LAKE, Key=key, Body=body)["VersionId"]
    return version


@pytest.fixture
def lake(world: World) -> World:
    world.cloud.s3.create_bucket(Bucket=LAKE)
    world.cloud.s3.put_bucket_versioning(Bucket=LAKE, VersioningConfiguration={"Status": "Enabled"})
    return world


def register(world: World, address: str) -> dict[str, object]:
    answer: dict[str, object] = world.ask("data", "register", address, "--project", "shop")
    return answer


@pytest.mark.parametrize(("suffix", "encode"), [(".csv", as_csv), (".parquet", as_parquet)])
def test_a_prefix_becomes_a_pinned_version_without_a_copy(lake: World, suffix, encode, tmp_path) -> None:
    lake.commit("january.csv", rows(50))
    keys = [f"months/2013/{number}{suffix}" for number in (1, 2)]
    pins = {key: put(lake, key, encode(rows(20, 20 * number))) for number, key in enumerate(keys, 1)}
    put(lake, "months/2013/_SUCCESS", b"")
    objects = lake.object_keys()
    answer = register(lake, f"s3://{LAKE}/months/")
    assert (answer["files"], answer["rows"], answer["new"]) == (2, 40, True)
    assert answer["skipped"] == ["months/2013/_SUCCESS"]
    assert "not trained on" in str(answer["training"])
    assert lake.object_keys() == objects
    shown = lake.ask("data", "show", str(answer["id"]))
    assert [file["path"] for file in shown["files"]] == [f"2013/1{suffix}", f"2013/2{suffix}"]
    assert [file["object"] for file in shown["files"]] == [
        f"s3://{LAKE}/{key}@{pin}" for key, pin in pins.items()
    ]
    assert (shown["record"]["event_from"], shown["record"]["event_to"]) == (
        "2013-01-01T20:00:00Z", "2013-01-03T11:00:01Z",
    )  # fmt: skip
    put(lake, f"months/2013/1{suffix}", b"overwritten")
    assert lake.ask("data", "verify", str(answer["id"]))["whole"] is True
    pulled = lake.ask("data", "pull", str(answer["id"]), "--to", str(tmp_path / "x"))
    assert (pulled["fetched"], pulled["damaged"]) == (2, [])


def test_registered_versions_are_compared_and_superseded_by_address(lake: World) -> None:
    lake.commit("january.csv", rows(50))
    put(lake, "months/1.csv", as_csv(rows(50)))
    former = register(lake, f"s3://{LAKE}/months/")
    put(lake, "months/1.csv", as_csv(rows(50, weight=50.0)))
    latter = register(lake, f"s3://{LAKE}/months/")
    found = lake.ask("data", "diff", str(former["id"]), str(latter["id"]), code=1)
    assert found["columns"][0]["column"] == "weight"
    listed = {entry["id"]: entry for entry in lake.ask("data", "log", "shop")}
    assert listed[former["id"]]["superseded_by"] == latter["id"]
    assert register(lake, f"s3://{LAKE}/months/")["new"] is False
    put(lake, "months/1.csv", as_csv(rows(50)))
    assert register(lake, f"s3://{LAKE}/months/")["id"] == former["id"]
    listed = {entry["id"]: entry for entry in lake.ask("data", "log", "shop")}
    assert listed[former["id"]]["superseded_by"] is None
    assert listed[latter["id"]]["superseded_by"] == former["id"]


def test_the_same_content_elsewhere_has_the_same_id(lake: World) -> None:
    ids = set()
    for prefix in ("a", "b"):
        put(lake, f"{prefix}/1.csv", as_csv(rows(10)))
        ids.add(register(lake, f"s3://{LAKE}/{prefix}")["id"])
    assert len(ids) == 1


def test_one_object_is_registered_under_its_name(lake: World) -> None:
    put(lake, "months/1.csv", b'a,b\n1,"two\nlines"\n3,4\n')
    put(lake, "months/1.csv.parquet", as_parquet(rows(3)))
    answer = register(lake, f"s3://{LAKE}/months/1.csv")
    assert (answer["files"], answer["rows"]) == (1, 2)
    assert str(answer["profile"]).startswith("none: the project has no grid")
    shown = lake.ask("data", "show", str(answer["id"]))
    assert shown["files"][0]["path"] == "1.csv"
    assert shown["schema"] == [{"name": "a", "type": "string"}, {"name": "b", "type": "string"}]
    other = register(lake, f"s3://{LAKE}/months/1.csv.parquet")
    assert (
        "without a profile"
        in lake.ask("data", "diff", str(answer["id"]), str(other["id"]), code=1)["no_columns"]
    )


def test_what_cannot_be_pinned_or_read_is_refused_with_the_remedy(world: World) -> None:
    world.cloud.s3.create_bucket(Bucket=LAKE)
    put_plain = world.cloud.s3.put_object
    put_plain(Bucket=LAKE, Key="a/1.csv", Body=b"a\n1\n")

    def refused(address: str) -> str:
        return world.refused("data", "register", address, "--project", "shop")

    assert "put-bucket-versioning --bucket lake" in refused(f"s3://{LAKE}/a/")
    world.cloud.s3.put_bucket_versioning(Bucket=LAKE, VersioningConfiguration={"Status": "Enabled"})
    assert world.ask("data", "register", f"s3://{LAKE}/a/", "-p", "shop")["unversioned"] == ["a/1.csv"]
    assert "there is nothing at" in refused(f"s3://{LAKE}/b/")
    assert "there is no bucket" in refused("s3://puddle/b/")
    assert "is not the address" in refused("lake/a/")
    assert "is not the address" in refused(f"s3://{LAKE}")
    put_plain(Bucket=LAKE, Key="c/1.txt", Body=b"a\n1\n")
    assert "neither .parquet nor .csv" in refused(f"s3://{LAKE}/c/")
    put_plain(Bucket=LAKE, Key="d/1.parquet", Body=b"a\n1\n")
    assert "cannot be read as parquet" in refused(f"s3://{LAKE}/d/")
    put_plain(Bucket=LAKE, Key="e/1.csv", Body=b"a,b\n1\n")
    assert "cannot be read as csv" in refused(f"s3://{LAKE}/e/")
    put_plain(Bucket=LAKE, Key="a/2.csv", Body=b"b\n1\n")
    assert "unequal columns" in refused(f"s3://{LAKE}/a/")
    put_plain(Bucket=LAKE, Key="a/3.parquet", Body=as_parquet(rows(3)))
    assert "both Parquet and CSV" in refused(f"s3://{LAKE}/a/")


def test_registered_data_is_no_training_data_and_is_never_deleted(lake: World) -> None:
    put(lake, "months/1.csv", as_csv(rows(400)))
    register(lake, f"s3://{LAKE}/months/")
    project = load_project(lake.checkout / "pipelines/shop")
    facts = read_facts(
        lake.table, lake.data, project, code_sha256="0", now=parse_time("2013-03-01T00:00:00Z")
    )
    assert facts.training_set is None
    put(lake, "months/1.csv", as_csv(rows(300)))
    register(lake, f"s3://{LAKE}/months/")
    removed = lake.ask("data", "gc", "shop", "--grace-days", "0", "--yes")
    assert len(removed["versions"]) == 1
    assert len(lake.cloud.s3.list_object_versions(Bucket=LAKE)["Versions"]) == 2
