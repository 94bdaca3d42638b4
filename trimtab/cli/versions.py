"""What the commands of `trimtab data` do, from names that people type to facts that are printed."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from trimtab.aws import collection, erasure, registering, transfer
from trimtab.aws.tags import set_tag, tag_items
from trimtab.aws.versions import SHOWN, Version, Versions
from trimtab.cli.dvc_repository import write_export
from trimtab.cli.runs import refuse_while_running
from trimtab.cli.session import Session
from trimtab.dataset.difference import column_moves, file_changes, is_same, schema_changes
from trimtab.dataset.dvc import export
from trimtab.dataset.located import located, recomputed_id
from trimtab.errors import BadInput, Conflict, Denied
from trimtab.instants import format_time
from trimtab.project import Project


@dataclass(frozen=True)
class Desk:
    """One command's view of the dataset versions of one environment."""

    session: Session
    versions: Versions
    now: datetime

    @classmethod
    def open(cls, environment: str, endpoint_url: str | None) -> "Desk":
        """Open the environment."""
        session = Session.open(environment, endpoint_url)
        versions = Versions(session.data, session.table, session.projects)
        return cls(session, versions, datetime.now(UTC))

    @property
    def at(self) -> str:
        """Return the command's instant as text."""
        return format_time(self.now)

    def project(self, name: str) -> Project:
        """Load a project of the checkout."""
        return self.session.project(name)

    def describe(self, name: str) -> dict[str, Any]:
        """Return record, schema and places of a version."""
        version = self.versions.resolve(name)
        manifest = self.versions.manifest(version)
        record = {key: value for key, value in version.item.items() if key not in ("pk", "sk")}
        files = [
            {
                "path": file.path,
                "rows": file.rows,
                "size": file.size,
                "sha256": file.sha256,
                "object": file.uri,
            }
            for file in located(manifest)
        ]
        return {
            **version.resolution(),
            "tags": self.versions.tags_of(version),
            "record": record,
            "schema": manifest["schema"],
            "files": files,
        }

    def difference(self, before: str, after: str) -> dict[str, Any]:
        """Compare two versions."""
        pair = [self.versions.resolve(name) for name in (before, after)]
        old, new = (self.versions.manifest(version) for version in pair)
        found: dict[str, Any] = {
            "a": pair[0].resolution(),
            "b": pair[1].resolution(),
            "rows": {"before": old["rows"], "after": new["rows"]},
            "files": file_changes(old["files"], new["files"]),
            "schema": schema_changes(old["schema"], new["schema"]),
        }
        return {**found, "same": is_same(found), **self._moves(pair)}

    def _moves(self, pair: list[Version]) -> dict[str, Any]:
        profiles = [self.versions.profile(version) for version in pair]
        if profiles[0] is None or profiles[1] is None:
            lacking = pair[0] if profiles[0] is None else pair[1]
            return {"columns": [], "no_columns": f"{lacking.short} was committed without a profile"}
        try:
            return {"columns": column_moves(profiles[0], profiles[1]), "no_columns": None}
        except Conflict as error:
            return {"columns": [], "no_columns": str(error)}

    def pull(self, name: str, folder: Path | None) -> dict[str, Any]:
        """Download a version."""
        version = self.versions.resolve(name)
        files = located(self.versions.manifest(version))
        target = folder or Path("build/data") / version.project / version.id[:SHOWN]
        target.mkdir(parents=True, exist_ok=True)
        outcomes = transfer.each(files, lambda file: transfer.pull(file, target))
        counted = Counter(outcome.state for outcome in outcomes)
        return {
            **version.resolution(),
            "folder": str(target),
            "files": len(files),
            "bytes": sum(file.size for file in files),
            "fetched": counted["fetched"],
            "there": counted["there"],
            "damaged": [outcome.problem for outcome in outcomes if outcome.problem],
        }

    def verify(self, name: str) -> dict[str, Any]:
        """Check a version's manifest and objects."""
        version = self.versions.resolve(name)
        damaged: list[str] = []
        files = []
        try:
            manifest = self.versions.manifest(version)
            if (found := recomputed_id(manifest)) != version.id:
                damaged.append(
                    f"the manifest's content gives the id {found[:SHOWN]}, not {version.id[:SHOWN]}"
                )
            files = located(manifest)
        except Denied as error:
            damaged.append(str(error))
        outcomes = transfer.each(files, transfer.check)
        damaged += [f"{outcome.path}: {outcome.problem}" for outcome in outcomes if outcome.problem]
        return {
            **version.resolution(),
            "files": len(files),
            "bytes": sum(file.size for file in files),
            "whole": not damaged,
            "damaged": damaged,
        }

    def tag(self, name: str, tag: str, *, force: bool) -> dict[str, Any]:
        """Let a tag name a version."""
        version = self.versions.resolve(name)
        actor = self.session.actor
        before = set_tag(
            self.session.table, version.project, tag, version.id, actor=actor, at=self.at, force=force
        )
        return {**version.resolution(), "tag": tag, "before": before, "actor": actor}

    def untag(self, project: str, tag: str) -> dict[str, Any]:
        """Take a tag away."""
        name, actor = self.project(project).name, self.session.actor
        before = set_tag(self.session.table, name, tag, None, actor=actor, at=self.at, force=True)
        if before is None:
            raise BadInput(f"{project} has no tag {tag}; list them with: trimtab data tags {project}")
        return {"project": name, "tag": tag, "before": before, "actor": actor}

    def tags(self, project: str) -> list[dict[str, Any]]:
        """List the tags of a project."""
        items = tag_items(self.session.table, self.project(project).name)
        return [
            {
                "tag": item["sk"],
                "id": item["dataset_id"],
                "moves": item["moves"],
                "actor": item["history"][-1]["actor"],
                "at": item["history"][-1]["at"],
                "history": item["history"],
            }
            for item in items
        ]

    def register(self, address: str, project: str) -> dict[str, Any]:
        """Record data in place."""
        return registering.register(
            address, self.project(project), self.session.data, self.session.table, at=self.at
        )

    def collect(self, project: str, grace: timedelta, *, really: bool) -> dict[str, Any]:
        """Plan a collection, and carry it out if `really`."""
        name, data, table = self.project(project).name, self.session.data, self.session.table
        if really:
            # An upload in flight may be about to refer to content that lies there already.
            for one in self.session.projects:
                refuse_while_running(self.session, one, "ingest")
        planned = collection.plan(data, table, name, now=self.now, grace=grace)
        if really:
            collection.collect(data, table, planned, actor=self.session.actor, at=self.at)
        return {
            "project": name,
            "done": really,
            "versions": [
                {
                    key: item.get(key)
                    for key in ("sk", "kind", "rows", "committed_at", "superseded_by", "source")
                }
                for item in planned.versions
            ],
            "objects": [
                {"key": one.key, "version_id": one.version_id, "size": one.size} for one in planned.objects
            ],
            "bytes": planned.bytes,
            "kept": planned.kept,
        }

    def erase(self, key: str, reason: str, *, really: bool) -> dict[str, Any]:
        """Plan an erasure, and carry it out if `really`."""
        if not reason.strip():
            raise BadInput("an erasure is recorded with its reason; say it with --reason")
        data, table = self.session.data, self.session.table
        key = key.removeprefix(f"s3://{data.name}/")
        project = self.project(erasure.project_of(key)).name
        if really:
            refuse_while_running(self.session, project, "ingest")
        planned = erasure.plan(data, table, key, now=self.now)
        record = None
        if really:
            record = erasure.erase(data, table, planned, actor=self.session.actor, at=self.at, reason=reason)
        return {**planned.to_dict(), "reason": reason, "done": really, "record": record}

    def export_dvc(self, name: str, folder: Path) -> dict[str, Any]:
        """Write a version's files for DVC."""
        version = self.versions.resolve(name)
        files = located(self.versions.manifest(version))
        written = write_export(export(files, f"{version.project}-{version.id[:SHOWN]}"), folder)
        return {
            **version.resolution(),
            "folder": str(folder),
            "written": written,
            "next": f"cd {folder} && dvc pull",
        }
