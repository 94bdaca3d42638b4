"""Dataset versions to work with: a checkout with the shop, its buckets and table in moto, the commands."""

import hashlib
import io
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.unit import shop
from tests.unit.shop import Cloud
from trimtab import names
from trimtab.aws.datasets import Datasets
from trimtab.aws.objects import Bucket
from trimtab.aws.table import Table, add_edge
from trimtab.canonical import canonical_json, sha256_hex
from trimtab.cli import main
from trimtab.dataset.parquet import PartWriter, schema_of
from trimtab.dataset.version import object_key, part_path, upload_digest
from trimtab.instants import format_time
from trimtab.model.lineage import dataset_node, endpoint_node, model_node, training_set_node
from trimtab.profile import Grid, Kind, Profile

BUCKET = names.data_bucket("dev", shop.ACCOUNT, shop.REGION)
KINDS: dict[str, Kind] = {"weight": "numeric", "amount": "numeric", "place": "categorical"}
COMMITTED = "2013-02-01T06:00:00Z"


def to_parquet(table: pa.Table) -> bytes:
    """Return the table as the bytes of one Parquet file."""
    sink = io.BytesIO()
    writer = PartWriter(sink)
    writer.add(table)
    writer.close()
    return sink.getvalue()


def rows(count: int, first: int = 0, *, weight: float = 1.0, missing: int = 0) -> pa.Table:
    """Return rows of the shop; the first `missing` of them have no weight."""
    numbers = range(first, first + count)
    start = datetime(2013, 1, 1, tzinfo=UTC)
    return pa.table(
        {
            "prediction_id": [f"p{number}" for number in numbers],
            "at": pa.array([start + timedelta(hours=n) for n in numbers], pa.timestamp("us", tz="UTC")),
            "place": ["Rome" if number % 2 else "Nîmes" for number in numbers],
            "weight": pa.array(
                [None if at < missing else number % 10 * weight for at, number in enumerate(numbers)],
                pa.float64(),
            ),
            "amount": pa.array([2] * count, pa.int64()),
            "late": pa.array([number % 2 for number in numbers], pa.int64()),
        }
    )


@dataclass
class World:
    """Buckets, table, and the command line in a checkout."""

    cloud: Cloud
    checkout: Path
    patch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]

    @classmethod
    def make(
        cls,
        root: Path,
        folder: Path,
        cloud: Cloud,
        patch: pytest.MonkeyPatch,
        capture: pytest.CaptureFixture[str],
    ) -> "World":
        """Make the checkout, whose environment dev lies in `cloud`."""
        shop.make_folder(folder)
        shutil.copy(root / "cdk.json", folder)
        shutil.copytree(root / "environments", folder / "environments")
        patch.chdir(folder)
        return cls(cloud, folder, patch, capture)

    @property
    def table(self) -> Table:
        """Return the table."""
        return Table(shop.TABLE)

    @property
    def data(self) -> Bucket:
        """Return the data bucket."""
        return Bucket(BUCKET)

    def commit(self, name: str, *parts: pa.Table, at: str = COMMITTED, project: str = "shop") -> str:
        """Upload a file and commit what it became, in parts; return the version's id."""
        key = f"landing/{project}/data/{name}"
        version_id = self.cloud.s3.put_object(Bucket=BUCKET, Key=key, Body=name.encode())["VersionId"]
        report = f"quarantine/{project}/{upload_digest(key, version_id)}/report.json"
        self.data.put(report.replace("report.json", "rows.jsonl"), b"{}\n")
        self.data.put(report, b"{}")
        self.data.put(f"ingest/{project}/{upload_digest(key, version_id)}/parts/0.parquet", b"rows")
        described = self._describe(key, parts, project)
        checked = {
            "key": key, "version_id": version_id, "source": f"{key}@{version_id}", "kind": "upload",
            "rows": sum(part.num_rows for part in parts), "accepted": sum(part.num_rows for part in parts),
            "quarantined": 0, "labelled": True, **described,
        }  # fmt: skip
        upload = {"key": key, "version_id": version_id, "verdict": "accepted", "report_key": report}
        self.table.put({"pk": f"UPLOAD#{project}", "sk": f"{key}#{version_id}", **upload})
        return Datasets(project, self.data, self.table).commit(checked, at).dataset_id

    def _describe(self, key: str, parts: Sequence[pa.Table], project: str) -> dict[str, Any]:
        files, objects = [], {}
        for number, part in enumerate(parts):
            content = to_parquet(part)
            sha256 = sha256_hex(content)
            self.data.put_once(object_key(sha256), content)
            head = self.cloud.s3.head_object(Bucket=BUCKET, Key=object_key(sha256))
            path = part_path(project, key, number)
            files.append({"path": path, "size": len(content), "sha256": sha256, "rows": part.num_rows})
            objects[sha256] = {
                "key": object_key(sha256),
                "version_id": head["VersionId"],
                "etag": head["ETag"].strip('"'),
                "md5": hashlib.md5(content, usedforsecurity=False).hexdigest(),
            }
        whole = pa.concat_tables(parts)
        self.data.put_once(f"grids/{project}.json", canonical_json(Grid.from_table(whole, KINDS).to_dict()))
        profile = Profile.of(Grid.from_dict(self.data.get_json(f"grids/{project}.json")), whole)
        profile_key = f"profiles/{project}/{profile.key}.profile"
        self.data.put_once(profile_key, profile.to_bytes())
        times: list[Any] = sorted(whole["at"].to_pylist())
        return {
            "manifest": {"schema": schema_of(parts[0]), "files": files, "objects": objects},
            "profile_key": profile_key,
            "event_from": format_time(times[0]),
            "event_to": format_time(times[-1] + timedelta(seconds=1)),
        }

    def model(self, version: int, datasets: Sequence[str], status: str, *, project: str = "shop") -> None:
        """Write down a model as the registration does, and an endpoint if it is champion."""
        self.table.put(
            {"pk": f"MODEL#{project}", "sk": f"{version:06d}", "version": version, "status": status,
             "datasets": list(datasets)}
        )  # fmt: skip
        origin = training_set_node(sha256_hex(repr(sorted(datasets)).encode()))
        for dataset in datasets:
            add_edge(self.table, dataset_node(dataset), "part-of", origin)
        add_edge(self.table, origin, "trained", model_node(project, version))
        if status == "champion":
            node = endpoint_node(names.endpoint("dev", project))
            add_edge(self.table, model_node(project, version), "deployed", node)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command; return its exit code and what it printed."""
        self.capture.readouterr()
        self.patch.setattr(sys, "argv", ["trimtab", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = self.capture.readouterr()
        return int(ended.value.code or 0), shown.out, shown.err

    def ask(self, *arguments: str, code: int = 0) -> Any:
        """Run a command with --json; return what it answers."""
        ended, out, err = self.run(*arguments, "--json")
        assert ended == code, out + err
        return json.loads(out)

    def refused(self, *arguments: str) -> str:
        """Run a command that is refused; return the one sentence that says why."""
        ended, out, err = self.run(*arguments)
        assert (ended, out) == (2, ""), out + err
        assert err.count("\n") == 1
        return err

    def object_keys(self) -> set[str]:
        """List what content there is, every version of it."""
        answer = self.cloud.s3.list_object_versions(Bucket=BUCKET, Prefix="objects/")
        return {entry["Key"] for entry in answer.get("Versions", [])}
