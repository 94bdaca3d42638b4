"""Write down everything a training job needs, under names that follow from its content."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lambdas.plan_training.facts import Facts
from trimtab.aws.objects import Bucket
from trimtab.aws.settings import FunctionSettings
from trimtab.canonical import canonical_json, sha256_hex
from trimtab.errors import BadInput, Denied, Gone
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


def place_order(
    settings: FunctionSettings, project: Project, facts: Facts, job: str, code: Code
) -> dict[str, Any]:
    """Write training set, code, job.json and the data's manifest; return what the state machine needs.

    Doing it again writes the same bytes under the same names.
    """
    document = facts.training_set
    if document is None:
        raise BadInput(f"{project.name} has no labelled data of two days; upload some")
    _store_training_set(settings, project.name, document)
    _store_code(Bucket(settings.model_bucket), code)
    _store_inputs(settings, project, facts, document, job, code)
    return {
        "job": job,
        "training_set": document["id"],
        "datasets": [dataset["id"] for dataset in document["datasets"]],
        "trained_until": document["holdout"]["until"],
        "recipe": facts.recipe,
        "code_sha256": code.sha256,
        "champion": asdict(facts.champion) if facts.champion else None,
        "timeout_seconds": project.train.max_runtime_seconds + training_job.MARGIN_SECONDS,
        "request": training_job.training_request(
            project,
            surroundings_from(settings, os.environ),
            job=job,
            code_sha256=code.sha256,
            champion=facts.champion,
        ),
    }


def _store_training_set(settings: FunctionSettings, project: str, document: Mapping[str, Any]) -> None:
    key = training_set.key(project, document["id"])
    Bucket(settings.data_bucket).put_once(key, canonical_json(document))


def _store_code(models: Bucket, code: Code) -> None:
    archive = Bucket(code.bucket).get(code.key)
    if sha256_hex(archive) != code.sha256:
        raise Denied(
            f"the training code at s3://{code.bucket}/{code.key} is not the deployed {code.sha256[:12]}; "
            "deploy again, and find out who replaced it"
        )
    models.put_once(training_job.code_key(code.sha256), archive)


def _store_inputs(
    settings: FunctionSettings,
    project: Project,
    facts: Facts,
    document: Mapping[str, Any],
    job: str,
    code: Code,
) -> None:
    models, home = Bucket(settings.model_bucket), training_job.folder(project.name, job)
    try:
        grid = Bucket(settings.data_bucket).get_json(f"grids/{project.name}.json")
    except Gone as error:
        raise BadInput(
            f"{project.name} has no grid, which its first accepted upload writes; upload data again"
        ) from error
    order = training_job.job_document(
        project, training_set=document, grid=grid, code_sha256=code.sha256, champion=facts.champion
    )
    digests = [file["sha256"] for dataset in document["datasets"] for file in dataset["files"]]
    models.put_json(f"{home}/config/job.json", order)
    models.put_json(f"{home}/data.manifest", training_job.data_manifest(settings.data_bucket, digests))
