"""A dataset version in DVC's own files, pinned to object versions, for the real DVC to pull.

An import names its object version in the dependency. (`dvc import-url` with `?versionId=` does not: it takes
the latest version without a word and leaves a repository in which every later command fails.)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import yaml

from trimtab.canonical import sha256_hex
from trimtab.dataset.located import Located
from trimtab.errors import BadInput


@dataclass(frozen=True, slots=True)
class Remote:
    """A version-aware remote: DVC looks for a file at its address and the file's path in the repository."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Export:
    """Files to write, by path, and the remote that they need, if any."""

    files: Mapping[str, str]
    remote: Remote | None


def export(files: Sequence[Located], name: str) -> Export:
    """Return DVC's files for a dataset version.

    Objects that lie below one prefix under the names of the version's files become one directory with a
    `cloud:` block for each file. Others, which have names made from their content, become one import for each
    file, under the version's own names; a single file becomes `name` with its ending.
    """
    if not files:
        raise BadInput("the version has no files, so there is nothing to export")
    prefix = _shared_prefix(files)
    if len(files) > 1 and prefix is not None:
        parent, _, folder = prefix.rstrip("/").rpartition("/")
        bucket = files[0].bucket
        url = f"s3://{bucket}/{parent}" if parent else f"s3://{bucket}"
        remote = Remote(f"trimtab-{sha256_hex(url.encode())[:8]}", url)
        return Export({f"{folder}.dvc": _directory(files, folder, remote.name)}, remote)
    if len(files) == 1:
        out = f"{name}{PurePosixPath(files[0].path).suffix}"
        return Export({f"{out}.dvc": _import(files[0], out)}, None)
    return Export({f"{file.path}.dvc": _import(file, PurePosixPath(file.path).name) for file in files}, None)


def _shared_prefix(files: Sequence[Located]) -> str | None:
    """Return the prefix under which each object has its file's path; None if there is none."""
    first = files[0]
    prefix = first.key.removesuffix(first.path)
    if not prefix.endswith("/") or any(
        (file.bucket, file.key) != (first.bucket, f"{prefix}{file.path}") for file in files
    ):
        return None
    return prefix


def _import(file: Located, out: str) -> str:
    return _yaml(
        {
            "frozen": True,
            "deps": [
                {
                    "etag": file.etag,
                    "size": file.size,
                    "version_id": file.version_id,
                    "hash": "md5",
                    "path": f"s3://{file.bucket}/{file.key}",
                }
            ],
            # The md5 is of the content: the ETag of an object uploaded in parts is none.
            "outs": [{"md5": file.md5, "size": file.size, "hash": "md5", "path": out, "push": False}],
        }
    )


def _directory(files: Sequence[Located], folder: str, remote: str) -> str:
    entries = [
        {
            "relpath": file.path,
            "md5": file.md5,
            "size": file.size,
            "cloud": {remote: {"etag": file.etag, "version_id": file.version_id}},
        }
        for file in files
    ]
    return _yaml(
        {"outs": [{"hash": "md5", "path": folder, "push": False, "remote": remote, "files": entries}]}
    )


def _yaml(document: Mapping[str, Any]) -> str:
    return str(yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True))
