"""Garbage collection: remove dataset versions that nothing refers to, and the objects only they have."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from trimtab.aws.claims import claimed
from trimtab.aws.in_training import datasets_in_training
from trimtab.aws.object_versions import ObjectVersion, delete_versions, hide, list_versions
from trimtab.aws.objects import Bucket
from trimtab.aws.table import Item, Table
from trimtab.aws.tags import read_tags
from trimtab.dataset.located import OBJECTS
from trimtab.dataset.retention import reasons_to_keep
from trimtab.dataset.version import manifest_key
from trimtab.errors import Conflict, Gone

MANIFESTS = "datasets/"


@dataclass(frozen=True, slots=True)
class Collection:
    """What a collection would remove: versions, the object versions that only they have, and who stays.

    `contents` are the keys that each version which leaves refers to.
    """

    project: str
    versions: list[Item]
    objects: list[ObjectVersion]
    contents: dict[str, set[str]]
    kept: dict[str, list[str]]

    @property
    def bytes(self) -> int:
        """Return the size of what is removed."""
        return sum(one.size for one in self.objects)


def plan(data: Bucket, table: Table, project: str, *, now: datetime, grace: timedelta) -> Collection:
    """Mark from models, tags, training runs and present versions; sweep the objects of the rest.

    Content that any other version of any project has stays. Raises Conflict when a version that stays has
    lost its manifest, because what it refers to is then unknown.
    """
    items = {item["sk"]: item for item in table.query(f"DATASET#{project}")}
    reasons = reasons_to_keep(
        items.values(),
        models=table.query(f"MODEL#{project}"),
        tags=read_tags(table, project),
        in_training=datasets_in_training(table, project, now),
        now=now,
        grace=grace,
    )
    leaving = {manifest_key(project, name) for name, why in reasons.items() if not why}
    wanted, staying = _referred(data, leaving)
    for name, why in reasons.items():
        if why and manifest_key(project, name) not in staying.manifests:
            raise Conflict(
                f"version {name[:12]} of {project} stays ({why[0]}) but its manifest is gone; restore "
                f"{data.uri(manifest_key(project, name))} from the bucket's versions first"
            )
    removed = wanted - staying.keys
    return Collection(
        project=project,
        versions=[items[name] for name, why in sorted(reasons.items()) if not why],
        objects=_versions_below(data, removed, (OBJECTS, f"profiles/{project}/")),
        contents=_contents(data, project, [name for name, why in reasons.items() if not why]),
        kept={name: why for name, why in reasons.items() if why},
    )


def collect(data: Bucket, table: Table, planned: Collection, *, actor: str, at: str) -> None:
    """Remove what was planned, content first and the record last, so that it can be run again.

    An upload may find content there, and refer to it, after the plan was made. So content is hidden first:
    who comes later writes it anew, as another version; and what was claimed before that is shown again, with
    the versions that consist of it.
    """
    wanted = _remove_unwanted(data, table, planned)
    for item in planned.versions:
        if wanted & planned.contents[item["sk"]]:
            continue
        manifest = manifest_key(planned.project, item["sk"])
        delete_versions(data, _versions_below(data, {manifest}, (manifest,)))
        remove_record(table, planned.project, item["sk"], actor=actor, at=at, reason="garbage collection")


def _remove_unwanted(data: Bucket, table: Table, planned: Collection) -> set[str]:
    """Remove the planned content for good; return the keys that are wanted again, and stay."""
    keys = {one.key for one in planned.objects}
    markers = hide(data, keys)
    _, staying = _referred(data, {manifest_key(planned.project, item["sk"]) for item in planned.versions})
    wanted = keys & (staying.keys | claimed(data, table))
    shown = [one for one in [*planned.objects, *markers] if one.is_marker and one.key in wanted]
    delete_versions(data, shown)
    delete_versions(data, [one for one in [*planned.objects, *markers] if one.key not in wanted])
    return wanted


def remove_record(table: Table, project: str, version: str, *, actor: str, at: str, reason: str) -> None:
    """Replace a version's record by a note, kept for ever, of who removed it and why."""
    note = {"dataset_id": version, "actor": actor, "at": at, "reason": reason}
    table.put_once({"pk": f"REMOVED#{project}", "sk": f"{at}#{version}", **note})
    table.delete(f"DATASET#{project}", version)


@dataclass(frozen=True, slots=True)
class Referred:
    """The keys that some manifests refer to, and the manifests' own keys."""

    keys: frozenset[str]
    manifests: frozenset[str]


def _referred(data: Bucket, leaving: set[str]) -> tuple[set[str], Referred]:
    """Read all manifests of all projects; return the keys of those that leave, and of those that stay."""
    found = [entry.key for entry in data.list(MANIFESTS)]
    going: set[str] = set()
    staying: set[str] = set()
    for key, keys in read_references(data, found):
        (going if key in leaving else staying).update(keys)
    return going, Referred(frozenset(staying), frozenset(found) - leaving)


def _contents(data: Bucket, project: str, versions: Iterable[str]) -> dict[str, set[str]]:
    manifests = {manifest_key(project, version): version for version in versions}
    return {manifests[key]: keys for key, keys in read_references(data, manifests)}


def read_references(data: Bucket, manifests: Iterable[str]) -> list[tuple[str, set[str]]]:
    """Return the keys in our own bucket that each manifest refers to: its objects and its profile."""

    def read(key: str) -> tuple[str, set[str]]:
        try:
            beside: dict[str, Any] = data.get_json(key)["beside"]
        except Gone:  # removed since it was listed
            return key, set()
        own = {
            place["key"]
            for place in beside["objects"].values()
            if place.get("bucket", data.name) == data.name and place["key"].startswith(OBJECTS)
        }
        return key, own | ({beside["profile_key"]} if beside.get("profile_key") else set())

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(read, manifests))


def _versions_below(data: Bucket, keys: set[str], prefixes: Iterable[str]) -> list[ObjectVersion]:
    if not keys:
        return []
    return [one for prefix in prefixes for one in list_versions(data, prefix) if one.key in keys]
