"""Make small .tar.gz archives for the tests of jobs and endpoints."""

from __future__ import annotations

import io
import tarfile


def packed(files: dict[str, str]) -> bytes:
    """Pack files given as name: text."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return raw.getvalue()
