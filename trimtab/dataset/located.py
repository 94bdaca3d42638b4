"""Where the files of a dataset version lie: the manifest's files joined with what S3 knows of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trimtab.dataset.version import dataset_id
from trimtab.errors import Denied

OBJECTS = "objects/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """One file of a dataset version and the one object version that holds it."""

    path: str
    size: int
    sha256: str
    rows: int
    bucket: str
    key: str
    version_id: str
    etag: str
    md5: str

    @property
    def uri(self) -> str:
        """Return the object's address and version, for people."""
        return f"s3://{self.bucket}/{self.key}@{self.version_id}"


def located(manifest: Mapping[str, Any]) -> list[Located]:
    """Return the files of a manifest with their places; raise Denied when a place is missing.

    A file of a version that was registered in place names its own bucket.
    """
    beside = manifest["beside"]
    files = []
    for file in manifest["files"]:
        place = beside["objects"].get(file["sha256"])
        if place is None:
            raise Denied(
                f"the manifest of {manifest['id'][:12]} does not say where {file['path']} lies; "
                "restore it from its bucket's versions"
            )
        files.append(
            Located(
                path=file["path"],
                size=file["size"],
                sha256=file["sha256"],
                rows=file["rows"],
                bucket=place.get("bucket", beside["bucket"]),
                key=place["key"],
                version_id=place["version_id"],
                etag=place["etag"],
                md5=place["md5"],
            )
        )
    return files


def recomputed_id(manifest: Mapping[str, Any]) -> str:
    """Return the id that a manifest's content gives."""
    return dataset_id(manifest["schema"], manifest["files"])
