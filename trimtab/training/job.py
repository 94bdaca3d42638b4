"""What a training job is told: job.json, typed, and where the container keeps its folders."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from trimtab.errors import BadInput
from trimtab.instants import parse_time
from trimtab.monitoring.seasons import SeasonKind

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A half-open interval of event time, in UTC."""

    start: datetime
    until: datetime

    @classmethod
    def read(cls, data: Mapping[str, str]) -> "Interval":
        """Read {"from", "until"}; raise BadInput for an empty interval."""
        interval = cls(start=parse_time(data["from"]), until=parse_time(data["until"]))
        if interval.start >= interval.until:
            raise BadInput(f"the interval from {data['from']} until {data['until']} is empty; plan it again")
        return interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a project's `fit` may use besides the rows; equal recipes and rows must give equal models."""

    seed: int
    threads: int
    parameters: Mapping[str, Any]
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One Parquet file of a dataset version; in the channel its name is its sha256."""

    sha256: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """How certain the comparison has to be."""

    confidence: float
    resamples: int
    folds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Champion:
    """The model that the challenger is compared with."""

    version: int
    model_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A training job's whole order."""

    project: str
    recipe: Recipe
    columns: Mapping[str, Any]
    training_set: str
    files: tuple[File, ...]
    fit: Interval
    holdout: Interval
    gate: Gate
    grid: Mapping[str, Any]
    season: SeasonKind | None
    code_sha256: str
    champion: Champion | None

    @property
    def features(self) -> tuple[str, ...]:
        """List the raw columns that the model may use."""
        return self.recipe.numeric + self.recipe.categorical


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """Where the container keeps what goes in and what comes out."""

    config: Path
    training: Path
    champion: Path | None
    model: Path
    output: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Folders":
        """Read the variables that the training toolkit sets; raise BadInput when it has not."""
        names = ("SM_CHANNEL_CONFIG", "SM_CHANNEL_TRAINING", "SM_MODEL_DIR", "SM_OUTPUT_DATA_DIR")
        if missing := [name for name in names if not environment.get(name)]:
            raise BadInput(
                f"{missing[0]} is not set; start train.py through a training job, or on a laptop through "
                "trimtab.training.rehearsal"
            )
        config, training, model, output = (Path(environment[name]) for name in names)
        champion = environment.get("SM_CHANNEL_CHAMPION")
        return cls(
            config=config,
            training=training,
            champion=Path(champion) if champion else None,
            model=model,
            output=output,
        )


def read_job(folder: Path) -> Job:
    """Read job.json; raise BadInput when it is absent, damaged or of another schema."""
    path = folder / "job.json"
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read ({error}); plan the training job again") from error
    if data.get("schema") != SCHEMA:
        raise BadInput(
            f"job.json has schema {data.get('schema')!r}, not {SCHEMA}; deploy one version of both"
        )
    try:
        return _job(data)
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"job.json is incomplete ({error!r}); plan the training job again") from error


def _job(data: Mapping[str, Any]) -> Job:
    training_set, columns, gate, champion = (
        data[name] for name in ("training_set", "columns", "gate", "champion")
    )
    job = Job(
        project=data["project"],
        recipe=Recipe(
            seed=data["seed"],
            threads=data["threads"],
            parameters=dict(data["parameters"]),
            numeric=tuple(columns["numeric"]),
            categorical=tuple(columns["categorical"]),
        ),
        columns=columns,
        training_set=training_set["id"],
        files=_files(training_set["datasets"]),
        fit=Interval.read(training_set["fit"]),
        holdout=Interval.read(training_set["holdout"]),
        gate=Gate(confidence=gate["confidence"], resamples=gate["resamples"], folds=gate["importance_folds"]),
        grid=data["grid"],
        season=data["season"],
        code_sha256=data["code_sha256"],
        champion=Champion(version=champion["version"], model_sha256=champion["model_sha256"])
        if champion
        else None,
    )
    if job.holdout.start < job.fit.until:
        raise BadInput("the hold-out begins before the fit's end; a split by time keeps them apart")
    return job


def _files(datasets: list[Mapping[str, Any]]) -> tuple[File, ...]:
    listed = [File(sha256=file["sha256"], rows=file["rows"]) for part in datasets for file in part["files"]]
    # Two dataset versions may share an object: same content, same rows, which count once.
    return tuple(dict.fromkeys(listed))
