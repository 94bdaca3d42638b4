"""Archives as SageMaker lays them out: written the same to the last byte, refused when not plain files."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path, PurePosixPath

MOST_MEMBERS = 10_000
MOST_BYTES = 4 * 1024**3


class BadArchive(Exception):
    """The archive holds something other than plain files in plain folders, or too much of it."""


def pack(folder: Path, target: Path) -> int:
    """Write the files under a folder to a .tar.gz and return their number.

    Names are sorted; times, owners and modes are fixed. Raise BadArchive for links and devices.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    with (
        target.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in files:
            if path.is_symlink() or not path.is_file():
                raise BadArchive(f"{path.relative_to(folder)} is neither a file nor a folder")
            member = tarfile.TarInfo(path.relative_to(folder).as_posix())
            member.size, member.mode = path.stat().st_size, 0o644
            with path.open("rb") as content:
                archive.addfile(member, content)
    return len(files)


def unpack(archive: Path, folder: Path) -> None:
    """Extract a .tar.gz; raise BadArchive, and extract nothing, when anything unexpected is in it."""
    try:
        with tarfile.open(archive, "r:gz") as opened:
            members = _checked(opened)
            for member in members:
                target = folder / member.name
                if member.isdir():
                    target.mkdir(parents=True, exist_ok=True)
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                content = opened.extractfile(member)
                target.write_bytes(content.read() if content is not None else b"")
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, OSError) as error:
        raise BadArchive(f"{archive.name} cannot be read as a .tar.gz: {error}") from error


def _checked(opened: tarfile.TarFile) -> list[tarfile.TarInfo]:
    members, seen, total = [], set(), 0
    for member in opened:
        name = PurePosixPath(member.name)
        if not (member.isreg() or member.isdir()):
            raise BadArchive(f"{member.name!r} is a link or a device")
        if name.is_absolute() or ".." in name.parts or "\\" in member.name:
            raise BadArchive(f"{member.name!r} would be written outside its folder")
        if member.isreg() and name in seen:
            raise BadArchive(f"{member.name!r} is there twice")
        seen.add(name)
        total += member.size
        members.append(member)
        if len(members) > MOST_MEMBERS or total > MOST_BYTES:
            raise BadArchive(f"more than {MOST_MEMBERS} members or {MOST_BYTES} bytes")
    return members
