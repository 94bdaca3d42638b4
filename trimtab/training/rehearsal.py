"""Train a project on a laptop as a training job would: same files, same variables, its own process.

For a project's tests and for trying things out. It needs no cloud, not even the local one.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

import trimtab
from trimtab.canonical import canonical_json, digest, sha256_hex
from trimtab.errors import BadInput
from trimtab.model.training_set import split, training_set
from trimtab.profile import Grid, Kind
from trimtab.training.archive import EVALUATION
from trimtab.training.output import copy_code

COLUMNS = ("timestamp", "label", "prediction_id", "timezone")


def rehearse(project: Path, settings: Mapping[str, Any], rows: pd.DataFrame, work: Path) -> dict[str, Any]:
    """Train the project in folder `project` on `rows`; return the evaluation.

    `settings` is the content of project.toml with its defaults, `rows` what the contract returns. The model
    lands in `work/model`, the other results in `work/output`. Raises BadInput with the script's own error.
    """
    code, config, training = (work / name for name in ("code", "config", "training"))
    for folder in (code, config, training):
        folder.mkdir(parents=True)
    copy_code(project, code)
    copy_code(Path(trimtab.__file__).parent, code / "trimtab")
    job = make_job(settings, rows, training)
    (config / "job.json").write_bytes(canonical_json(job))
    variables = {
        "SM_CHANNEL_CONFIG": str(config),
        "SM_CHANNEL_TRAINING": str(training),
        "SM_MODEL_DIR": str(work / "model"),
        "SM_OUTPUT_DATA_DIR": str(work / "output"),
        "OMP_NUM_THREADS": str(job["threads"]),
        # Waiting threads that spin on a busy laptop make a fit of one second take thirty.
        "OMP_WAIT_POLICY": "PASSIVE",
    }
    done = subprocess.run(
        [sys.executable, "train.py"],
        cwd=code,
        env={"PATH": os.environ.get("PATH", ""), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BadInput(f"train.py of {project.name} failed:\n{done.stderr}")
    evaluation: dict[str, Any] = json.loads((work / "output" / EVALUATION).read_bytes())
    return evaluation


def make_job(
    settings: Mapping[str, Any],
    rows: pd.DataFrame,
    training: Path,
    champion: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write `rows` as a dataset version's file into `training` and return the job.json about it."""
    data, features, how = settings["data"], settings["features"], settings["train"]
    table = pa.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata(None)
    sink = pa.BufferOutputStream()
    parquet.write_table(table, sink)
    content = sink.getvalue().to_pybytes()
    name = sha256_hex(content)
    (training / f"{name}.parquet").write_bytes(content)
    file = {"path": f"objects/{name}.parquet", "sha256": name, "size": len(content), "rows": len(rows)}
    known = rows.loc[rows[data["label"]].notna(), data["timestamp"]]
    parts = split(known.min().to_pydatetime(), known.max().to_pydatetime(), how["holdout_share"])
    kinds: dict[str, Kind] = dict.fromkeys(features["numeric"], "numeric")
    kinds |= dict.fromkeys(features["categorical"], "categorical")
    grid = Grid.from_table(table, {**kinds, "score": "numeric"})
    return {
        "schema": 1,
        "project": settings["name"],
        "seed": how["seed"],
        "threads": how["threads"],
        "parameters": how["parameters"],
        "columns": {**{name: data[name] for name in COLUMNS if name in data}, **features},
        "training_set": training_set([(digest([file]), [file])], parts),
        "gate": settings["gate"],
        "grid": grid.to_dict(),
        "season": settings.get("monitor", {}).get("season"),
        "code_sha256": "0" * 64,
        "champion": champion,
    }
