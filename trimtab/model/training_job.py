"""The training job: its name, what it is told (job.json), and the request that creates it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from trimtab.cache import parts_of
from trimtab.canonical import digest
from trimtab.model.instances import volume_key
from trimtab.project import Project

SCHEMA = 1
STAGE = "train"
# What the job itself uses of the gate's settings; the rest is applied to its results afterwards.
GATE_IN_JOB = ("confidence", "resamples", "importance_folds")
SOURCE = "sourcedir.tar.gz"
MODEL_ARCHIVE = "model.tar.gz"
OUTPUT_ARCHIVE = "output.tar.gz"
# What SageMaker may need beyond the job's own limit to find an instance, fetch the image, upload the model.
MARGIN_SECONDS = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where a project's training jobs run."""

    environment: str
    region: str
    data_bucket: str
    model_bucket: str
    image: str
    key_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Champion:
    """The champion as a training job meets it; `artifact` is the address of its model.tar.gz."""

    version: int
    model_sha256: str
    trained_until: str
    artifact: str


def job_name(project: str, execution: str) -> str:
    """Name the job of an execution; the state machine appends `-` and the number of the attempt.

    >>> job_name("flights", "train-0123")
    'flights-eeab8e1842c9'
    """
    return f"{project}-{digest({'run': execution})[:12]}"


def folder(project: str, job: str) -> str:
    """Return the folder of a job in the model bucket."""
    return f"runs/{project}/{job}"


def code_key(code_sha256: str) -> str:
    """Return the key of training code in the model bucket."""
    return f"code/{code_sha256}/{SOURCE}"


def recipe_id(training_set_id: str, code_sha256: str, project: Project) -> str:
    """Return what decides a model and whether it passes, as one digest: data, code, settings."""
    train = project.train
    return digest(
        {
            "training_set": training_set_id,
            "code_sha256": code_sha256,
            "parameters": train.parameters,
            "seed": train.seed,
            "threads": train.threads,
            "columns": _columns(project),
            "season": project.monitor.season,
            "gate": project.gate.model_dump(mode="json"),
        }
    )


def job_document(
    project: Project,
    *,
    training_set: Mapping[str, Any],
    grid: Mapping[str, Any],
    code_sha256: str,
    champion: Champion | None,
) -> dict[str, Any]:
    """Return job.json: everything that the job is told."""
    train = project.train
    return {
        "schema": SCHEMA,
        "project": project.name,
        "seed": train.seed,
        "threads": train.threads,
        "parameters": train.parameters,
        "columns": _columns(project),
        "training_set": training_set,
        "gate": project.gate.model_dump(mode="json"),
        "grid": grid,
        "season": project.monitor.season,
        "code_sha256": code_sha256,
        "champion": {
            "version": champion.version,
            "model_sha256": champion.model_sha256,
            "trained_until": champion.trained_until,
        }
        if champion
        else None,
    }


def _columns(project: Project) -> dict[str, Any]:
    data = project.data
    columns = {
        "timestamp": data.timestamp,
        "label": data.label,
        "prediction_id": data.prediction_id,
        "numeric": project.features.numeric,
        "categorical": project.features.categorical,
        "null_tokens": data.null_tokens,
    }
    return columns | ({"timezone": data.timezone} if data.timezone else {})


def step_parts(order: Mapping[str, Any], *, image: str, instance_type: str) -> dict[str, Any]:
    """Return what decides a job's outcome, for the step cache; `order` is its job.json.

    The champion's version is among the parameters because the job writes it into its evaluation.
    """
    champion = order["champion"] or {}
    return parts_of(
        stage=STAGE,
        code=order["code_sha256"],
        parameters={
            **{name: order[name] for name in ("seed", "threads", "parameters", "columns", "season")},
            "gate": {name: order["gate"][name] for name in GATE_IN_JOB},
            "champion_version": champion.get("version"),
        },
        environment={"image": image, "instance_type": instance_type},
        inputs={
            "training_set": order["training_set"]["id"],
            "grid": digest(order["grid"]),
            "champion": champion.get("model_sha256"),
        },
    )


def data_manifest(data_bucket: str, digests: Iterable[str]) -> list[Any]:
    """Return SageMaker's manifest of a training set's objects; in the channel each is named by its digest."""
    names = sorted({f"{sha256}.parquet" for sha256 in digests})
    return [{"prefix": f"s3://{data_bucket}/objects/"}, *names]


def training_request(
    project: Project, surroundings: Surroundings, *, job: str, code_sha256: str, champion: Champion | None
) -> dict[str, Any]:
    """Return the request of CreateTrainingJob but for name and role, which the state machine adds."""
    train, place = project.train, surroundings
    home = f"s3://{place.model_bucket}/{folder(project.name, job)}"
    return {
        "AlgorithmSpecification": {"TrainingImage": place.image, "TrainingInputMode": "File"},
        "HyperParameters": _hyperparameters(place.region),
        "InputDataConfig": _channels(place, home, code_sha256, champion),
        "OutputDataConfig": {"S3OutputPath": f"{home}/output", "KmsKeyId": place.key_arn},
        "ResourceConfig": {
            "InstanceType": train.instance_type,
            "InstanceCount": 1,
            "VolumeSizeInGB": train.volume_gb,
            **volume_key(train.instance_type, place.key_arn),
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": train.max_runtime_seconds},
        "Environment": _variables(train.threads),
        "EnableNetworkIsolation": True,
        "EnableInterContainerTrafficEncryption": True,
        "Tags": [
            {"Key": "project", "Value": project.name},
            {"Key": "environment", "Value": place.environment},
        ],
    }


def _hyperparameters(region: str) -> dict[str, str]:
    # The toolkit reads each value as JSON. From inside an isolated container the code can only be a channel.
    values = {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": f"/opt/ml/input/data/code/{SOURCE}",
        "sagemaker_region": region,
        "sagemaker_container_log_level": 20,
    }
    return {name: json.dumps(value) for name, value in values.items()}


def _channels(
    place: Surroundings, home: str, code_sha256: str, champion: Champion | None
) -> list[dict[str, Any]]:
    channels = [
        _channel("code", "S3Prefix", f"s3://{place.model_bucket}/{code_key(code_sha256)}"),
        _channel("config", "S3Prefix", f"{home}/config/"),
        _channel("training", "ManifestFile", f"{home}/data.manifest"),
    ]
    # A channel without objects fails the job, so there is none without a champion.
    return [*channels, _channel("champion", "S3Prefix", champion.artifact)] if champion else channels


def _channel(name: str, kind: str, uri: str) -> dict[str, Any]:
    source = {"S3DataType": kind, "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "InputMode": "File", "DataSource": {"S3DataSource": source}}


def _variables(threads: int) -> dict[str, str]:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    # Threads that wait must not spin: on a busy machine that turned a fit of one second into half a minute.
    waiting = {"OMP_WAIT_POLICY": "PASSIVE"}
    return {**dict.fromkeys(names, str(threads)), **waiting, "PYTHONHASHSEED": "0"}
