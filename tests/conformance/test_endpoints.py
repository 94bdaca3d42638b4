"""Endpoints: they come into service, fail, are updated, roll back, and say so."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud import LocalCloud
from localcloud.serving import current
from tests.conformance.models import BUCKET, configure, invoke, put_models

Queue = Callable[[str], tuple[str, str]]
Messages = Callable[[str], list[Any]]


@pytest.fixture(scope="module", autouse=True)
def _models(cloud: LocalCloud) -> None:
    put_models(cloud)
    for name, archive, version in (("v1", "good", "1"), ("v2", "good", "2"), ("broken", "broken", "3")):
        configure(cloud, name, archive, version)
    configure(cloud, "hostile", "hostile")


def describe(cloud: LocalCloud, name: str) -> dict[str, Any]:
    described: dict[str, Any] = cloud.client("sagemaker").describe_endpoint(EndpointName=name)
    return described


def create(cloud: LocalCloud, name: str, config: str) -> dict[str, Any]:
    cloud.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=config)
    cloud.settle(60)
    return describe(cloud, name)


def test_an_update_swaps_the_model_and_ends_the_old_process(
    cloud: LocalCloud, make_queue: Queue, messages: Messages
) -> None:
    url, arn = make_queue("endpoints")
    pattern = {"detail-type": ["SageMaker Endpoint State Change"], "detail": {"EndpointName": ["swapped"]}}
    cloud.client("events").put_rule(Name="endpoints", EventPattern=json.dumps(pattern))
    cloud.client("events").put_targets(Rule="endpoints", Targets=[{"Id": "1", "Arn": arn}])
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_endpoint(EndpointName="swapped", EndpointConfigName="v1")
    assert describe(cloud, "swapped")["EndpointStatus"] in ("Creating", "InService")
    cloud.settle(60)
    described = describe(cloud, "swapped")
    assert described["EndpointStatus"] == "InService"
    assert described["DataCaptureConfig"]["CaptureStatus"] == "Started"
    assert b",1,0.5" in invoke(cloud, "swapped")["Body"]
    old = current().fleets["swapped"].variants["AllTraffic"].worker
    sagemaker.update_endpoint(EndpointName="swapped", EndpointConfigName="v2")
    cloud.settle(60)
    assert describe(cloud, "swapped")["EndpointConfigName"] == "v2"
    assert b",2,0.5" in invoke(cloud, "swapped")["Body"]
    assert not old.is_open
    sagemaker.describe_endpoint_config(EndpointConfigName="v1")  # kept: it is what a rollback goes back to
    statuses = [event["detail"]["EndpointStatus"] for event in messages(url)]
    assert sorted(statuses) == ["CREATING", "IN_SERVICE", "IN_SERVICE", "UPDATING"]


@pytest.mark.parametrize(("config", "why"), [("broken", "cannot load"), ("hostile", "outside its folder")])
def test_a_model_that_does_not_start_fails_a_new_endpoint(cloud: LocalCloud, config: str, why: str) -> None:
    described = create(cloud, f"new-{config}", config)
    assert described["EndpointStatus"] == "Failed"
    assert "did not pass the ping health check" in described["FailureReason"]
    assert why in described["FailureReason"]
    with pytest.raises(ClientError, match="not found"):
        invoke(cloud, f"new-{config}")
    with pytest.raises(ClientError, match="Cannot update endpoint"):
        cloud.client("sagemaker").update_endpoint(EndpointName=f"new-{config}", EndpointConfigName="v1")


def test_an_update_to_a_model_that_does_not_start_rolls_back(cloud: LocalCloud) -> None:
    create(cloud, "rolled-back", "v1")
    sagemaker = cloud.client("sagemaker")
    sagemaker.update_endpoint(EndpointName="rolled-back", EndpointConfigName="broken")
    cloud.settle(60)
    described = describe(cloud, "rolled-back")
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "v1")
    assert "cannot load" in described["FailureReason"]
    assert b",1,0.5" in invoke(cloud, "rolled-back")["Body"]
    sagemaker.update_endpoint(EndpointName="rolled-back", EndpointConfigName="v2")
    cloud.settle(60)
    assert "FailureReason" not in describe(cloud, "rolled-back")


def test_a_deleted_endpoint_answers_no_more(cloud: LocalCloud) -> None:
    create(cloud, "deleted", "v1")
    worker = current().fleets["deleted"].variants["AllTraffic"].worker
    cloud.client("sagemaker").delete_endpoint(EndpointName="deleted")
    assert not worker.is_open
    with pytest.raises(ClientError, match="not found"):
        invoke(cloud, "deleted")


def test_a_model_can_be_named_by_its_package(cloud: LocalCloud) -> None:
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="endpoints")
    container = {
        "Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/sklearn:1",
        "ModelDataUrl": f"s3://{BUCKET}/good.tar.gz",
    }
    package = sagemaker.create_model_package(
        ModelPackageGroupName="endpoints",
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )["ModelPackageArn"]
    role = "arn:aws:iam::123456789012:role/serving"
    named = {"ModelPackageName": package, "Environment": {"TRIMTAB_MODEL_VERSION": "9"}}
    sagemaker.create_model(ModelName="by-package", ExecutionRoleArn=role, Containers=[named])
    variant = {"VariantName": "A", "ModelName": "by-package", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(
        EndpointConfigName="by-package", ProductionVariants=[{**variant, "InstanceType": "ml.m5.large"}]
    )
    assert create(cloud, "by-package", "by-package")["EndpointStatus"] == "InService"
    assert b",9,0.5" in invoke(cloud, "by-package")["Body"]


def test_what_sagemaker_refuses_is_refused(cloud: LocalCloud) -> None:
    sagemaker = cloud.client("sagemaker")
    create(cloud, "there", "v1")
    with pytest.raises(ClientError, match="already existing endpoint"):
        create(cloud, "there", "v1")
    with pytest.raises(ClientError, match="already existing model"):
        configure(cloud, "v1")
    with pytest.raises(ClientError, match="Could not access model data"):
        configure(cloud, "no-data", "no-such-archive")
    with pytest.raises(ClientError, match="Could not find endpoint configuration"):
        sagemaker.update_endpoint(EndpointName="there", EndpointConfigName="none")
    with pytest.raises(ClientError, match="Could not find endpoint"):
        sagemaker.update_endpoint(EndpointName="none", EndpointConfigName="v1")
    with pytest.raises(ClientError, match="Could not find endpoint"):
        sagemaker.delete_endpoint(EndpointName="none")
    variant = {
        "VariantName": "A",
        "ModelName": "v1",
        "InitialInstanceCount": 1,
        "InstanceType": "ml.m5.large",
    }
    with pytest.raises(ClientError, match="already existing endpoint configuration"):
        sagemaker.create_endpoint_config(EndpointConfigName="v1", ProductionVariants=[variant])
