"""Objects in one S3 bucket: read, write once, compare and swap, list."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from trimtab.aws.clients import client
from trimtab.aws.faults import translated
from trimtab.canonical import canonical_json
from trimtab.errors import Conflict, Gone

CHECKSUM = "sha256"  # the metadata by which an uploader says what a file should hold
_AT_ONCE = 2**23


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object as a listing shows it."""

    key: str
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells one version of an object from every other."""

    etag: str
    version_id: str


@dataclass(frozen=True, slots=True)
class OpenedVersion:
    """One version of an object, to be read from front to back."""

    size: int
    metadata: Mapping[str, str]
    body: IO[bytes] | None


@dataclass(frozen=True, slots=True)
class Bucket:
    """One S3 bucket."""

    name: str

    def uri(self, key: str) -> str:
        """Return the `s3://` address of `key`."""
        return f"s3://{self.name}/{key}"

    def get(self, key: str, version_id: str | None = None) -> bytes:
        """Read an object whole; raise Gone if it does not exist."""
        with self.open(key, version_id) as body:
            return body.read()

    def open(self, key: str, version_id: str | None = None) -> IO[bytes]:
        """Open an object (or one version of it) as a stream; raise Gone if it does not exist."""
        extra = {"VersionId": version_id} if version_id else {}
        with translated(f"read {self.uri(key)}"):
            return client("s3").get_object(Bucket=self.name, Key=key, **extra)["Body"]  # type: ignore[arg-type,return-value]

    def open_version(self, key: str, version_id: str) -> OpenedVersion:
        """Open one version of an object, with its size and metadata; raise Gone if it does not exist."""
        with translated(f"read {self.uri(key)}"):
            found = client("s3").get_object(Bucket=self.name, Key=key, VersionId=version_id)
        return OpenedVersion(found["ContentLength"], found.get("Metadata", {}), found["Body"])  # type: ignore[arg-type]

    def open_range(self, key: str, version_id: str, start: int, stop: int) -> IO[bytes]:
        """Open the bytes of one version from `start` up to `stop`."""
        with translated(f"read {self.uri(key)}"):
            return client("s3").get_object(  # type: ignore[return-value]
                Bucket=self.name, Key=key, VersionId=version_id, Range=f"bytes={start}-{stop - 1}"
            )["Body"]

    def get_json(self, key: str) -> Any:
        """Read an object that holds JSON."""
        return json.loads(self.get(key))

    def put(self, key: str, body: bytes, content_type: str = "application/octet-stream") -> None:
        """Write an object, replacing what was there as a new version."""
        with translated(f"write {self.uri(key)}"):
            client("s3").put_object(Bucket=self.name, Key=key, Body=body, ContentType=content_type)

    def put_file(self, key: str, path: Path, content_type: str = "application/octet-stream") -> None:
        """Write a file of any size, replacing what was there as a new version."""
        if path.stat().st_size <= _AT_ONCE:
            self.put(key, path.read_bytes(), content_type)
            return
        with translated(f"write {self.uri(key)}"):
            client("s3").upload_file(str(path), self.name, key, ExtraArgs={"ContentType": content_type})

    def fetch(self, key: str, path: Path) -> None:
        """Write an object's bytes to a file, without holding them."""
        with translated(f"read {self.uri(key)}"), path.open("wb") as file:
            client("s3").download_fileobj(self.name, key, file)

    def put_json(self, key: str, value: Any) -> None:
        """Write `value` as canonical JSON."""
        self.put(key, canonical_json(value), "application/json")

    def put_once(self, key: str, body: bytes) -> bool:
        """Write an object unless the key exists; return whether this call wrote it.

        For content-addressed keys and for things that the first writer decides.
        """
        try:
            with translated(f"write {self.uri(key)}"):
                client("s3").put_object(Bucket=self.name, Key=key, Body=body, IfNoneMatch="*")
        except Conflict:
            return False
        return True

    def exists(self, key: str) -> bool:
        """Tell whether `key` exists."""
        try:
            with translated(f"look for {self.uri(key)}"):
                client("s3").head_object(Bucket=self.name, Key=key)
        except Gone:
            return False
        return True

    def stamp(self, key: str) -> Stamp:
        """Say which version of an object stands; raise Gone if it does not exist."""
        with translated(f"look at {self.uri(key)}"):
            answer = client("s3").head_object(Bucket=self.name, Key=key)
        return Stamp(answer["ETag"].strip('"'), answer.get("VersionId", "null"))

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """List the objects under `prefix` in the order of their keys."""
        pages = client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        with translated(f"list {self.uri(prefix)}"):
            for page in pages:
                for entry in page.get("Contents", []):
                    yield StoredObject(entry["Key"], entry["Size"], entry["ETag"].strip('"'))
