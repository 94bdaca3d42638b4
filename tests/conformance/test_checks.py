"""What AWS would refuse is refused here, in AWS's words."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from localcloud import LocalCloud


@pytest.fixture(scope="module")
def unchecked(cloud: LocalCloud) -> Any:
    """Return a maker of clients that check nothing themselves."""
    session = boto3.session.Session("local", "local", region_name=cloud.region)
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    return lambda service: session.client(service, endpoint_url=cloud.endpoint_url, config=config)


def refused(call: Any, message: str) -> None:
    with pytest.raises(ClientError) as raised:
        call()
    error = raised.value.response["Error"]
    assert error["Code"] in ("ValidationException", "ValidationError")
    assert message in error["Message"]


def test_patterns_lengths_and_enumerations_are_those_of_the_model(unchecked: Any) -> None:
    sagemaker = unchecked("sagemaker")
    group = sagemaker.create_model_package_group
    refused(lambda: group(ModelPackageGroupName="no spaces please"), "regular expression pattern")
    refused(lambda: group(ModelPackageGroupName="a" * 64), "length less than or equal to 63")
    refused(group, "Member must not be null")
    metadata = {f"key{n}": "v" for n in range(51)}
    package = {"ModelPackageGroupName": "g", "CustomerMetadataProperties": metadata}
    refused(lambda: sagemaker.create_model_package(**package), "less than or equal to 50")
    package["CustomerMetadataProperties"] = {"document": '{"json": true}'}
    refused(lambda: sagemaker.create_model_package(**package), "customerMetadataProperties")
    package = {"ModelPackageGroupName": "g", "ModelApprovalStatus": "Perhaps"}
    refused(lambda: sagemaker.create_model_package(**package), "enum value set")


def test_services_of_every_protocol_are_checked(unchecked: Any) -> None:
    refused(lambda: unchecked("events").put_rule(Name="bad name!", EventPattern="{}"), "'name'")
    refused(
        lambda: unchecked("scheduler").create_schedule_group(Name="bad name!"),
        "regular expression pattern",
    )
    refused(
        lambda: unchecked("stepfunctions").start_execution(stateMachineArn="x" * 300),
        "less than or equal to 256",
    )
    refused(
        lambda: unchecked("cloudwatch").put_metric_alarm(
            AlarmName="a", EvaluationPeriods=1, ComparisonOperator="GreaterThanNothing"
        ),
        "enum value set",
    )
    refused(lambda: unchecked("dynamodb").list_tables(Limit=101), "less than or equal to 100")


def test_rules_beyond_the_model(cloud: LocalCloud) -> None:
    machines = cloud.client("stepfunctions")
    text = json.dumps("x" * 262_144)
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:none"
    refused(lambda: machines.start_execution(stateMachineArn=arn, input=text), "262144")
    entry = {"Source": "s", "DetailType": "d", "Detail": json.dumps({"a": "x" * 300_000})}
    refused(lambda: cloud.client("events").put_events(Entries=[entry]), "over the limit")
    data = [{"MetricName": "m", "Value": 1.0}] * 1001
    refused(lambda: cloud.client("cloudwatch").put_metric_data(Namespace="N", MetricData=data), "1000")


def test_what_is_right_passes(cloud: LocalCloud) -> None:
    tags = [{"Key": "unit", "Value": "Größe: 5 m² äöü"}]
    made = cloud.client("sagemaker").create_model_package_group(ModelPackageGroupName="right", Tags=tags)
    assert made["ModelPackageGroupArn"].endswith("/right")
