"""Collect the source files of an asset by what they are for, never what lies beside them by chance."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

LEFT_OUT = ("__pycache__", "tests")


def package_files(root: Path, package: str, without: Sequence[str] = ()) -> dict[str, bytes]:
    """Read the files of a package, by path from `root`, leaving out bytecode, tests and `without`."""
    found = {}
    for path in sorted((root / package).rglob("*")):
        inner = path.relative_to(root / package)
        if not path.is_file() or path.suffix == ".pyc" or any(part.startswith(".") for part in inner.parts):
            continue
        if set(inner.parts) & set(LEFT_OUT) or inner.parts[0].removesuffix(".py") in without:
            continue
        found[path.relative_to(root).as_posix()] = path.read_bytes()
    return found


def digest_of(files: Mapping[str, bytes]) -> str:
    """Digest names and contents; nothing that differs between two machines enters."""
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(f"{name}\0{hashlib.sha256(files[name]).hexdigest()}\n".encode())
    return total.hexdigest()
