"""Model packages of SageMaker's registry: create, describe, decide."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from trimtab.aws.clients import client
from trimtab.aws.faults import translated
from trimtab.errors import Gone

APPROVED, REJECTED, PENDING = "Approved", "Rejected", "PendingManualApproval"
# SageMaker has no code of its own for a package or an endpoint that does not exist.
_UNKNOWN = {"ValidationException", "ValidationError", "ResourceNotFound", "ResourceNotFoundException"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One version in the registry."""

    arn: str
    version: int
    approval: str
    image: str
    model_url: str


def version_of(package_arn: str) -> int:
    """Return the version that a package's ARN names.

    >>> version_of("arn:aws:sagemaker:us-east-1:123456789012:model-package/trimtab-dev-flights/3")
    3
    """
    return int(package_arn.rpartition("/")[2])


def create_package(request: Mapping[str, Any]) -> str:
    """Create a package and return its ARN; the request's ClientToken makes a repetition harmless."""
    with translated(f"register a version of {request['ModelPackageGroupName']}"):
        return client("sagemaker").create_model_package(**request)["ModelPackageArn"]


def describe_package(package_arn: str) -> Package:
    """Describe a package; raise Gone if the registry does not know it."""
    try:
        answer = client("sagemaker").describe_model_package(ModelPackageName=package_arn)
    except ClientError as error:
        if error.response["Error"].get("Code") in _UNKNOWN:
            raise Gone(f"the registry has no model package {package_arn}") from error
        with translated(f"describe {package_arn}"):
            raise
    container = answer["InferenceSpecification"]["Containers"][0]
    return Package(
        arn=answer["ModelPackageArn"],
        version=version_of(package_arn),
        approval=answer["ModelApprovalStatus"],
        image=container["Image"],
        model_url=container["ModelDataUrl"],
    )


def decide_package(
    package_arn: str, approval: str, reason: str, properties: Mapping[str, str] | None = None
) -> None:
    """Approve or reject a package for a reason, which the registry shows; add `properties` to its own."""
    extra: dict[str, Any] = {"CustomerMetadataProperties": dict(properties)} if properties else {}
    with translated(f"set {package_arn} to {approval}"):
        client("sagemaker").update_model_package(
            ModelPackageArn=package_arn,
            ModelApprovalStatus=approval,  # type: ignore[arg-type]
            ApprovalDescription=reason[:1024],
            **extra,
        )


def describe_endpoint(name: str) -> tuple[str, str] | None:
    """Return an endpoint's status and the name of its configuration, or None if there is no such endpoint."""
    try:
        answer = client("sagemaker").describe_endpoint(EndpointName=name)
    except ClientError as error:
        if error.response["Error"].get("Code") in _UNKNOWN:
            return None
        with translated(f"describe endpoint {name}"):
            raise
    return answer["EndpointStatus"], answer["EndpointConfigName"]
