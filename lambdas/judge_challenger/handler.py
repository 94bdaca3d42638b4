"""Apply the gate to what the training job measured, once its archives prove to be what they say."""

import json
from typing import Any

from trimtab.aws import step_cache
from trimtab.aws.objects import Bucket
from trimtab.aws.settings import FunctionSettings, function_settings, project_folder
from trimtab.aws.table import Table
from trimtab.cache import Entry, Output, key_of
from trimtab.canonical import digest
from trimtab.errors import BadInput, Denied, Gone
from trimtab.model.artifacts import Artifacts, check_order, find_artifacts
from trimtab.model.gate import Floors, judge
from trimtab.model.training_job import STAGE
from trimtab.project import Project, load_project
from trimtab.training import archive


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer with the verdict, its reason in words, and the digest of the model that was judged."""
    return judge_job(function_settings(), load_project(project_folder()), event["plan"], event["job"])


def judge_job(
    settings: FunctionSettings, project: Project, plan: dict[str, Any], job: dict[str, Any]
) -> dict[str, Any]:
    """Judge a finished job; nothing in its archives is ever executed."""
    models = Bucket(settings.model_bucket)
    url = job["ModelArtifacts"]["S3ModelArtifacts"]
    found = find_artifacts(project.name, settings.model_bucket, plan["job"], url)
    try:
        with models.open(found.model) as stream:
            _, manifest = archive.read_model(stream)
        with models.open(found.output) as stream:
            output = archive.read_archive(stream, archive.OUTPUT_MEMBERS)
    except Gone as error:
        raise BadInput(f"job {job['TrainingJobName']} left no archives: {error}; read its log") from error
    if archive.read_json(output, archive.MANIFEST) != manifest:
        raise Denied("the evaluation belongs to another model than the archive holds; train again")
    check_order(manifest, plan["training_set"], plan["code_sha256"])
    digests = {found.model: manifest["model_sha256"], found.output: digest(archive.member_digests(output))}
    if "reused" in plan:
        _check_reused(Table(settings.table), project.name, plan["reused"]["key"], digests)
    else:
        _keep(settings, project.name, plan, job, found, digests)
    evaluation = archive.read_json(output, archive.EVALUATION)
    champion = plan["champion"]["version"] if plan["champion"] else None
    judgement = judge(evaluation, floors_of(project), champion)
    return {
        **judgement.to_dict(),
        "model_sha256": manifest["model_sha256"],
        "auc": evaluation["challenger"]["auc"],
        "compared_with": champion,
    }


def _keep(
    settings: FunctionSettings,
    project: str,
    plan: dict[str, Any],
    job: dict[str, Any],
    found: Artifacts,
    digests: dict[str, str],
) -> None:
    """Keep what the job left in the step cache: whatever fails from here on need not train again."""
    models, parts = Bucket(settings.model_bucket), json.loads(plan["cache"]["parts"])
    stamps = {key: models.stamp(key) for key in digests}
    entry = Entry(
        key=key_of(parts),
        parts=parts,
        outputs=tuple(
            Output(key=key, etag=stamp.etag, version_id=stamp.version_id, sha256=digests[key])
            for key, stamp in stamps.items()
        ),
        facts={
            "run": plan["job"],
            "job": {
                "TrainingJobName": job["TrainingJobName"],
                "ModelArtifacts": {"S3ModelArtifacts": found.url},
                "TrainingTimeInSeconds": job.get("TrainingTimeInSeconds"),
            },
        },
        made_at=plan["cache"]["made_at"],
        job=job["TrainingJobName"],
        execution=plan["cache"]["execution"],
    )
    step_cache.store(Table(settings.table), project, entry)


def _check_reused(table: Table, project: str, key: str, digests: dict[str, str]) -> None:
    entry = step_cache.find(table, project, STAGE, key)
    if entry is None or {output.key: output.sha256 for output in entry.outputs} != digests:
        raise Denied(
            "the earlier job's outputs are not what the step cache recorded; find out who replaced them, and "
            "request training with --force"
        )


def floors_of(project: Project) -> Floors:
    """Return what the project asks of a challenger."""
    gate = project.gate
    return Floors(
        min_auc=gate.min_auc,
        confidence=gate.confidence,
        min_gain=gate.min_gain,
        minimum_blocks=gate.minimum_blocks,
        leak_waiver=gate.leak_waiver,
    )
