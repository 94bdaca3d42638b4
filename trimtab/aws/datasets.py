"""Commit dataset versions, and let the newest upload of a key supersede the older ones."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from trimtab.aws.object_versions import versions_of
from trimtab.aws.objects import Bucket
from trimtab.aws.table import Table, add_edge
from trimtab.canonical import canonical_json
from trimtab.dataset.version import dataset_id, manifest, manifest_key, newest_first
from trimtab.errors import Conflict


@dataclass(frozen=True, slots=True)
class Commit:
    """A dataset version that is committed, and the newer one that supersedes it, if there is one."""

    dataset_id: str
    superseded_by: str | None


@dataclass(frozen=True, slots=True)
class Datasets:
    """The dataset versions of one project."""

    project: str
    bucket: Bucket
    table: Table

    def commit(self, checked: Mapping[str, Any], committed_at: str) -> Commit:
        """Write manifest, record and lineage of accepted rows; the same content twice is one version."""
        described = checked["manifest"]
        version = dataset_id(described["schema"], described["files"])
        document = manifest(
            version, checked, project=self.project, committed_at=committed_at, bucket=self.bucket.name
        )
        self.bucket.put_once(manifest_key(self.project, version), canonical_json(document))
        self.table.put_once(self._item(version, checked, committed_at))
        add_edge(self.table, f"upload:{checked['source']}", "committed-as", f"dataset:{version}")
        self._attach(version, checked["key"], checked["version_id"])
        current = self._settle(checked["key"])
        return Commit(version, None if current == version else current)

    def _item(self, version: str, checked: Mapping[str, Any], committed_at: str) -> dict[str, Any]:
        copied = (
            "kind",
            "rows",
            "quarantined",
            "event_from",
            "event_to",
            "profile_key",
            "source",
            "labelled",
        )
        return {
            "pk": f"DATASET#{self.project}",
            "sk": version,
            **{name: checked[name] for name in copied},
            "rows": checked["accepted"],
            "manifest_key": manifest_key(self.project, version),
            "committed_at": committed_at,
        }

    def _attach(self, version: str, key: str, version_id: str) -> None:
        """Note at the upload which dataset version it became, and replace one that it had become before.

        The same labels become another version when more traffic was captured since.
        """
        pk, sk = f"UPLOAD#{self.project}", f"{key}#{version_id}"
        before = (self.table.get(pk, sk) or {}).get("dataset_id")
        self.table.update(pk, sk, {"dataset_id": version})
        if before and before != version and before not in self._known(key).values():
            self._restore(version, before)
            self._supersede(before, version)

    def _settle(self, key: str) -> str:
        """Let the newest upload's version supersede the others of its key; return it.

        Uploads arrive in any order and at the same time. Each commit notes its upload first, settles, and
        looks again: whoever writes last has seen everyone.
        """
        known = self._known(key)
        while True:
            order = newest_first(self._uploaded(key) if len(known) > 1 else [], known)
            current, *older = order
            if older:
                self._restore(current, older[0])
            for version in older:
                self._supersede(version, current)
            again = self._known(key)
            if again == known:
                return current
            known = again

    def _known(self, key: str) -> dict[str, str]:
        """Map the object versions of a key to the dataset versions made from them."""
        uploads = self.table.query(f"UPLOAD#{self.project}", f"{key}#")
        return {
            upload["version_id"]: upload["dataset_id"]
            for upload in uploads
            if upload["key"] == key and upload.get("dataset_id")
        }

    def _uploaded(self, key: str) -> list[str]:
        """List the versions of an uploaded object, newest first, which is how S3 lists them."""
        return [one.version_id for one in versions_of(self.bucket, key) if not one.is_marker]

    def _supersede(self, version: str, current: str) -> None:
        with suppress(Conflict):  # it is so already
            self.table.update(
                f"DATASET#{self.project}",
                version,
                {"superseded_by": current},
                condition="attribute_exists(pk) "
                "AND (attribute_not_exists(superseded_by) OR superseded_by <> :current)",
                values={":current": current},
            )

    def _restore(self, version: str, supersedes: str) -> None:
        """Mark a version as current: it may have been superseded by another one and uploaded again since."""
        with suppress(Conflict):
            self.table.update(
                f"DATASET#{self.project}",
                version,
                {"superseded_by": None, "supersedes": supersedes},
                condition="attribute_exists(pk) AND (attribute_not_exists(supersedes) "
                "OR supersedes <> :older OR attribute_type(superseded_by, :text))",
                values={":older": supersedes, ":text": "S"},
            )
