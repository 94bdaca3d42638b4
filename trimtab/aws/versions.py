"""Find dataset versions by what people call them, and read what is known of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from trimtab.aws.objects import Bucket
from trimtab.aws.table import Item, Table
from trimtab.aws.tags import read_tags
from trimtab.dataset.version import manifest_key
from trimtab.errors import BadInput, Denied, Gone
from trimtab.profile import Profile

SHOWN = 12
_PREFIX = re.compile(r"[0-9a-f]{4,64}")
_LOGGED = ("kind", "rows", "quarantined", "event_from", "event_to", "committed_at", "source")

type How = Literal["id", "prefix", "tag"]


@dataclass(frozen=True, slots=True)
class Version:
    """A dataset version, and how its name was understood."""

    project: str
    id: str
    how: How
    item: Item

    @property
    def short(self) -> str:
        """Return project and shortened id."""
        return f"{self.project}@{self.id[:SHOWN]}"

    def resolution(self) -> dict[str, str]:
        """Return how the name was understood, for output."""
        return {"project": self.project, "id": self.id, "resolved_by": self.how}


@dataclass(frozen=True, slots=True)
class Versions:
    """The dataset versions of the projects of a checkout."""

    bucket: Bucket
    table: Table
    projects: Sequence[str]

    def resolve(self, name: str) -> Version:
        """Find the version that `[project@]name` names: an id, a prefix of one, or a tag.

        Raises BadInput when there is none, when there are several, and Gone when it was removed.
        """
        project, _, text = name.rpartition("@")
        if project and project not in self.projects:
            raise BadInput(f"there is no project {project!r}; there are: {', '.join(self.projects)}")
        if not text:
            raise BadInput(f"{name!r} names no version; write an id, the beginning of one, or a tag")
        searched = [project] if project else list(self.projects)
        found = [version for one in searched for version in self._named(one, text)]
        distinct = {(version.project, version.id): version for version in reversed(found)}
        if len(distinct) == 1:
            return next(iter(distinct.values()))
        if not distinct:
            raise self._unknown(name, searched, text)
        listed = ", ".join(
            f"{version.project}@{version.id[: SHOWN + 4]} by {version.how}" for version in distinct.values()
        )
        raise BadInput(f"{name!r} is ambiguous: {listed}; write more of the id, or project@{text}")

    def log(self, project: str) -> list[dict[str, Any]]:
        """List a project's versions, newest first."""
        tags = _by_version(read_tags(self.table, project))
        items = sorted(
            self.table.query(f"DATASET#{project}"),
            key=lambda item: (item["committed_at"], item["sk"]),
            reverse=True,
        )
        return [
            {
                "id": item["sk"],
                **{name: item.get(name) for name in _LOGGED},
                "tags": tags.get(item["sk"], []),
                "superseded_by": item.get("superseded_by"),
            }
            for item in items
        ]

    def tags_of(self, version: Version) -> list[str]:
        """List the tags that name a version."""
        return _by_version(read_tags(self.table, version.project)).get(version.id, [])

    def manifest(self, version: Version) -> dict[str, Any]:
        """Read a version's manifest; raise Denied when it is missing."""
        key = manifest_key(version.project, version.id)
        try:
            document: dict[str, Any] = self.bucket.get_json(key)
        except Gone as error:
            raise Denied(
                f"{version.short} has a record but no manifest at {self.bucket.uri(key)}; restore it from "
                "the bucket's versions, or upload its source again"
            ) from error
        return document

    def profile(self, version: Version) -> Profile | None:
        """Read the profile of a version's rows; None when it was committed without one."""
        key = version.item.get("profile_key")
        return Profile.from_bytes(self.bucket.get(key)) if key else None

    def _named(self, project: str, text: str) -> list[Version]:
        found: list[Version] = []
        pk = f"DATASET#{project}"
        if tagged := read_tags(self.table, project).get(text):
            item = self.table.get(pk, tagged)
            if item is not None:
                found.append(Version(project, tagged, "tag", item))
        if _PREFIX.fullmatch(text):
            how: How = "id" if len(text) == 64 else "prefix"
            found += [Version(project, item["sk"], how, item) for item in self.table.query(pk, text)]
        return found

    def _unknown(self, name: str, projects: Sequence[str], text: str) -> BadInput | Gone:
        removed = [
            item
            for project in projects
            for item in self.table.query(f"REMOVED#{project}")
            if item["dataset_id"].startswith(text)
        ]
        if removed:
            last = removed[-1]
            return Gone(
                f"{name!r} was removed at {last['at']} by {last['actor']}: {last['reason']}; "
                "nothing of it is left to read"
            )
        example = projects[0] if len(projects) == 1 else "PROJECT"
        return BadInput(
            f"no dataset version is called {name!r}: neither an id, nor four or more of its first "
            f"digits, nor a tag; list them with: trimtab data log {example}"
        )


def _by_version(tags: dict[str, str]) -> dict[str, list[str]]:
    named: dict[str, list[str]] = {}
    for tag, version in sorted(tags.items()):
        named.setdefault(version, []).append(tag)
    return named
