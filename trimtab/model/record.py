"""What is written down about a model version: in the registry, in the table and, whole, as a document."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from trimtab import names
from trimtab.canonical import digest
from trimtab.model.gate import Judgement, Verdict

SCHEMA = 1
Status = Literal["approved", "pending", "rejected", "champion", "retired", "rolled_back"]
_UNFIT = re.compile(r"[^\w .:/=+@-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenger:
    """A judged model on its way into the registry: what was ordered, what came out, what the gate said."""

    project: str
    environment: str
    plan: Mapping[str, Any]
    job_name: str
    training_seconds: int | None
    artifact: str
    manifest: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    judgement: Judgement
    image: str


def baseline_key(project: str, version: int) -> str:
    """Return the key of a version's baseline in the model bucket: a baseline belongs to one version."""
    return f"baselines/{project}/{version}.baseline"


def record_key(project: str, version: int) -> str:
    """Return the key of a version's record in the model bucket."""
    return f"records/{project}/{version}.json"


def model_sort_key(version: int) -> str:
    """Return the sort key of a version in the table.

    >>> model_sort_key(7)
    '000007'
    """
    return f"{version:06d}"


def status_of(verdict: Verdict, approval: Literal["auto", "manual"]) -> Status:
    """Return a new version's status: what cannot be told, and what a person wants to see, is pending."""
    if verdict == "rejected":
        return "rejected"
    return "approved" if verdict == "passed" and approval == "auto" else "pending"


def package_request(challenger: Challenger) -> dict[str, Any]:
    """Return the request of CreateModelPackage: a pending version, decided once everything is written."""
    one, auc = challenger, challenger.evaluation["challenger"]["auc"]
    return {
        "ModelPackageGroupName": names.model_package_group(one.environment, one.project),
        "ModelPackageDescription": f"{one.project}, trained by {one.job_name}",
        "ModelApprovalStatus": "PendingManualApproval",
        "ClientToken": digest({"job": one.job_name, "run": one.plan["run"]})[:36],
        "InferenceSpecification": {
            "Containers": [{"Image": one.image, "ModelDataUrl": one.artifact}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        "CustomerMetadataProperties": properties(
            {
                "project": one.project,
                "environment": one.environment,
                "training_job": one.job_name,
                "training_set": one.plan["training_set"],
                "trained_until": one.plan["trained_until"],
                "code_sha256": one.plan["code_sha256"],
                "model_sha256": one.manifest["model_sha256"],
                "recipe": one.plan["recipe"],
                "gate": one.judgement.verdict,
                "compared_with": one.plan["champion"]["version"] if one.plan["champion"] else "none",
                "auc": "none" if auc is None else f"{auc:.6f}",
            }
        ),
    }


def properties(values: Mapping[str, object]) -> dict[str, str]:
    """Return values as the registry's metadata takes them: at most 256 plain characters each, no JSON."""
    return {name: _UNFIT.sub(" ", str(value))[:256] for name, value in values.items()}


def model_item(challenger: Challenger, version: int, package_arn: str, status: Status) -> dict[str, Any]:
    """Return the table's item of a new version."""
    one = challenger
    return {
        "pk": f"MODEL#{one.project}",
        "sk": model_sort_key(version),
        "version": version,
        "package_arn": package_arn,
        "training_set": one.plan["training_set"],
        "datasets": one.plan["datasets"],
        "code_sha256": one.plan["code_sha256"],
        "model_sha256": one.manifest["model_sha256"],
        "recipe": one.plan["recipe"],
        "parameters": one.manifest["parameters"],
        "metrics": one.evaluation["challenger"],
        "labels": one.evaluation.get("labels"),
        "gate": one.judgement.to_dict(),
        "status": status,
        "reason": one.judgement.reason,
        "requests": one.plan["requests"],
        "job_name": one.job_name,
        "run": one.plan["run"],
        "artifact": one.artifact,
        "baseline_key": baseline_key(one.project, version),
        "record_key": record_key(one.project, version),
        "training_seconds": one.training_seconds,
        "trained_until": one.plan["trained_until"],
    }


def record(
    challenger: Challenger, version: int, package_arn: str, training_set: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the document from which a version can be made again, and understood."""
    one = challenger
    return {
        "schema": SCHEMA,
        "project": one.project,
        "environment": one.environment,
        "version": version,
        "package_arn": package_arn,
        "requests": one.plan["requests"],
        "training_set": training_set,
        "recipe": one.plan["recipe"],
        "request": one.plan["request"],
        "job": {"name": one.job_name, "run": one.plan["job"], "seconds": one.training_seconds},
        "image": one.image,
        "artifact": one.artifact,
        "manifest": one.manifest,
        "evaluation": one.evaluation,
        "gate": one.judgement.to_dict(),
        "champion": one.plan["champion"],
        "baseline_key": baseline_key(one.project, version),
        "trained_until": one.plan["trained_until"],
    }
