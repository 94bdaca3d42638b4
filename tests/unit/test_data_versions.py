"""Dataset versions on the command line: found by name, listed, compared, fetched, checked, tagged."""

import hashlib
from pathlib import Path

import pytest

from tests.unit.versions_world import BUCKET, World, rows


def test_log_lists_versions_newest_first_with_tags_and_what_supersedes_them(world: World) -> None:
    former = world.commit("january.csv", rows(20), at="2013-02-01T06:00:00Z")
    other = world.commit("february.csv", rows(20, 800), at="2013-03-01T06:00:00Z")
    latter = world.commit("january.csv", rows(25), at="2013-03-02T06:00:00Z")
    world.ask("data", "tag", former, "first")
    listed = world.ask("data", "log", "shop")
    assert [entry["id"] for entry in listed] == [latter, other, former]
    assert listed[2]["superseded_by"] == latter
    assert listed[2]["tags"] == ["first"]
    assert (listed[0]["rows"], listed[0]["superseded_by"]) == (25, None)
    code, shown, _ = world.run("data", "log", "shop")
    assert code == 0
    assert latter[:12] in shown
    assert latter[:13] not in shown


def test_a_version_is_found_by_id_prefix_tag_and_project(world: World) -> None:
    version = world.commit("january.csv", rows(20))
    world.ask("data", "tag", version[:8], "golden")
    for name, how in ((version, "id"), (version[:4], "prefix"), ("golden", "tag"), ("shop@golden", "tag")):
        found = world.ask("data", "show", name)
        assert (found["project"], found["id"], found["resolved_by"]) == ("shop", version, how)
    assert found["files"][0]["object"].startswith(f"s3://{BUCKET}/objects/")
    assert found["schema"][0] == {"name": "prediction_id", "type": "string"}


def test_names_that_name_nothing_or_too_much_are_refused(world: World) -> None:
    one = world.commit("january.csv", rows(20))
    two = world.commit("february.csv", rows(30))
    assert "trimtab data log shop" in world.refused("data", "show", "golden")
    assert "no dataset version" in world.refused("data", "show", one[:3])
    assert "no project 'trains'" in world.refused("data", "show", f"trains@{one}")
    world.ask("data", "tag", two, one[:6])
    said = world.refused("data", "show", one[:6])
    assert "ambiguous" in said
    assert f"shop@{one[:16]} by prefix" in said
    assert f"shop@{two[:16]} by tag" in said


def test_diff_shows_files_rows_schema_and_the_largest_move_first(world: World) -> None:
    before = world.commit("january.csv", rows(400))
    shifted = rows(500, weight=40.0, missing=100).drop_columns(["late"])
    after = world.commit("january.csv", shifted)
    found = world.ask("data", "diff", before, after, code=1)
    assert found["rows"] == {"before": 400, "after": 500}
    assert [entry["path"] for entry in found["files"]["changed"]] == ["data/january.csv/00000.parquet"]
    assert found["schema"]["removed"] == [{"name": "late", "type": "int64"}]
    assert [entry["column"] for entry in found["columns"]] == ["weight", "amount", "place"]
    weight, amount, _ = found["columns"]
    assert weight["missing_before"] == 0
    assert weight["missing_after"] == pytest.approx(0.2)
    assert weight["move"] > 0.5
    assert weight["ks"] > 0.5
    assert amount["move"] == pytest.approx(0, abs=1e-6)
    code, shown, _ = world.run("data", "diff", before, after)
    assert code == 1
    assert "how the values moved" in shown


def test_a_version_does_not_differ_from_itself(world: World) -> None:
    version = world.commit("january.csv", rows(20))
    assert world.ask("data", "diff", version, version[:10])["same"] is True


def test_pull_brings_every_part_verified_and_skips_what_is_there(world: World, tmp_path: Path) -> None:
    version = world.commit("january.csv", rows(20), rows(20, 20), rows(5, 40))
    folder = tmp_path / "here"
    first = world.ask("data", "pull", version, "--to", str(folder))
    assert (first["files"], first["fetched"], first["there"]) == (3, 3, 0)
    (folder / "data/january.csv/00001.parquet").write_bytes(b"spoilt")
    again = world.ask("data", "pull", version, "--to", str(folder))
    assert (again["fetched"], again["there"]) == (1, 2)
    pulled = sorted(path for path in folder.rglob("*") if path.is_file())
    assert [path.name for path in pulled] == ["00000.parquet", "00001.parquet", "00002.parquet"]
    wanted = {file["sha256"] for file in world.ask("data", "show", version)["files"]}
    assert {hashlib.sha256(path.read_bytes()).hexdigest() for path in pulled} == wanted


def test_pull_takes_the_pinned_version_and_not_the_latest(world: World, tmp_path: Path) -> None:
    version = world.commit("january.csv", rows(20))
    [key] = world.object_keys()
    world.cloud.s3.put_object(Bucket=BUCKET, Key=key, Body=b"overwritten")
    assert world.ask("data", "pull", version, "--to", str(tmp_path / "x"))["damaged"] == []
    [damage] = world.ask("data", "verify", version, code=1)["damaged"]
    assert "is hidden by version" in damage


def test_pull_leaves_nothing_of_a_damaged_object(world: World, tmp_path: Path) -> None:
    version = world.commit("january.csv", rows(20), rows(20, 20))
    document = world.ask("data", "show", version)
    first, second = document["files"]
    manifest = world.data.get_json(f"datasets/shop/{version}.json")
    places = manifest["beside"]["objects"]
    places[first["sha256"]] = {**places[second["sha256"]]}
    world.data.put_json(f"datasets/shop/{version}.json", manifest)
    answer = world.ask("data", "pull", version, "--to", str(tmp_path / "x"), code=1)
    assert answer["fetched"] == 1
    assert len(answer["damaged"]) == 1
    assert [path.name for path in (tmp_path / "x").rglob("*") if path.is_file()] == ["00001.parquet"]


def test_verify_names_what_is_damaged(world: World) -> None:
    version = world.commit("january.csv", rows(20), rows(20, 20))
    assert world.ask("data", "verify", version)["whole"] is True
    first, second = world.ask("data", "show", version)["files"]
    address, _, version_id = first["object"].rpartition("@")
    key = address.removeprefix(f"s3://{BUCKET}/")
    world.cloud.s3.delete_object(Bucket=BUCKET, Key=key, VersionId=version_id)
    world.cloud.s3.delete_object(Bucket=BUCKET, Key=f"objects/{second['sha256']}.parquet")
    gone, hidden = world.ask("data", "verify", version, code=1)["damaged"]
    assert "00000.parquet" in gone
    assert "does not exist any more" in gone
    assert "hidden by a delete marker" in hidden


def test_verify_recomputes_the_id_and_misses_a_manifest(world: World) -> None:
    version = world.commit("january.csv", rows(20))
    key = f"datasets/shop/{version}.json"
    manifest = world.data.get_json(key)
    manifest["files"][0]["rows"] = 21
    world.data.put_json(key, manifest)
    [damage] = world.ask("data", "verify", version, code=1)["damaged"]
    assert "gives the id" in damage
    world.cloud.s3.delete_object(Bucket=BUCKET, Key=key)
    [damage] = world.ask("data", "verify", version, code=1)["damaged"]
    assert "no manifest" in damage


def test_a_tag_moves_only_by_force_and_remembers(world: World) -> None:
    one, two = world.commit("january.csv", rows(20)), world.commit("february.csv", rows(30))
    world.ask("data", "tag", one, "golden")
    world.ask("data", "tag", one, "golden")
    assert "--force" in world.refused("data", "tag", two, "golden")
    assert world.ask("data", "tag", two, "golden", "--force")["before"] == one
    assert world.ask("data", "untag", "shop", "golden")["before"] == two
    assert "has no tag golden" in world.refused("data", "untag", "shop", "golden")
    [listed] = world.ask("data", "tags", "shop")
    assert [(move["from"], move["to"]) for move in listed["history"]] == [
        (None, one),
        (one, two),
        (two, None),
    ]
    assert listed["id"] is None
    assert "trimtab data log" in world.refused("data", "show", "golden")


def test_an_illegal_tag_is_refused(world: World) -> None:
    version = world.commit("january.csv", rows(20))
    for name in ("Golden", "a b", "", "-x", "f" * 65, "0" * 64):
        assert "cannot be a tag" in world.refused("data", "tag", "--", version, name)
