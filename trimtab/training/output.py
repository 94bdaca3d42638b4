"""What a training job leaves behind: a model folder that names its own content, and the output folder."""

import platform
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from trimtab.canonical import canonical_json, sha256_hex
from trimtab.instants import format_time
from trimtab.training.archive import BASELINE, EVALUATION, MANIFEST, model_sha256
from trimtab.training.job import Interval, Job

ENVIRONMENT = ("numpy", "scipy", "pandas", "pyarrow", "scikit-learn", "joblib")
NOT_CODE = ("__pycache__", "tests")


def copy_code(source: Path, target: Path) -> None:
    """Copy the Python files that made the model, so that it is served and compared by that very code."""
    for path in sorted(source.rglob("*.py")):
        name = path.relative_to(source)
        if not any(part in NOT_CODE or part.startswith(".") for part in name.parts):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / name)


def write_manifest(job: Job, folder: Path) -> dict[str, Any]:
    """List the model folder's files by digest and say what made them; two runs write the same."""
    files = {
        path.relative_to(folder).as_posix(): sha256_hex(path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }
    manifest = {
        "schema": 1,
        "project": job.project,
        "files": files,
        "model_sha256": model_sha256(files),
        "training_set": job.training_set,
        "fit": _interval(job.fit),
        "holdout": _interval(job.holdout),
        "code_sha256": job.code_sha256,
        "parameters": dict(job.recipe.parameters),
        "seed": job.recipe.seed,
        "threads": job.recipe.threads,
        "environment": {
            "python": platform.python_version(),
            "machine": platform.machine(),
            **{name: version(name) for name in ENVIRONMENT},
        },
    }
    (folder / MANIFEST).write_bytes(canonical_json(manifest))
    return manifest


def write_output(
    folder: Path, evaluation: Mapping[str, Any], baseline: bytes, manifest: Mapping[str, Any]
) -> None:
    """Write what the gate and monitoring read."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / EVALUATION).write_bytes(canonical_json(evaluation))
    (folder / BASELINE).write_bytes(baseline)
    (folder / MANIFEST).write_bytes(canonical_json(manifest))


def _interval(interval: Interval) -> dict[str, str]:
    return {"from": format_time(interval.start), "until": format_time(interval.until)}
