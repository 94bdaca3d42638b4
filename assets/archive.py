"""Write archives whose bytes depend on their content only, on any machine and with any zlib."""

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

LARGEST_STORED_BLOCK = 65_535
EPOCH = (1980, 1, 1, 0, 0, 0)


def tar_gz(members: Mapping[str, bytes]) -> bytes:
    """Pack the members, sorted by name, with fixed owner, mode and time, into a `.tar.gz`.

    >>> tar_gz({"b": b"2", "a": b"1"}) == tar_gz({"a": b"1", "b": b"2"})
    True
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(members):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(members[name]), 0o644
            archive.addfile(info, io.BytesIO(members[name]))
    return gzip_stored(buffer.getvalue())


def gzip_stored(data: bytes) -> bytes:
    """Wrap the data as gzip without compressing it: builds of zlib differ in how they compress."""
    header = b"\x1f\x8b\x08\x00" + b"\x00\x00\x00\x00" + b"\x00\xff"
    blocks = []
    for start in range(0, max(len(data), 1), LARGEST_STORED_BLOCK):
        block = data[start : start + LARGEST_STORED_BLOCK]
        last = start + LARGEST_STORED_BLOCK >= len(data)
        blocks.append(struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF) + block)
    return header + b"".join(blocks) + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)


def zip_folder(folder: Path, target: Path, prefix: str) -> None:
    """Write the files under `folder` into the zip `target` below `prefix`, sorted and with fixed times."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for path in sorted(entry for entry in folder.rglob("*") if entry.is_file()):
            info = zipfile.ZipInfo(f"{prefix}/{path.relative_to(folder).as_posix()}", EPOCH)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(info, path.read_bytes())
