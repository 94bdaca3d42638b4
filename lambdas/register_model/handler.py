"""Register a judged model with everything that made it; what the gate decided is set last."""

import os
from typing import Any

from trimtab.aws import metrics, training_lock
from trimtab.aws.objects import Bucket
from trimtab.aws.registry import (
    APPROVED,
    PENDING,
    REJECTED,
    create_package,
    decide_package,
    describe_package,
    version_of,
)
from trimtab.aws.settings import FunctionSettings, function_settings, project_folder
from trimtab.aws.table import Item, Table, add_edge
from trimtab.canonical import canonical_json
from trimtab.errors import Denied
from trimtab.model import training_set
from trimtab.model.artifacts import find_artifacts
from trimtab.model.gate import Judgement, champion_changed
from trimtab.model.lineage import dataset_node, model_node, training_set_node
from trimtab.model.record import Challenger, model_item, package_request, properties, record, status_of
from trimtab.model.run import Run
from trimtab.project import Project, load_project
from trimtab.training import archive

APPROVALS = {"approved": APPROVED, "rejected": REJECTED}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer with the version, its status and the reason."""
    return register(function_settings(), load_project(project_folder()), event)


def register(settings: FunctionSettings, project: Project, event: dict[str, Any]) -> dict[str, Any]:
    """Register the job of `event`; asked twice, find what the first attempt has written."""
    run = Run.read("train", event)
    item = _registered(Table(settings.table), project.name, event)
    if item is None:
        item = _register(settings, project, event)
    return _conclude(settings, project.name, run, event["plan"], item)


def _registered(table: Table, project: str, event: dict[str, Any]) -> Item | None:
    """Find what an earlier attempt has written, which is then not decided anew.

    Where an earlier job's outputs were used again, the version that it became stands if the gate says of it
    what it said then; with another judgement they are a version of their own.
    """
    plan, judged = event["plan"], event["judgement"]
    gate = {name: judged[name] for name in ("verdict", "reason")}
    for item in table.query(f"MODEL#{project}", newest_first=True):
        is_same_job = item["job_name"] == event["job"]["TrainingJobName"]
        if is_same_job and (item.get("run") == plan["run"] or item["gate"] == gate):
            return item
    return None


def _register(settings: FunctionSettings, project: Project, event: dict[str, Any]) -> Item:
    table, models = Table(settings.table), Bucket(settings.model_bucket)
    challenger, baseline = _challenger(settings, project, event)
    package_arn = create_package(package_request(challenger))
    version = version_of(package_arn)
    status = status_of(challenger.judgement.verdict, project.serve.approval)
    item = model_item(challenger, version, package_arn, status)
    document = Bucket(settings.data_bucket).get_json(
        training_set.key(project.name, challenger.plan["training_set"])
    )
    models.put_once(item["baseline_key"], baseline)
    models.put_once(item["record_key"], canonical_json(record(challenger, version, package_arn, document)))
    origin = training_set_node(item["training_set"])
    for dataset in item["datasets"]:
        add_edge(table, dataset_node(dataset), "part-of", origin)
    add_edge(table, origin, "trained", model_node(project.name, version))
    # The item comes last: its presence says that all the rest is there.
    table.put_once(item)
    return item


def _challenger(
    settings: FunctionSettings, project: Project, event: dict[str, Any]
) -> tuple[Challenger, bytes]:
    plan, job, judged = event["plan"], event["job"], event["judgement"]
    url = job["ModelArtifacts"]["S3ModelArtifacts"]
    found = find_artifacts(project.name, settings.model_bucket, plan["job"], url)
    with Bucket(settings.model_bucket).open(found.output) as stream:
        output = archive.read_archive(stream, archive.OUTPUT_MEMBERS)
    manifest = archive.read_json(output, archive.MANIFEST)
    if manifest.get("model_sha256") != judged["model_sha256"]:
        raise Denied(
            "the job's output has changed since it was judged; find out who replaced it, train again"
        )
    seconds = job.get("TrainingTimeInSeconds")
    challenger = Challenger(
        project=project.name,
        environment=settings.environment,
        plan=plan,
        job_name=job["TrainingJobName"],
        training_seconds=None if seconds is None else int(seconds),
        artifact=found.url,
        manifest=manifest,
        evaluation=archive.read_json(output, archive.EVALUATION),
        judgement=_judgement(Table(settings.table), project.name, judged),
        image=os.environ["IMAGE_URI"],
    )
    return challenger, output[archive.BASELINE]


def _judgement(table: Table, project: str, judged: dict[str, Any]) -> Judgement:
    judgement = Judgement(verdict=judged["verdict"], reason=judged["reason"])
    champion = table.get(f"CHAMPION#{project}", "current") or {}
    if judgement.verdict == "passed" and champion.get("version") != judged["compared_with"]:
        return champion_changed(judged["compared_with"], champion.get("version"))
    return judgement


def _conclude(
    settings: FunctionSettings, project: str, run: Run, plan: dict[str, Any], item: Item
) -> dict[str, Any]:
    table, verdict = Table(settings.table), item["gate"]["verdict"]
    wanted = APPROVALS.get(item["status"])
    # Approval starts the deployment, which finds everything in place. A person's decision stands.
    if wanted and describe_package(item["package_arn"]).approval == PENDING:
        pointer = properties({"record": Bucket(settings.model_bucket).uri(item["record_key"])})
        decide_package(item["package_arn"], wanted, item["reason"], pointer)
    training_lock.release(table, project, run.execution_arn)
    details = {"version": item["version"], "verdict": verdict, "status": item["status"]}
    outcome, reason, is_new = f"registered, {item['status']}", item["reason"], item.get("run") == plan["run"]
    if "reused" in plan:
        details["reused"] = item["job_name"]
        reason = f"reused the outputs of job {item['job_name']}: {reason}"
    if not is_new:
        outcome = f"already version {item['version']}, {item['status']}"
    table.put(run.record(project, outcome=outcome, reason=reason, details=details))
    if is_new and verdict != "undetermined":
        name = "ChallengerPromoted" if verdict == "passed" else "ChallengerRejected"
        metrics.emit(project, settings.environment, run.time, {name: 1}, {name: "Count"})
    return {**details, "package_arn": item["package_arn"], "reason": reason}
