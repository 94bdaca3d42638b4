import gzip
import io
import tarfile

import pytest

from trimtab.canonical import canonical_json, sha256_hex
from trimtab.errors import Denied
from trimtab.training.archive import (
    MODEL_MEMBERS,
    Limits,
    member_digests,
    model_sha256,
    read_archive,
    read_json,
    read_model,
)


def archive(*entries, compress=True):
    """Pack (name or TarInfo, content) pairs as they are, unsafe ones too."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in entries:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return gzip.compress(buffer.getvalue()) if compress else buffer.getvalue()


def special(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def model(**changes):
    members = {"model.joblib": b"model", "code/inference.py": b"code", "code/trimtab/errors.py": b""}
    files = {name: sha256_hex(content) for name, content in members.items()}
    manifest = {"files": files, "model_sha256": model_sha256(files)} | changes
    return archive(*members.items(), ("manifest.json", canonical_json(manifest))), model_sha256(files)


def test_expected_members_are_read_whatever_way_the_archive_was_packed():
    folders = [(special(".", tarfile.DIRTYPE), b""), (special("./code", tarfile.DIRTYPE), b"")]
    packed = archive(*folders, ("./model.joblib", b"1"), ("./code/a/b.py", b"2"))
    assert read_archive(packed, MODEL_MEMBERS) == {"model.joblib": b"1", "code/a/b.py": b"2"}


def test_an_open_file_is_read_like_bytes():
    assert read_archive(io.BytesIO(archive(("manifest.json", b"{}"))), ["manifest.json"]) == {
        "manifest.json": b"{}"
    }


@pytest.mark.parametrize(
    "name",
    [
        "../model.joblib",
        "/model.joblib",
        "code/../../x.py",
        "code//x.py",
        "code\\x.py",
        "code/x\n.py",
        "./../x.py",
    ],
)
def test_a_name_that_could_leave_the_folder_is_refused(name):
    with pytest.raises(Denied, match="leave its folder"):
        read_archive(archive((name, b"")), ["*"])


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_are_refused(kind):
    with pytest.raises(Denied, match="not a plain file"):
        read_archive(archive((special("model.joblib", kind, "/etc/passwd"), b"")), ["*"])


def test_a_folder_that_leaves_the_folder_is_refused():
    with pytest.raises(Denied, match="leave its folder"):
        read_archive(archive((special("../up", tarfile.DIRTYPE), b"")), ["*"])


def test_an_unexpected_member_is_refused():
    with pytest.raises(Denied, match=r"unexpected member 'run\.sh'"):
        read_archive(archive(("model.joblib", b""), ("run.sh", b"")), MODEL_MEMBERS)


def test_a_member_that_comes_twice_is_refused():
    with pytest.raises(Denied, match="twice"):
        read_archive(archive(("model.joblib", b"good"), ("./model.joblib", b"bad")), MODEL_MEMBERS)


def test_too_many_members_are_refused():
    packed = archive(*((f"code/{i}.py", b"") for i in range(4)))
    assert len(read_archive(packed, MODEL_MEMBERS, Limits(members=4))) == 4
    with pytest.raises(Denied, match="more than 3 members"):
        read_archive(packed, MODEL_MEMBERS, Limits(members=3))


def test_an_archive_that_unpacks_to_more_than_the_limit_is_refused():
    packed = archive(("model.joblib", bytes(50_000_000)))
    assert len(packed) < 100_000
    with pytest.raises(Denied, match="more than 1000000 bytes"):
        read_archive(packed, MODEL_MEMBERS, Limits(total_bytes=1_000_000))


@pytest.mark.parametrize("damage", ["no gzip", "cut", "flipped", "no tar"])
def test_a_damaged_archive_is_refused(damage):
    packed = archive(("model.joblib", bytes(range(256)) * 100))
    packed = {
        "no gzip": archive(("model.joblib", b"1"), compress=False),
        "cut": packed[: len(packed) // 2],
        "flipped": packed[:40] + bytes([packed[40] ^ 255]) + packed[41:],
        "no tar": gzip.compress(b"x" * 2000),
    }[damage]
    with pytest.raises(Denied, match="damaged"):
        read_archive(packed, MODEL_MEMBERS)


def test_a_model_is_returned_when_its_content_is_what_the_manifest_lists():
    packed, sha256 = model()
    members, manifest = read_model(packed, sha256)
    assert members["model.joblib"] == b"model"
    assert manifest["model_sha256"] == sha256 == model_sha256(member_digests(members))


def test_a_model_is_refused_when_the_registry_names_another():
    with pytest.raises(Denied, match="the registry's record says ffffffffffff"):
        read_model(model()[0], "f" * 64)


@pytest.mark.parametrize("changes", [{"files": {}}, {"model_sha256": "0" * 64}, {"files": None}])
def test_a_model_is_refused_when_its_manifest_lists_something_else(changes):
    with pytest.raises(Denied, match="not what its manifest lists"):
        read_model(model(**changes)[0])


def test_a_model_without_a_manifest_is_refused():
    with pytest.raises(Denied, match=r"lacks manifest\.json"):
        read_model(archive(("model.joblib", b"1")))


@pytest.mark.parametrize("content", [b"[1]", b"{", b"\xff"])
def test_a_member_that_is_no_json_object_is_refused(content):
    with pytest.raises(Denied, match=r"manifest\.json"):
        read_json({"manifest.json": content}, "manifest.json")
