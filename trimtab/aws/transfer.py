"""Bring a dataset version's files to disk, and check that they are what the manifest says."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from trimtab.aws.objects import Bucket
from trimtab.dataset.located import OBJECTS, Located
from trimtab.errors import BadInput, Gone

CHUNK_BYTES = 1 << 20
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file: `fetched`, `there`, `right` or, with the reason, `damaged`."""

    path: str
    state: str
    problem: str | None = None


def each(files: Iterable[Located], work: Callable[[Located], Outcome]) -> list[Outcome]:
    """Work on several files at once; return the outcomes in the files' order."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(work, files))


def pull(file: Located, folder: Path) -> Outcome:
    """Download one file unless it is there and right; it appears under its name only once it is complete.

    Raises BadInput when the file's path leads out of `folder`.
    """
    target = folder / file.path
    if not target.resolve().is_relative_to(folder.resolve()):
        raise BadInput(f"{file.path!r} leads out of {folder}; the manifest is not to be trusted")
    if target.is_file() and target.stat().st_size == file.size and sha256_of(target) == file.sha256:
        return Outcome(file.path, "there")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{uuid4().hex}.part")
    try:
        with part.open("xb") as sink:
            problem = _problem(file, _copying(file, sink.write))
        if problem:
            return Outcome(file.path, "damaged", problem)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return Outcome(file.path, "fetched")


def check(file: Located) -> Outcome:
    """Read one pinned object and compare; for a content-addressed key, see that training would read it."""
    problem = _problem(file, _chunks(file)) or _shadowed(file)
    return Outcome(file.path, "damaged" if problem else "right", problem)


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file on disk."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _problem(file: Located, chunks: Iterator[bytes]) -> str | None:
    digest, size = hashlib.sha256(), 0
    try:
        for chunk in chunks:
            digest.update(chunk)
            size += len(chunk)
    except Gone:
        return f"{file.uri} does not exist any more"
    if size != file.size:
        return f"{file.uri} has {size} bytes instead of {file.size}"
    if digest.hexdigest() != file.sha256:
        return f"{file.uri} has sha256 {digest.hexdigest()[:12]} instead of {file.sha256[:12]}"
    return None


def _chunks(file: Located) -> Iterator[bytes]:
    with Bucket(file.bucket).open(file.key, file.version_id) as body:
        while chunk := body.read(CHUNK_BYTES):
            yield chunk


def _copying(file: Located, write: Callable[[bytes], int]) -> Iterator[bytes]:
    for chunk in _chunks(file):
        write(chunk)
        yield chunk


def _shadowed(file: Located) -> str | None:
    """Tell whether a newer object hides the pinned one: SageMaker's manifests know keys, not versions."""
    if not file.key.startswith(OBJECTS):
        return None
    try:
        stands = Bucket(file.bucket).stamp(file.key)
    except Gone:
        return f"{file.uri} is hidden by a delete marker; training would not find it; delete the marker"
    if stands.version_id != file.version_id:
        return (
            f"{file.uri} is hidden by version {stands.version_id}; training would read that one; "
            "delete the newer version"
        )
    return None
