"""Archives whose bytes depend on their content only."""

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.archive import gzip_stored, tar_gz, zip_folder


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 200_000])
def test_stored_gzip_is_read_by_gzip(size: int) -> None:
    data = bytes(index % 251 for index in range(size))
    assert gzip.decompress(gzip_stored(data)) == data


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,9}(/[a-z]{1,9}){0,3}\.py", fullmatch=True), st.binary(max_size=300)
    )
)
def test_tar_gz_keeps_members_and_forgets_their_order(members: dict[str, bytes]) -> None:
    backwards = dict(reversed(members.items()))
    assert tar_gz(members) == tar_gz(backwards)
    with tarfile.open(fileobj=io.BytesIO(tar_gz(members)), mode="r:gz") as archive:
        read = {one.name: archive.extractfile(one).read() for one in archive}  # type: ignore[union-attr]
    assert read == members


def test_tar_gz_bytes_are_those_of_every_machine() -> None:
    data = tar_gz({"b.py": b"two\n", "a.py": b"one\n"})
    assert data[:10] == bytes.fromhex("1f8b08000000000000ff")
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        members = archive.getmembers()
    assert [(one.name, one.mode, one.mtime, one.uid, one.gid, one.uname) for one in members] == [
        ("a.py", 0o644, 0, 0, 0, ""),
        ("b.py", 0o644, 0, 0, 0, ""),
    ]


def test_zip_of_a_folder_does_not_depend_on_times_and_modes(tmp_path: Path) -> None:
    for name, mode in (("one", 0o600), ("two", 0o755)):
        folder = tmp_path / name
        (folder / "package").mkdir(parents=True)
        (folder / "package/module.py").write_text("answer = 42\n")
        (folder / "package/module.py").chmod(mode)
        zip_folder(folder, tmp_path / f"{name}.zip", "python")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert archive.namelist() == ["python/package/module.py"]
