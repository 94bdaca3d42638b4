"""Keep what the examination of an upload found: data first, then the quarantine, the record last."""

import hashlib
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from pyarrow import parquet

from trimtab.aws import metrics
from trimtab.aws.claims import claim
from trimtab.aws.objects import Bucket
from trimtab.aws.settings import FunctionSettings
from trimtab.aws.table import Table
from trimtab.aws.uploads import Answer, Upload
from trimtab.canonical import canonical_json, sha256_hex
from trimtab.contract.examination import Clean, CleanFile, Examination
from trimtab.dataset.version import DatasetFile, object_key, part_path
from trimtab.errors import Gone
from trimtab.instants import format_time
from trimtab.profile import Grid, Kind, Profile
from trimtab.project import Project

# Of a refused file the quarantine holds the first bad rows; all of them lie in the upload itself.
COPIED_OF_REFUSED = 1_000
SCORE = "score"  # what a profile calls a model's answer, which joined rows carry


@dataclass(frozen=True, slots=True)
class Work:
    """What one examination took: the stored bytes of the file, and the instant when it began."""

    bytes: int
    began: float

    @classmethod
    def on(cls, size: int) -> "Work":
        """Begin."""
        return cls(size, time.perf_counter())

    def of(self, size: int) -> "Work":
        """Go on, the size being known."""
        return Work(size, self.began)

    @property
    def seconds(self) -> float:
        """Return the seconds since."""
        return time.perf_counter() - self.began


@contextmanager
def work_folder() -> Iterator[Path]:
    """Make a folder for the parts of one file, and remove it."""
    with TemporaryDirectory(prefix="trimtab-") as folder:
        yield Path(folder)


def known_grid(bucket: Bucket, project: str) -> Grid | None:
    """Return the project's grid if it has one by now."""
    try:
        return Grid.from_dict(bucket.get_json(f"grids/{project}.json"))
    except Gone:
        return None


def keep(
    upload: Upload,
    examined: Examination,
    project: Project,
    settings: FunctionSettings,
    work: Work,
    grid: Grid | None = None,
) -> Answer:
    """Store what an examination found and return it for the state machine; `grid` is the project's, if known.

    Everything is written under names made from content, so that a second run changes nothing.
    """
    bucket = Bucket(settings.data_bucket)
    answer: Answer = {
        "verdict": examined.verdict,
        "kind": examined.kind,
        "key": upload.key,
        "version_id": upload.version_id,
        "source": upload.source,
        "rows": examined.rows,
        "accepted": examined.accepted,
        "quarantined": examined.bad,
        "unmatched": examined.unmatched,
        "code": examined.refusal.code if examined.refusal else None,
        "reason": examined.refusal.reason if examined.refusal else None,
        "report_key": _quarantine(bucket, upload, examined, project.name),
    }
    if examined.clean is not None:
        answer |= _stored(bucket, upload, examined.clean, project, grid)
    _record(Table(settings.table), project.name, upload, answer)
    _measure(settings, upload, examined, work)
    return answer


def _stored(bucket: Bucket, upload: Upload, clean: Clean, project: Project, grid: Grid | None) -> Answer:
    files: list[DatasetFile] = []
    objects: dict[str, dict[str, str]] = {}
    grid = grid or known_grid(bucket, project.name) or _first_grid(bucket, project, clean.files[0])
    profile = _profile(grid, clean.files)
    profile_key = f"profiles/{project.name}/{profile.key}.profile"
    contents = [object_key(sha256_hex(file.path.read_bytes())) for file in clean.files]
    claim(bucket, project.name, upload.digest, [*contents, profile_key])
    for part, file in enumerate(clean.files):
        content = file.path.read_bytes()
        sha256 = sha256_hex(content)
        bucket.put_once(object_key(sha256), content)
        path = part_path(project.name, upload.key, part)
        files.append({"path": path, "size": len(content), "sha256": sha256, "rows": file.rows})
        objects[sha256] = _beside(bucket, sha256, content)
    bucket.put_once(profile_key, profile.to_bytes())
    first, last = clean.order.span
    return {
        "manifest": {"schema": list(clean.schema), "files": files, "objects": objects},
        "profile_key": profile_key,
        "event_from": format_time(first),
        "event_to": format_time(last),
        "labelled": clean.labelled,
    }


def _beside(bucket: Bucket, sha256: str, content: bytes) -> dict[str, str]:
    """Return what S3 knows of a stored object: it differs between machines and is no part of any name."""
    key = object_key(sha256)
    stands = bucket.stamp(key)
    return {
        "key": key,
        "version_id": stands.version_id,
        "etag": stands.etag,
        "md5": hashlib.md5(content, usedforsecurity=False).hexdigest(),
    }


def _profile(grid: Grid, files: tuple[CleanFile, ...]) -> Profile:
    """Add up the profiles of the parts; make those that were examined before the project had a grid."""
    profiles = []
    for file in files:
        profile = Profile.from_bytes(file.profile.read_bytes()) if file.profile else None
        if profile is None or profile.grid.id != grid.id:
            batches = parquet.ParquetFile(file.path).iter_batches(columns=_profiled(grid, file))
            profile = Profile.merged([Profile.of(grid, batch) for batch in batches])
        profiles.append(profile)
    return Profile.merged(profiles)


def _profiled(grid: Grid, file: CleanFile) -> list[str]:
    present = parquet.read_schema(file.path).names
    return [name for name in grid.columns if name in present]


def _first_grid(bucket: Bucket, project: Project, file: CleanFile) -> Grid:
    """Return the project's grid; the first part of the first accepted file decides it, whoever asks first."""
    kinds: dict[str, Kind] = dict.fromkeys(project.features.numeric, "numeric")
    kinds |= dict.fromkeys(project.features.categorical, "categorical")
    kinds[SCORE] = "numeric"
    key = f"grids/{project.name}.json"
    bucket.put_once(key, canonical_json(Grid.from_table(parquet.read_table(file.path), kinds).to_dict()))
    return Grid.from_dict(bucket.get_json(key))


def _quarantine(bucket: Bucket, upload: Upload, examined: Examination, project: str) -> str | None:
    """Write the rows set aside and the report; return the report's key, None when there is nothing to say."""
    if examined.verdict == "accepted" and not (examined.set_aside or examined.warnings):
        return None
    prefix = f"quarantine/{project}/{upload.digest}"
    refusal, warnings = examined.refusal, list(examined.warnings)
    copied = 0
    if examined.set_aside:
        most = COPIED_OF_REFUSED if refusal else None
        copied = _put_joined(bucket, f"{prefix}/rows.jsonl", examined.set_aside, most)
    bad = examined.bad + examined.unmatched
    if copied < bad:
        warnings.append(
            f"rows.jsonl holds {copied:,} of {bad:,} rows; all of them lie in version {upload.version_id} of "
            f"{upload.key}"
        )
    report = {
        "schema": 1,
        "project": project,
        "key": upload.key,
        "version_id": upload.version_id,
        "verdict": examined.verdict,
        "code": refusal.code if refusal else None,
        "reason": refusal.reason if refusal else None,
        "rows": examined.rows,
        "accepted": examined.accepted,
        "quarantined": examined.bad,
        "unmatched": examined.unmatched,
        "copied": copied,
        "warnings": warnings,
        "findings": [finding.to_dict() for finding in examined.findings],
    }
    bucket.put_json(f"{prefix}/report.json", report)
    return f"{prefix}/report.json"


def _put_joined(bucket: Bucket, key: str, files: tuple[Path, ...], most: int | None) -> int:
    """Write the lines of files, at most so many, one behind the other as one object; return their number."""
    copied = 0
    with TemporaryDirectory(prefix="trimtab-") as folder:
        whole = Path(folder) / "rows.jsonl"
        with whole.open("wb") as out:
            for line in islice(_lines(files), most):
                out.write(line)
                copied += 1
        bucket.put_file(key, whole, "application/jsonl")
    return copied


def _lines(files: tuple[Path, ...]) -> Iterator[bytes]:
    for file in files:
        with file.open("rb") as part:
            yield from part


def _record(table: Table, project: str, upload: Upload, answer: Answer) -> None:
    fields = ("key", "version_id", "verdict", "kind", "rows", "accepted", "quarantined", "unmatched", "code",
              "reason", "report_key", "event_from", "event_to")  # fmt: skip
    known = {name: answer[name] for name in fields if answer.get(name) is not None}
    # An update, not a put: a run that is repeated keeps the dataset version that the first one committed.
    table.update(
        f"UPLOAD#{project}",
        f"{upload.key}#{upload.version_id}",
        {**known, "time": format_time(upload.time)},
        condition="attribute_exists(pk) OR attribute_not_exists(pk)",
    )


def _measure(settings: FunctionSettings, upload: Upload, examined: Examination, work: Work) -> None:
    """Emit eight metrics; counts by check go along as a property, because each metric's name is billed."""
    counts = {
        "RowsIn": examined.rows,
        "RowsAccepted": examined.accepted,
        "RowsQuarantined": examined.bad,
        "UploadsRefused": int(examined.refusal is not None),
    }
    values: dict[str, float] = {**counts, "BytesIn": work.bytes, "IngestSeconds": work.seconds}
    if examined.rows:
        values["QuarantinedShare"] = examined.bad / examined.rows
    units = dict.fromkeys(counts, "Count") | {"BytesIn": "Bytes", "IngestSeconds": "Seconds"}
    by_check: Counter[str] = Counter()
    for finding in examined.findings:
        by_check[f"{finding.column}: {finding.check}"] += finding.count
    metrics.emit(
        settings.project,
        settings.environment,
        upload.time,
        values,
        units,
        {"QuarantinedByCheck": dict(by_check), "Upload": upload.digest},
    )
