"""Uploads at the edge: one object version as a source of bytes, and the project's rules about it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Self

from trimtab.aws import settings as surroundings
from trimtab.aws.objects import CHECKSUM, Bucket
from trimtab.contract.contract import Contract, load_contract
from trimtab.dataset.version import upload_digest
from trimtab.errors import Gone
from trimtab.instants import parse_time
from trimtab.project import Project, load_project
from trimtab.reading.refusal import Refusal, shown
from trimtab.reading.sources import Stream

type Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Upload:
    """One object version in the landing prefix, and the time of the event that announced it."""

    bucket: str
    key: str
    version_id: str
    time: datetime

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Self:
        """Read an upload from a state machine's input."""
        return cls(event["bucket"], event["key"], event["version_id"], parse_time(event["time"]))

    @property
    def digest(self) -> str:
        """Return a name for this upload that is safe in keys, whatever the file is called."""
        return upload_digest(self.key, self.version_id)

    @property
    def source(self) -> str:
        """Return key and version as lineage names them."""
        return f"{self.key}@{self.version_id}"

    @property
    def origin(self) -> dict[str, str]:
        """Return where a row that is set aside came from."""
        return {"key": self.key, "version_id": self.version_id}

    @property
    def is_folder(self) -> bool:
        """Tell whether this is no file but the empty object that the S3 console makes for a folder."""
        return self.key.endswith("/")

    def find(self, project: str, folder: str) -> "UploadSource":
        """Open this version for reading.

        Raises Refusal when the key lies elsewhere than under `folder` or the version no longer exists.
        """
        prefix = f"landing/{project}/{folder}/"
        if not self.key.startswith(prefix) or ".." in self.key.split("/"):
            raise Refusal("KEY", f"key {shown(self.key)} is not under {prefix}; upload the file there")
        try:
            return UploadSource(Bucket(self.bucket), self.key, self.version_id)
        except Gone as error:
            raise Refusal(
                "GONE", "the uploaded version was deleted before it could be read; upload the file again"
            ) from error


class UploadSource:
    """An uploaded version as a source of bytes; its first whole reading is hashed if it says its sha256."""

    def __init__(self, bucket: Bucket, key: str, version_id: str) -> None:
        """Ask for the object; raise Gone if the version does not exist."""
        self._bucket, self._key, self._version_id = bucket, key, version_id
        found = bucket.open_version(key, version_id)
        self.size, self._body = found.size, found.body
        self._expected = found.metadata.get(CHECKSUM, "").lower()
        self._hash = hashlib.sha256()
        self._hashed = 0

    def open(self, start: int = 0, stop: int | None = None) -> Stream:
        """Open the bytes from `start` up to `stop`, or to the end."""
        if start == 0 and stop is None and self._body is not None:
            body, self._body = self._body, None
            return _Hashing(body, self) if self._expected else body
        return self._bucket.open_range(self._key, self._version_id, start, min(stop or self.size, self.size))

    def note(self, block: bytes) -> None:
        """Take bytes of the whole reading into account."""
        self._hash.update(block)
        self._hashed += len(block)

    def verify(self) -> None:
        """Raise Refusal when the file is not what its uploader said it is."""
        if not self._expected:
            return
        if self._hashed < self.size:
            self._hash, self._hashed = hashlib.sha256(), 0
            stream = self._bucket.open_range(self._key, self._version_id, 0, self.size)
            while block := stream.read(2**20):
                self.note(block)
        if self._hash.hexdigest() != self._expected:
            raise Refusal(
                "CHECKSUM",
                f"the file's sha256 is {self._hash.hexdigest()[:12]}..., its metadata says "
                f"{shown(self._expected[:12])}...; it was changed or cut off on its way, so upload it again",
            )

    def close(self) -> None:
        """Give back a stream that was never read."""
        if self._body is not None:
            self._body.close()
            self._body = None


class _Hashing:
    """A stream that shows its source what passes."""

    def __init__(self, body: Stream, source: UploadSource) -> None:
        self._body, self._source = body, source

    def read(self, size: int, /) -> bytes:
        block = self._body.read(size)
        self._source.note(block)
        return block

    def close(self) -> None:
        self._body.close()


@cache
def rules() -> tuple[Project, Contract]:
    """Load the project's settings and contract, once for each process."""
    folder = surroundings.project_folder()
    project = load_project(folder)
    return project, load_contract(folder, project)


def ignored(upload: Upload) -> Answer:
    """Return the answer for an object that is no upload at all."""
    return {"verdict": "ignored", "key": upload.key, "version_id": upload.version_id}
