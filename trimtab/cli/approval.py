"""People's decisions on model versions: approve, reject, roll back."""

from typing import Any

from trimtab import names
from trimtab.aws.clients import client
from trimtab.aws.faults import translated
from trimtab.cli.runs import start, wait
from trimtab.cli.session import Session
from trimtab.errors import BadInput


def decide(session: Session, project: str, version: int, decision: str, reason: str) -> dict[str, Any]:
    """Set a version's approval status in the registry; approval makes the stack deploy it."""
    arn = _package_arn(session, project, version)
    with translated(f"set version {version} to {decision}"):
        client("sagemaker").update_model_package(
            ModelPackageArn=arn,
            ModelApprovalStatus="Approved" if decision == "Approved" else "Rejected",
            ApprovalDescription=f"{reason} - {session.actor}"[:1024],
        )
    return {"version": version, "status": decision, "actor": session.actor, "reason": reason}


def _package_arn(session: Session, project: str, version: int) -> str:
    group = names.model_package_group(session.environment.name, project)
    pages = client("sagemaker").get_paginator("list_model_packages").paginate(ModelPackageGroupName=group)
    versions = {}
    with translated(f"list the versions of {project}"):
        for page in pages:
            versions.update(
                {
                    entry["ModelPackageVersion"]: entry["ModelPackageArn"]
                    for entry in page["ModelPackageSummaryList"]
                }
            )
    if version not in versions:
        known = ", ".join(map(str, sorted(versions))) or "none yet"
        raise BadInput(f"{project} has no version {version}; versions: {known}")
    return versions[version]


def roll_back(session: Session, project: str, to_version: int | None, reason: str, at: str) -> dict[str, Any]:
    """Run the deploy machine backwards and wait for it; return what it did."""
    before = session.table.get(f"CHAMPION#{project}", "current")
    if before is None:
        raise BadInput(f"{project} has no champion, so there is nothing to roll back from")
    if to_version is None and not before.get("previous_version"):
        raise BadInput(
            f"version {before['version']} is the first champion of {project}; there is none before it"
        )
    subject = {"action": "rollback", "actor": session.actor, "reason": reason, "at": at}
    if to_version is not None:
        subject["to_version"] = str(to_version)
    result = wait(start(session, project, "deploy", subject, at))
    after = session.table.get(f"CHAMPION#{project}", "current") or before
    ok = result["status"] == "SUCCEEDED" and after["version"] != before["version"]
    facts = {
        "from": before["version"],
        "to": after["version"],
        "ok": ok,
        "actor": session.actor,
        "reason": reason,
        "at": at,
    }
    if not ok:
        facts["why_not"] = result["cause"] or result["output"].get("reason") or result["status"]
    return facts
