"""Decide whether a version becomes champion, verify what would be served, and prepare the requests."""

import os
from collections.abc import Mapping
from typing import Any

from trimtab import names
from trimtab.aws.objects import Bucket
from trimtab.aws.registry import APPROVED, Package, describe_endpoint, describe_package
from trimtab.aws.settings import FunctionSettings, function_settings, project_folder
from trimtab.aws.table import Item, Table
from trimtab.errors import BadInput, Conflict, Denied, Gone
from trimtab.model import deployment
from trimtab.model.record import model_sort_key
from trimtab.model.run import Run
from trimtab.project import Project, load_project
from trimtab.training import archive

UNDER_WAY = {"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"}
IN_SERVICE = "InService"


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer with the decision and, for `deploy`, the requests; with `restore`, how to undo an update."""
    settings = function_settings()
    if event.get("restore"):
        return plan_restore(settings)
    return plan(settings, load_project(project_folder()), Run.read("deploy", event), os.environ)


def plan(
    settings: FunctionSettings, project: Project, run: Run, variables: Mapping[str, str]
) -> dict[str, Any]:
    """Plan a promotion or a rollback; raise Conflict while another deployment is under way."""
    action = run.input["action"]
    if action not in ("promote", "rollback"):
        raise BadInput(f"{action!r} is no action of a deployment; use promote or rollback")
    if variables["ENDPOINT"] != "on":
        return _decline(
            settings, run, "serving off", f"{settings.environment} has no endpoint: registered only"
        )
    table = Table(settings.table)
    champion = table.get(f"CHAMPION#{project.name}", "current") or {}
    stack = deployment.champions(table.query(f"PROMOTION#{project.name}"))
    try:
        package = _package(table, project.name, run, stack)
    except Gone as error:
        return _decline(settings, run, "ignored", str(error))
    if action == "rollback" and package.approval != APPROVED:
        raise BadInput(f"version {package.version} is {package.approval}; approve it to have it serve again")
    if action == "promote":
        refusal = deployment.objection(package.version, package.approval, champion.get("version"))
        if refusal is not None:
            return _decline(settings, run, *refusal)
    model = _verified_model(settings, project.name, package)
    return {
        "decision": "deploy",
        "action": action,
        "version": package.version,
        "package_arn": package.arn,
        "from_version": champion.get("version"),
        "from_package_arn": champion.get("package_arn"),
        "previous_version": deployment.previous_of(stack, package.version, action),
        "revision": champion.get("revision", 0),
        **{name: model[name] for name in ("model_sha256", "baseline_key", "training_set")},
        **_requests(settings, project, run, package, variables),
    }


def plan_restore(settings: FunctionSettings) -> dict[str, Any]:
    """Say whether the endpoint has to go back to the champion's configuration, and to which."""
    champion = Table(settings.table).get(f"CHAMPION#{settings.project}", "current")
    name = names.endpoint(settings.environment, settings.project)
    found = describe_endpoint(name)
    if champion is None or found is None:
        return {"restore": False, "reason": "there is no champion to go back to"}
    status, config = found
    if config == champion["endpoint_config"]:
        return {"restore": False, "reason": f"{name} serves the champion"}
    if status != IN_SERVICE:
        return {"restore": False, "reason": f"{name} is {status} and cannot be updated"}
    return {"restore": True, "endpoint": name, "endpoint_config": champion["endpoint_config"]}


def _package(table: Table, project: str, run: Run, stack: list[int]) -> Package:
    if run.input["action"] == "promote":
        return describe_package(run.input["package_arn"])
    wanted = run.input.get("to_version")
    version = deployment.rollback_target(stack, None if wanted is None else int(wanted))
    return describe_package(_model(table, project, version)["package_arn"])


def _model(table: Table, project: str, version: int) -> Item:
    item = table.get(f"MODEL#{project}", model_sort_key(version))
    if item is None:
        raise BadInput(f"version {version} of {project} has no record; deploy only what was trained here")
    return item


def _verified_model(settings: FunctionSettings, project: str, package: Package) -> Item:
    """Return the version's record once the artefact proves to be the recorded one; raise Denied if not."""
    model = _model(Table(settings.table), project, package.version)
    if model["package_arn"] != package.arn or model["artifact"] != package.model_url:
        raise Denied(
            f"the registry says that version {package.version} lies at {package.model_url}, the record says "
            f"{model['artifact']}; find out who changed it"
        )
    key = package.model_url.removeprefix(f"s3://{settings.model_bucket}/")
    with Bucket(settings.model_bucket).open(key) as stream:
        archive.read_model(stream, model["model_sha256"])
    return model


def _requests(
    settings: FunctionSettings, project: Project, run: Run, package: Package, variables: Mapping[str, str]
) -> dict[str, Any]:
    name = deployment.serving_name(settings.environment, project.name, package.version, run.input)
    endpoint = names.endpoint(settings.environment, project.name)
    return {
        "endpoint": endpoint,
        "endpoint_config": name,
        "endpoint_action": _endpoint_action(endpoint, name),
        "container": deployment.container(
            package.version, package.image, package.model_url, variables["AWS_REGION"]
        ),
        "variants": deployment.variants(
            name, variables["ENDPOINT_INSTANCE_TYPE"], int(variables["ENDPOINT_INSTANCE_COUNT"])
        ),
        "capture_percentage": project.serve.capture_percentage,
        "tags": deployment.tags(settings.environment, project.name),
    }


def _endpoint_action(endpoint: str, config: str) -> str:
    found = describe_endpoint(endpoint)
    if found is None:
        return "create"
    status, current = found
    if status in UNDER_WAY:
        raise Conflict(f"{endpoint} is {status}: another deployment is under way")
    if status != IN_SERVICE:
        raise BadInput(
            f"{endpoint} is {status} and takes no update; delete it with "
            f"'aws sagemaker delete-endpoint --endpoint-name {endpoint}' and approve the version again"
        )
    return "none" if current == config else "update"


def _decline(settings: FunctionSettings, run: Run, decision: str, reason: str) -> dict[str, Any]:
    Table(settings.table).put(run.record(settings.project, outcome=decision, reason=reason))
    return {"decision": decision, "reason": reason}
