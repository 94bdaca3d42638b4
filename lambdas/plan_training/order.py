"""Write down everything a training job needs, under names that follow from its content."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lambdas.plan_training.facts import Facts
from trimtab.aws.objects import Bucket
from trimtab.aws.settings import FunctionSettings
from trimtab.aws.training_inputs import read_grid
from trimtab.canonical import canonical_json, sha256_hex
from trimtab.errors import BadInput, Denied
from trimtab.model import training_job, training_set
from trimtab.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """The training code as it was deployed: an archive, and the digest it must have."""

    bucket: str
    key: str
    sha256: str

    @classmethod
    def from_variables(cls, variables: Mapping[str, str]) -> "Code":
        """Read the function's variables."""
        return cls(
            bucket=variables["CODE_BUCKET"], key=variables["CODE_KEY"], sha256=variables["CODE_SHA256"]
        )


def surroundings_from(settings: FunctionSettings, variables: Mapping[str, str]) -> training_job.Surroundings:
    """Read where training jobs run."""
    return training_job.Surroundings(
        environment=settings.environment,
        region=variables["AWS_REGION"],
        data_bucket=settings.data_bucket,
        model_bucket=settings.model_bucket,
        image=variables["IMAGE_URI"],
        key_arn=variables["KEY_ARN"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a job would be told, and the parts of its key in the step cache."""

    document: Mapping[str, Any]
    parts: Mapping[str, Any]

    @property
    def training_set(self) -> Mapping[str, Any]:
        """Return the training set's document."""
        document: Mapping[str, Any] = self.document["training_set"]
        return document


def write_order(settings: FunctionSettings, project: Project, facts: Facts, code: Code) -> Order:
    """Put together what the job is told; nothing is stored yet."""
    if facts.training_set is None:
        raise BadInput(f"{project.name} has no labelled data of two days; upload some")
    document = training_job.job_document(
        project,
        training_set=facts.training_set,
        grid=read_grid(Bucket(settings.data_bucket), project.name),
        code_sha256=code.sha256,
        champion=facts.champion,
    )
    parts = training_job.step_parts(
        document, image=os.environ["IMAGE_URI"], instance_type=project.train.instance_type
    )
    return Order(document=document, parts=parts)


def store_training_set(settings: FunctionSettings, project: str, order: Order) -> None:
    """Write the training set's document, which the model's record refers to."""
    key = training_set.key(project, order.training_set["id"])
    Bucket(settings.data_bucket).put_once(key, canonical_json(order.training_set))


def place_order(settings: FunctionSettings, project: Project, job: str, code: Code, order: Order) -> None:
    """Write code, job.json and the data's manifest; again, it writes the same bytes to the same keys."""
    models, home = Bucket(settings.model_bucket), training_job.folder(project.name, job)
    _store_code(models, code)
    datasets = order.training_set["datasets"]
    digests = [file["sha256"] for dataset in datasets for file in dataset["files"]]
    models.put_json(f"{home}/config/job.json", order.document)
    models.put_json(f"{home}/data.manifest", training_job.data_manifest(settings.data_bucket, digests))


def plan_of(
    settings: FunctionSettings, project: Project, facts: Facts, job: str, order: Order
) -> dict[str, Any]:
    """Return what the state machine needs to know of the job in whose folder the outputs lie."""
    document = order.training_set
    return {
        "job": job,
        "training_set": document["id"],
        "datasets": [dataset["id"] for dataset in document["datasets"]],
        "trained_until": document["holdout"]["until"],
        "recipe": facts.recipe,
        "code_sha256": order.document["code_sha256"],
        "champion": asdict(facts.champion) if facts.champion else None,
        "timeout_seconds": project.train.max_runtime_seconds + training_job.MARGIN_SECONDS,
        "request": training_job.training_request(
            project,
            surroundings_from(settings, os.environ),
            job=job,
            code_sha256=order.document["code_sha256"],
            champion=facts.champion,
        ),
    }


def _store_code(models: Bucket, code: Code) -> None:
    archive = Bucket(code.bucket).get(code.key)
    if sha256_hex(archive) != code.sha256:
        raise Denied(
            f"the training code at s3://{code.bucket}/{code.key} is not the deployed {code.sha256[:12]}; "
            "deploy again, and find out who replaced it"
        )
    models.put_once(training_job.code_key(code.sha256), archive)
