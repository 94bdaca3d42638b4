"""The real DVC pulls what `trimtab data export-dvc` writes: the pinned versions, not the latest ones."""

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud import LocalCloud
from tests.interop.dvc_environment import ensure_dvc
from tests.unit import shop
from tests.unit.shop import Cloud
from tests.unit.versions_world import BUCKET, World, rows
from trimtab.aws import clients

LAKE = "lake"
PART_BYTES = 5 * 2**20  # the smallest that S3 takes


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    """Return the shop's buckets and table on a local cloud, which DVC can talk to; and a bucket of others."""
    with LocalCloud() as running, pytest.MonkeyPatch.context() as patch:
        for name, value in {**shop.VARIABLES, **running.variables}.items():
            patch.setenv(name, value)
        patch.setenv("AWS_ENDPOINT_URL", running.endpoint_url)
        patch.setattr(shop, "DATA", BUCKET)
        clients._client.cache_clear()
        made = Cloud.make()
        made.s3.create_bucket(Bucket=LAKE)
        made.s3.put_bucket_versioning(Bucket=LAKE, VersioningConfiguration={"Status": "Enabled"})
        yield made
        clients._client.cache_clear()


@pytest.fixture
def world(
    cloud: Cloud,
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> World:
    """Return a checkout with the shop."""
    return World.make(root, tmp_path, cloud, monkeypatch, capsys)


class Dvc:
    """DVC in a repository, with a home of its own."""

    def __init__(self, command: Path, repository: Path) -> None:
        self.repository = repository
        self._command = command
        home = repository.parent / "home"
        home.mkdir()
        own = ("DVC_GLOBAL_CONFIG_DIR", "DVC_SYSTEM_CONFIG_DIR", "DVC_SITE_CACHE_DIR", "HOME")
        self._variables = {**os.environ, **dict.fromkeys(own, str(home)), "DVC_NO_ANALYTICS": "1"}

    def run(self, *arguments: str) -> str:
        """Run one command; return what it printed."""
        done = subprocess.run(
            [self._command, *arguments],
            cwd=self.repository,
            env=self._variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def pulled(self) -> dict[str, bytes]:
        """Pull, see that DVC takes what it pulled for unmodified, and return the files by path."""
        self.run("pull")
        assert "No changes" in self.run("data", "status")
        return {
            str(path.relative_to(self.repository)): path.read_bytes()
            for path in self.repository.rglob("*")
            if path.is_file() and ".dvc" not in path.parts and path.suffix != ".dvc"
            and not path.name.startswith(".")
        }  # fmt: skip


@pytest.fixture
def dvc(root: Path, tmp_path: Path) -> Dvc:
    return Dvc(ensure_dvc(root), tmp_path / "repository")


def test_a_registered_directory_comes_back_as_it_was(world: World, dvc: Dvc) -> None:
    before = {f"2013/{month:02d}.csv": b"x\n%d\n" % month for month in (1, 2, 3)}
    for path, body in before.items():
        world.cloud.s3.put_object(Bucket=LAKE, Key=f"raw/months/{path}", Body=body)
    former = world.ask("data", "register", f"s3://{LAKE}/raw/months/", "-p", "shop")["id"]
    for path in before:
        world.cloud.s3.put_object(Bucket=LAKE, Key=f"raw/months/{path}", Body=b"x\noverwritten\n")
    world.cloud.s3.delete_object(Bucket=LAKE, Key="raw/months/2013/03.csv")
    world.ask("data", "register", f"s3://{LAKE}/raw/months/", "-p", "shop")
    answer = world.ask("data", "export-dvc", former, "--to", str(dvc.repository))
    assert answer["written"] == [".dvc/config", "months.dvc"]
    text = (dvc.repository / "months.dvc").read_text()
    assert "cloud:" in text
    assert "versionId" not in text
    assert "version_aware = true" in (dvc.repository / ".dvc/config").read_text()
    assert dvc.pulled() == {f"months/{path}": body for path, body in before.items()}
    assert "up to date" in dvc.run("status")


def test_an_object_uploaded_in_parts_comes_back_whole(world: World, dvc: Dvc) -> None:
    body = b"x\n" + b"12345678\n" * (PART_BYTES // 9 + 1)
    pieces = [body[:PART_BYTES], body[PART_BYTES:]]
    s3, where = world.cloud.s3, {"Bucket": LAKE, "Key": "big.csv"}
    upload = s3.create_multipart_upload(**where)["UploadId"]
    parts = [
        {"PartNumber": n, "ETag": s3.upload_part(**where, UploadId=upload, PartNumber=n, Body=piece)["ETag"]}
        for n, piece in enumerate(pieces, 1)
    ]
    s3.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})
    version = world.ask("data", "register", f"s3://{LAKE}/big.csv", "-p", "shop")["id"]
    manifest = world.data.get_json(f"datasets/shop/{version}.json")
    [place] = manifest["beside"]["objects"].values()
    assert "-2" in place["etag"]
    assert place["md5"] == hashlib.md5(body, usedforsecurity=False).hexdigest()
    s3.put_object(**where, Body=b"overwritten")
    world.ask("data", "tag", version, "golden")
    [_, name] = world.ask("data", "export-dvc", "golden", "--to", str(dvc.repository))["written"]
    assert name == f"shop-{version[:12]}.csv.dvc"
    assert dvc.pulled() == {name.removesuffix(".dvc"): body}


def test_a_committed_version_comes_back_under_its_own_names(world: World, dvc: Dvc) -> None:
    version = world.commit("january.csv", rows(20), rows(20, 20))
    files = world.ask("data", "show", version)["files"]
    for file in files:
        key = f"objects/{file['sha256']}.parquet"
        world.cloud.s3.put_object(Bucket=BUCKET, Key=key, Body=b"overwritten")
    world.ask("data", "export-dvc", version, "--to", str(dvc.repository))
    found = {path: hashlib.sha256(body).hexdigest() for path, body in dvc.pulled().items()}
    assert found == {file["path"]: file["sha256"] for file in files}


def test_exports_join_a_repository_that_is_there(world: World, dvc: Dvc) -> None:
    dvc.repository.mkdir()
    dvc.run("init", "--no-scm")
    dvc.run("remote", "add", "--default", "ours", "/elsewhere")
    wanted = {}
    for name in ("ones", "twos"):
        for number in (1, 2):
            body = f"x\n{name}{number}\n".encode()
            world.cloud.s3.put_object(Bucket=LAKE, Key=f"{name}/of/{name}/{number}.csv", Body=body)
            wanted[f"{name}/{number}.csv"] = body
        version = world.ask("data", "register", f"s3://{LAKE}/{name}/of/{name}/", "-p", "shop")["id"]
        inside = world.refused("data", "export-dvc", version, "--to", str(dvc.repository / "data"))
        assert f"--to {dvc.repository}" in inside
        world.ask("data", "export-dvc", version, "--to", str(dvc.repository))
    assert dvc.run("config", "core.remote").strip() == "ours"
    assert dvc.pulled() == wanted
