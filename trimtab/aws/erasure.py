"""Erase an upload and everything made from it, for personal data, and leave proof of what was touched."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trimtab.aws.collection import MANIFESTS, read_references, remove_record
from trimtab.aws.in_training import datasets_in_training
from trimtab.aws.lineage import descendants
from trimtab.aws.object_versions import ObjectVersion, delete_versions, list_versions, versions_of
from trimtab.aws.objects import Bucket
from trimtab.aws.table import Table, edges
from trimtab.aws.tags import read_tags, set_tag
from trimtab.canonical import digest
from trimtab.dataset.version import manifest_key, upload_digest
from trimtab.errors import BadInput, Conflict
from trimtab.model.lineage import dataset_node


@dataclass(frozen=True, slots=True)
class Erasure:
    """What is to be erased, what has to stay, and which versions and models were made from it."""

    project: str
    key: str
    datasets: list[str]
    kept_datasets: list[str]
    objects: list[ObjectVersion]
    kept_objects: list[str]
    touched: dict[str, list[str]]
    uploads: list[str]

    @property
    def bytes(self) -> int:
        """Return the size of what is erased."""
        return sum(one.size for one in self.objects)

    def to_dict(self) -> dict[str, Any]:
        """Return what the record says."""
        return {
            "project": self.project,
            "key": self.key,
            "datasets": self.datasets,
            "kept_datasets": self.kept_datasets,
            "object_versions": len(self.objects),
            "bytes": self.bytes,
            "kept_objects": self.kept_objects,
            **self.touched,
        }


def project_of(key: str) -> str:
    """Return the project of an upload's key; raise BadInput for any other key."""
    parts = key.split("/")
    if len(parts) < 4 or parts[0] != "landing" or parts[2] not in ("data", "labels") or not parts[-1]:
        raise BadInput(f"{key!r} is not the key of an upload; write landing/PROJECT/data/NAME")
    return parts[1]


def plan(data: Bucket, table: Table, key: str, *, now: datetime) -> Erasure:
    """Find all that came from an upload key.

    Raises BadInput when nothing did, and Conflict while a training run reads it.
    """
    project = project_of(key)
    records = [item for item in table.query(f"UPLOAD#{project}", f"{key}#") if item["key"] == key]
    landed = versions_of(data, key)
    uploads = {(key, str(item["version_id"])) for item in records} | {(key, one.version_id) for one in landed}
    made = {str(item["dataset_id"]) for item in records if item.get("dataset_id")}
    for _, version_id in uploads:
        made |= {node.partition(":")[2] for _, node in edges(table, f"upload:{key}@{version_id}", "out")}
    is_done = all(item.get("erased_at") for item in records)
    if not landed and is_done and not any(_is_left(table, project, one) for one in made):
        raise BadInput(
            f"nothing is left of {key}; look for its name with: aws s3 ls s3://{data.name}/landing/{project}/"
        )
    shared = sorted(name for name in made if _comes_from_elsewhere(table, project, name, key))
    ours = sorted(made - set(shared))
    if busy := sorted(set(ours) & set(datasets_in_training(table, project, now))):
        raise Conflict(f"a training run reads {busy[0][:12]}, made from {key}; wait for its end")
    objects, kept = _objects(data, project, ours)
    return Erasure(
        project=project,
        key=key,
        datasets=ours,
        kept_datasets=shared,
        objects=[*landed, *_set_aside(data, project, uploads), *objects],
        kept_objects=kept,
        touched=_touched(table, project, ours),
        uploads=[item["sk"] for item in records],
    )


def erase(data: Bucket, table: Table, planned: Erasure, *, actor: str, at: str, reason: str) -> str:
    """Erase what was planned; return the sort key of the record.

    A record of the intention is written first and one of the end last; nothing changes them afterwards. A
    run that broke off is simply run again: it erases, and records, what is left.
    """
    project = planned.project
    name = f"{at}#{digest({'key': planned.key, 'actor': actor})[:12]}"
    record = {"pk": f"ERASED#{project}", **planned.to_dict(), "actor": actor, "at": at, "reason": reason}
    table.put_once({**record, "sk": f"{name}#1-started"})
    delete_versions(data, planned.objects)
    tags = read_tags(table, project)
    for version in planned.datasets:
        manifest = manifest_key(project, version)
        delete_versions(data, versions_of(data, manifest))
        for tag in [tag for tag, named in tags.items() if named == version]:
            set_tag(table, project, tag, None, actor=actor, at=at, force=True)
        remove_record(table, project, version, actor=actor, at=at, reason=f"erased: {reason}")
    for upload in planned.uploads:
        table.update(f"UPLOAD#{project}", upload, {"dataset_id": None, "report_key": None, "erased_at": at})
    table.put_once({**record, "sk": f"{name}#2-done"})
    return f"{name}#2-done"


def _is_left(table: Table, project: str, version: str) -> bool:
    return table.get(f"DATASET#{project}", version) is not None


def _comes_from_elsewhere(table: Table, project: str, version: str, key: str) -> bool:
    """Tell whether the same version was made from another upload, or registered, too."""
    for _, node in edges(table, dataset_node(version), "in"):
        kind, _, name = node.partition(":")
        other, _, version_id = name.rpartition("@")
        if kind == "source":
            return True
        if other != key:
            item = table.get(f"UPLOAD#{project}", f"{other}#{version_id}")
            if item is not None and not item.get("erased_at"):
                return True
    return False


def _set_aside(data: Bucket, project: str, uploads: set[tuple[str, str]]) -> list[ObjectVersion]:
    """List the rows that were quarantined, the reports, and what the steps of a run handed to each other."""
    digests = sorted(upload_digest(key, version_id) for key, version_id in uploads)
    return [
        one
        for kind in ("quarantine", "ingest")
        for digest in digests
        for one in list_versions(data, f"{kind}/{project}/{digest}/")
    ]


def _objects(data: Bucket, project: str, versions: list[str]) -> tuple[list[ObjectVersion], list[str]]:
    """List the objects and profiles that only `versions` have; and those that others have too, with whom."""
    ours = {manifest_key(project, version) for version in versions}
    wanted: set[str] = set()
    elsewhere: dict[str, str] = {}
    for manifest, keys in read_references(data, [entry.key for entry in data.list(MANIFESTS)]):
        if manifest in ours:
            wanted |= keys
        else:
            elsewhere |= dict.fromkeys(keys, manifest.removeprefix(MANIFESTS).removesuffix(".json"))
    found = [one for key in sorted(wanted - elsewhere.keys()) for one in versions_of(data, key)]
    kept = [f"{key}, which {elsewhere[key]} has too" for key in sorted(wanted & elsewhere.keys())]
    return found, kept


def _touched(table: Table, project: str, versions: list[str]) -> dict[str, list[str]]:
    """List the training sets, models and endpoints that came from dataset versions."""
    nodes: set[str] = set()
    for version in versions:
        pending = [descendants(table, dataset_node(version), project)]
        while pending:
            tree = pending.pop()
            nodes.add(tree["node"])
            pending += tree["children"]
    kinds = {"training_sets": "training-set:", "models": "model:", "endpoints": "endpoint:"}
    return {
        name: sorted(node.removeprefix(start) for node in nodes if node.startswith(start))
        for name, start in kinds.items()
    }
