"""The model registry: versions, approvals, limits, refusals and the events that deployments start from."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud import LocalCloud

Queue = Callable[[str], tuple[str, str]]
Messages = Callable[[str], list[Any]]
SPECIFICATION = {
    "Containers": [
        {"Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/x:1", "ModelDataUrl": "s3://models/a.tar.gz"}
    ],
    "SupportedContentTypes": ["text/csv"],
    "SupportedResponseMIMETypes": ["text/csv"],
}


def group(cloud: LocalCloud, name: str) -> str:
    cloud.client("sagemaker").create_model_package_group(ModelPackageGroupName=name)
    return name


def register(cloud: LocalCloud, name: str, **more: Any) -> str:
    answer = cloud.client("sagemaker").create_model_package(
        ModelPackageGroupName=name, InferenceSpecification=SPECIFICATION, **more
    )
    arn: str = answer["ModelPackageArn"]
    return arn


def describe(cloud: LocalCloud, arn: str) -> dict[str, Any]:
    described: dict[str, Any] = cloud.client("sagemaker").describe_model_package(ModelPackageName=arn)
    return described


def test_versions_count_up_and_no_number_comes_twice(cloud: LocalCloud) -> None:
    name, sagemaker = group(cloud, "counted"), cloud.client("sagemaker")
    arns = [register(cloud, name) for _ in range(3)]
    assert [arn.split("/")[-1] for arn in arns] == ["1", "2", "3"]
    sagemaker.delete_model_package(ModelPackageName=arns[2])
    assert register(cloud, name).endswith("/4")
    with pytest.raises(ClientError):
        describe(cloud, arns[2])
    for order, expected in (("Ascending", [1, 2, 4]), ("Descending", [4, 2, 1])):
        listed = sagemaker.list_model_packages(
            ModelPackageGroupName=name, SortBy="CreationTime", SortOrder=order
        )["ModelPackageSummaryList"]
        assert [package["ModelPackageVersion"] for package in listed] == expected


def test_an_update_keeps_what_it_omits(cloud: LocalCloud) -> None:
    sagemaker = cloud.client("sagemaker")
    arn = register(cloud, group(cloud, "kept"), CustomerMetadataProperties={"training_set": "abc"})
    created = describe(cloud, arn)
    assert created["ModelApprovalStatus"] == "PendingManualApproval"
    assert created["CreationTime"] == cloud.now()
    cloud.advance_to(cloud.now() + timedelta(hours=1), 20)
    sagemaker.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="better by 0.02"
    )
    sagemaker.update_model_package(ModelPackageArn=arn, CustomerMetadataProperties={"report": "r"})
    sagemaker.update_model_package(ModelPackageArn=arn, CustomerMetadataPropertiesToRemove=["training_set"])
    described = describe(cloud, arn)
    assert described["ModelApprovalStatus"] == "Approved"
    assert described["ApprovalDescription"] == "better by 0.02"
    assert described["CustomerMetadataProperties"] == {"report": "r"}
    assert described["InferenceSpecification"]["Containers"][0]["ModelDataUrl"] == "s3://models/a.tar.gz"
    assert described["CreationTime"] == created["CreationTime"]
    assert described["LastModifiedTime"] == cloud.now()


def test_a_new_version_and_a_new_approval_are_events(
    cloud: LocalCloud, make_queue: Queue, messages: Messages
) -> None:
    url, arn = make_queue("packages")
    events, sagemaker = cloud.client("events"), cloud.client("sagemaker")
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {"ModelPackageGroupName": ["told"]},
    }
    events.put_rule(Name="packages", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="packages", Targets=[{"Id": "1", "Arn": arn}])
    package = register(cloud, group(cloud, "told"), CustomerMetadataProperties={"gate": "passed"})
    sagemaker.update_model_package(ModelPackageArn=package, CustomerMetadataProperties={"more": "x"})
    sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    cloud.settle(20)
    found = {event["detail"]["ModelApprovalStatus"]: event for event in messages(url)}
    assert set(found) == {"PendingManualApproval", "Approved"}
    event = found["Approved"]
    assert event["resources"] == [package]
    detail = event["detail"]
    assert detail["ModelPackageArn"] == package
    assert detail["ModelPackageVersion"] == 1
    assert detail["ModelPackageStatus"] == "Completed"
    assert detail["ModelPackageStatusDetails"] == {"ValidationStatuses": [], "ImageScanStatuses": []}
    assert detail["CreationTime"].endswith("Z")
    assert detail["CustomerMetadataProperties"] == {"gate": "passed", "more": "x"}


@pytest.mark.parametrize(
    "properties",
    [
        {f"key{number}": "x" for number in range(51)},
        {"k" * 129: "x"},
        {"key": "v" * 257},
        {"key": '{"json": 1}'},
        {"key": "line\nbreak"},
    ],
)
def test_metadata_beyond_the_limits_is_refused(cloud: LocalCloud, properties: dict[str, str]) -> None:
    name = f"limits-{len(properties)}-{len(next(iter(properties.values())))}-{len(next(iter(properties)))}"
    group(cloud, name)
    with pytest.raises(ClientError):
        register(cloud, name, CustomerMetadataProperties=properties)
    arn = register(cloud, name, CustomerMetadataProperties={"é letters 1": "s3://a/b=c+d@e:f_g.h-i"})
    with pytest.raises(ClientError):
        cloud.client("sagemaker").update_model_package(
            ModelPackageArn=arn, CustomerMetadataProperties=properties
        )
    assert len(describe(cloud, arn)["CustomerMetadataProperties"]) == 1


def test_what_is_there_twice_or_not_at_all_is_refused(cloud: LocalCloud) -> None:
    sagemaker = cloud.client("sagemaker")
    package = register(cloud, group(cloud, "twice"))
    missing = package.removesuffix("1") + "9"
    with pytest.raises(ClientError, match="already exists"):
        group(cloud, "twice")
    with pytest.raises(ClientError, match="does not exist"):
        register(cloud, "no-such-group")
    with pytest.raises(ClientError, match="not found"):
        describe(cloud, missing)
    with pytest.raises(ClientError, match="not found"):
        sagemaker.update_model_package(ModelPackageArn=missing, ModelApprovalStatus="Approved")
    with pytest.raises(ClientError, match="not found"):
        sagemaker.delete_model_package(ModelPackageName=missing)
    with pytest.raises(ClientError, match="not empty"):
        sagemaker.delete_model_package_group(ModelPackageGroupName="twice")
    sagemaker.delete_model_package(ModelPackageName=package)
    sagemaker.delete_model_package_group(ModelPackageGroupName="twice")
    with pytest.raises(ClientError, match="does not exist"):
        sagemaker.describe_model_package_group(ModelPackageGroupName="twice")
