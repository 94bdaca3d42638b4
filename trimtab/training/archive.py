"""Read a training job's archives without trusting them: expected members only, in memory, within limits.

Anything unexpected - another name, a path that leaves the folder, a link, a device, a member twice - is
refused, never repaired. Pure and light, because Lambda functions read the same archives as the training job.
"""

import gzip
import io
import json
import tarfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import IO, Any

from trimtab.canonical import digest, sha256_hex
from trimtab.errors import Denied

MANIFEST = "manifest.json"
MODEL = "model.joblib"
EVALUATION = "evaluation.json"
BASELINE = "baseline.bin"
MODEL_MEMBERS = (MODEL, MANIFEST, "code/*.py")
OUTPUT_MEMBERS = (EVALUATION, BASELINE, MANIFEST)


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may hold at most; `total_bytes` is counted after decompression."""

    members: int = 1000
    total_bytes: int = 2_000_000_000


def read_archive(
    source: bytes | IO[bytes], expected: Iterable[str], limits: Limits | None = None
) -> dict[str, bytes]:
    """Read the members of a tar.gz whose names match `expected` (shell patterns; `*` also crosses `/`).

    Raises Denied for anything that is not a plain file of an expected name, and beyond the limits.
    """
    limits = limits or Limits()
    patterns = tuple(expected)
    members: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=_Bounded(source, limits.total_bytes), mode="r|") as archive:
            for entry in archive:
                name = _plain_name(entry)
                if entry.isdir():
                    continue
                _check(entry, name, patterns, members, limits)
                file = archive.extractfile(entry)
                members[name] = file.read() if file else b""
    except (tarfile.TarError, zlib.error, gzip.BadGzipFile, EOFError) as error:
        raise Denied(f"the archive is damaged ({error}); do not use it, train again") from error
    return members


def member_digests(members: Mapping[str, bytes]) -> dict[str, str]:
    """Return the sha256 of every member but the manifest, which lists them."""
    return {name: sha256_hex(data) for name, data in members.items() if name != MANIFEST}


def model_sha256(files: Mapping[str, str]) -> str:
    """Return the identity of a model: the digest of its members' digests, whatever the archive's layout."""
    return digest(dict(files))


def read_model(
    source: bytes | IO[bytes], expected_sha256: str | None = None, limits: Limits | None = None
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Return the members and the manifest of a model.tar.gz whose content is what its manifest says.

    Raises Denied when a member differs, or when the model is not the one of `expected_sha256`.
    """
    members = read_archive(source, MODEL_MEMBERS, limits)
    if missing := {MODEL, MANIFEST} - members.keys():
        raise Denied(f"the model archive lacks {', '.join(sorted(missing))}; do not use it, train again")
    manifest = read_json(members, MANIFEST)
    files = member_digests(members)
    if manifest.get("files") != files or manifest.get("model_sha256") != model_sha256(files):
        raise Denied("the model archive's content is not what its manifest lists; do not use it, train again")
    if expected_sha256 is not None and manifest["model_sha256"] != expected_sha256:
        raise Denied(
            f"the model archive holds model {manifest['model_sha256'][:12]}, but the registry's record says "
            f"{expected_sha256[:12]}; do not use it, find out who replaced the archive"
        )
    return members, manifest


def read_json(members: Mapping[str, bytes], name: str) -> dict[str, Any]:
    """Return a member as a JSON object; raise Denied when it is absent or is none."""
    try:
        value = json.loads(members[name])
    except (KeyError, ValueError) as error:
        raise Denied(f"the archive has no readable {name}; do not use it, train again") from error
    if not isinstance(value, dict):
        raise Denied(f"the archive's {name} is not a JSON object; do not use it, train again")
    return value


def _plain_name(entry: tarfile.TarInfo) -> str:
    name = entry.name.removeprefix("./").rstrip("/")
    parts = name.split("/")
    if name in {"", "."} and entry.isdir():
        return "."
    if entry.name.startswith("/") or ".." in parts or "" in parts or "\\" in name or not name.isprintable():
        raise Denied(f"the archive has a member named {entry.name!r}, which could leave its folder; refused")
    return name


def _check(
    entry: tarfile.TarInfo, name: str, patterns: tuple[str, ...], seen: Mapping[str, bytes], limits: Limits
) -> None:
    if not entry.isreg() or entry.issparse():
        raise Denied(f"the archive's member {name!r} is not a plain file but a link or a device; refused")
    if not any(fnmatchcase(name, pattern) for pattern in patterns):
        raise Denied(f"the archive has the unexpected member {name!r}; refused")
    if name in seen:
        raise Denied(f"the archive has the member {name!r} twice; refused")
    if len(seen) >= limits.members:
        raise Denied(f"the archive has more than {limits.members} members; refused")


class _Bounded(io.RawIOBase):
    """A gzip stream, decompressed, that ends in Denied once it has given more bytes than its limit."""

    def __init__(self, source: bytes | IO[bytes], limit: int) -> None:
        raw = io.BytesIO(source) if isinstance(source, bytes) else source
        self._stream = gzip.GzipFile(fileobj=raw, mode="rb")
        self._limit = limit
        self._given = 0

    def read(self, size: int = -1) -> bytes:
        """Return at most `size` bytes; tarfile asks for one block at a time."""
        data = self._stream.read(size)
        self._given += len(data)
        if self._given > self._limit:
            raise Denied(f"the archive holds more than {self._limit} bytes; refused")
        return data
