"""CloudFormation: what a template says is made, changed and deleted for real, and failures name the
resource.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud import LocalCloud

POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::conformance-bucket/*"}
    ],
}
DENY_PLAIN_HTTP = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": "s3:*",
            "Resource": ["arn:aws:s3:::conformance-bucket", "arn:aws:s3:::conformance-bucket/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ],
}
MACHINE = {
    "StartAt": "Call",
    "States": {"Call": {"Type": "Pass", "Parameters": {"queue": "${Queue}"}, "End": True}},
}


def template() -> dict[str, Any]:
    return {
        "Parameters": {"Days": {"Type": "Number", "Default": 30}},
        "Resources": {
            "Metadata": {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "none"}},
            "BucketPolicy": {
                "Type": "AWS::S3::BucketPolicy",
                "Properties": {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": DENY_PLAIN_HTTP},
            },
            "Bucket": {
                "Type": "AWS::S3::Bucket",
                "Properties": {
                    "BucketName": "conformance-bucket",
                    "VersioningConfiguration": {"Status": "Enabled"},
                    "BucketEncryption": {
                        "ServerSideEncryptionConfiguration": [
                            {
                                "ServerSideEncryptionByDefault": {
                                    "SSEAlgorithm": "aws:kms",
                                    "KMSMasterKeyID": {"Fn::GetAtt": ["Key", "Arn"]},
                                },
                                "BucketKeyEnabled": True,
                            }
                        ]
                    },
                    "PublicAccessBlockConfiguration": {
                        "BlockPublicAcls": True,
                        "BlockPublicPolicy": True,
                        "IgnorePublicAcls": True,
                        "RestrictPublicBuckets": True,
                    },
                    "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
                    "LifecycleConfiguration": {
                        "Rules": [
                            {
                                "Id": "old",
                                "Status": "Enabled",
                                "Prefix": "captured/",
                                "ExpirationInDays": {"Ref": "Days"},
                                "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
                                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
                            }
                        ]
                    },
                    "Tags": [{"Key": "project", "Value": "flights"}],
                },
            },
            "Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": POLICY, "EnableKeyRotation": True}},
            "Alias": {
                "Type": "AWS::KMS::Alias",
                "Properties": {"AliasName": "alias/conformance", "TargetKeyId": {"Ref": "Key"}},
            },
            "Table": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {
                    "TableName": "conformance",
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                    "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
                    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
                },
            },
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "conformance"}},
            "TopicPolicy": {
                "Type": "AWS::SNS::TopicPolicy",
                "Properties": {"Topics": [{"Ref": "Topic"}], "PolicyDocument": POLICY},
            },
            "Subscription": {
                "Type": "AWS::SNS::Subscription",
                "Properties": {
                    "TopicArn": {"Ref": "Topic"},
                    "Protocol": "sqs",
                    "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]},
                },
            },
            "Queue": {
                "Type": "AWS::SQS::Queue",
                "Properties": {"QueueName": "conformance", "VisibilityTimeout": 60},
            },
            "QueuePolicy": {
                "Type": "AWS::SQS::QueuePolicy",
                "Properties": {"Queues": [{"Ref": "Queue"}], "PolicyDocument": POLICY},
            },
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "AssumeRolePolicyDocument": POLICY,
                    "Policies": [{"PolicyName": "inline", "PolicyDocument": POLICY}],
                },
            },
            "Policy": {
                "Type": "AWS::IAM::Policy",
                "Properties": {"PolicyName": "more", "PolicyDocument": POLICY, "Roles": [{"Ref": "Role"}]},
            },
            "LogGroup": {
                "Type": "AWS::Logs::LogGroup",
                "Properties": {"LogGroupName": "/aws/lambda/conformance", "RetentionInDays": 30},
            },
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "FunctionName": "conformance",
                    "Runtime": "python3.12",
                    "Handler": "index.handler",
                    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                    "Code": {"ZipFile": "def handler(event, context):\n    return 1\n"},
                    "Architectures": ["arm64"],
                    "Timeout": "10",
                    "DeadLetterConfig": {"TargetArn": {"Fn::GetAtt": ["Queue", "Arn"]}},
                    "Environment": {"Variables": {"TABLE": {"Ref": "Table"}}},
                },
            },
            "InvokeConfig": {
                "Type": "AWS::Lambda::EventInvokeConfig",
                "Properties": {
                    "FunctionName": {"Ref": "Function"},
                    "Qualifier": "$LATEST",
                    "MaximumRetryAttempts": 1,
                },
            },
            "Permission": {
                "Type": "AWS::Lambda::Permission",
                "Properties": {
                    "FunctionName": {"Ref": "Function"},
                    "Action": "lambda:InvokeFunction",
                    "Principal": "events.amazonaws.com",
                    "SourceArn": {"Fn::GetAtt": ["Rule", "Arn"]},
                },
            },
            "Rule": {
                "Type": "AWS::Events::Rule",
                "Properties": {
                    "Name": "conformance",
                    "EventPattern": {"source": ["conformance"]},
                    "Targets": [
                        {
                            "Arn": {"Fn::GetAtt": ["Function", "Arn"]},
                            "Id": "Target0",
                            "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["Queue", "Arn"]}},
                        }
                    ],
                },
            },
            "Group": {"Type": "AWS::Scheduler::ScheduleGroup", "Properties": {"Name": "conformance"}},
            "Schedule": {
                "Type": "AWS::Scheduler::Schedule",
                "Properties": {
                    "Name": "daily",
                    "GroupName": {"Ref": "Group"},
                    "ScheduleExpression": "cron(0 6 * * ? *)",
                    "FlexibleTimeWindow": {"Mode": "OFF"},
                    "Target": {
                        "Arn": {"Fn::GetAtt": ["Function", "Arn"]},
                        "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                        "Input": '{"time": "<aws.scheduler.scheduled-time>"}',
                    },
                },
            },
            "Machine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "StateMachineName": "conformance",
                    "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                    "DefinitionString": json.dumps(MACHINE),
                    "DefinitionSubstitutions": {"Queue": {"Fn::GetAtt": ["Queue", "QueueName"]}},
                },
            },
            "Alarm": {
                "Type": "AWS::CloudWatch::Alarm",
                "Properties": {
                    "AlarmName": "conformance",
                    "Namespace": "Conformance",
                    "MetricName": "Heartbeat",
                    "Statistic": "Sum",
                    "Period": 3600,
                    "EvaluationPeriods": 1,
                    "Threshold": 1,
                    "ComparisonOperator": "LessThanThreshold",
                    "TreatMissingData": "breaching",
                    "AlarmActions": [{"Ref": "Topic"}],
                },
            },
            "MetricFilter": {
                "Type": "AWS::Logs::MetricFilter",
                "Properties": {
                    "LogGroupName": {"Ref": "LogGroup"},
                    "FilterPattern": "ERROR",
                    "MetricTransformations": [
                        {"MetricName": "Errors", "MetricNamespace": "Conformance", "MetricValue": "1"}
                    ],
                },
            },
            "PackageGroup": {
                "Type": "AWS::SageMaker::ModelPackageGroup",
                "Properties": {
                    "ModelPackageGroupName": "conformance",
                    "ModelPackageGroupDescription": "models",
                },
            },
            "Parameter": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Name": "/conformance", "Type": "String", "Value": {"Ref": "Bucket"}},
            },
        },
        "Outputs": {
            "Group": {"Value": {"Fn::GetAtt": ["PackageGroup", "ModelPackageGroupArn"]}},
            "Machine": {"Value": {"Ref": "Machine"}},
        },
    }


@pytest.fixture(scope="module")
def stack(cloud: LocalCloud) -> str:
    cloud.client("cloudformation").create_stack(StackName="conformance", TemplateBody=json.dumps(template()))
    return "conformance"


def update(cloud: LocalCloud, stack: str, changed: dict[str, Any]) -> None:
    cloud.client("cloudformation").update_stack(StackName=stack, TemplateBody=json.dumps(changed))


def test_every_property_reaches_its_service(cloud: LocalCloud, stack: str) -> None:
    s3, name = cloud.client("s3"), "conformance-bucket"
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    encryption = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert encryption["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert (
        s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]["BlockPublicPolicy"] is True
    )
    assert "EventBridgeConfiguration" in s3.get_bucket_notification_configuration(Bucket=name)
    rule = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"][0]
    assert rule["Expiration"]["Days"] == 30
    assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] == 7
    dynamodb = cloud.client("dynamodb")
    expiry = dynamodb.describe_time_to_live(TableName="conformance")["TimeToLiveDescription"]
    assert expiry["TimeToLiveStatus"] == "ENABLED"
    backups = dynamodb.describe_continuous_backups(TableName="conformance")["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    function = cloud.client("lambda").get_function_configuration(FunctionName="conformance")
    assert function["Architectures"] == ["arm64"]
    assert function["Timeout"] == 10
    assert function["Environment"]["Variables"] == {"TABLE": "conformance"}
    schedule = cloud.client("scheduler").get_schedule(Name="daily", GroupName="conformance")
    assert schedule["State"] == "ENABLED"
    described = cloud.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in described["Outputs"]}
    definition = cloud.client("stepfunctions").describe_state_machine(stateMachineArn=outputs["Machine"])
    assert json.loads(definition["definition"])["States"]["Call"]["Parameters"] == {"queue": "conformance"}
    assert outputs["Group"].endswith("model-package-group/conformance")
    assert cloud.client("logs").describe_log_groups()["logGroups"][0]["retentionInDays"] == 30
    assert cloud.client("ssm").get_parameter(Name="/conformance")["Parameter"]["Value"] == name
    keys = cloud.client("kms")
    key = keys.describe_key(KeyId="alias/conformance")["KeyMetadata"]["KeyId"]
    assert keys.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True


def test_a_bucket_policy_with_conditions_lets_requests_through(cloud: LocalCloud, stack: str) -> None:
    cloud.client("s3").put_object(Bucket="conformance-bucket", Key="a", Body=b"x")
    assert cloud.client("s3").get_object(Bucket="conformance-bucket", Key="a")["Body"].read() == b"x"


def test_an_update_changes_what_changed_and_keeps_the_data(cloud: LocalCloud, stack: str) -> None:
    cloud.client("dynamodb").put_item(TableName="conformance", Item={"pk": {"S": "kept"}})
    changed = template()
    resources = changed["Resources"]
    resources["Function"]["Properties"]["Timeout"] = 20
    resources["Function"]["Properties"]["Code"]["ZipFile"] = "def handler(event, context):\n    return 2\n"
    resources["Table"]["Properties"]["DeletionProtectionEnabled"] = True
    resources["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] = 60
    resources["Alarm"]["Properties"]["Threshold"] = 5
    resources["Rule"]["Properties"]["State"] = "DISABLED"
    resources["Schedule"]["Properties"]["ScheduleExpression"] = "rate(1 day)"
    resources["Machine"]["Properties"]["DefinitionSubstitutions"] = {"Queue": "changed"}
    resources["LogGroup"]["Properties"]["RetentionInDays"] = 90
    resources["Added"] = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "added"}}
    del resources["Parameter"]
    update(cloud, stack, changed)
    payload = cloud.client("lambda").invoke(FunctionName="conformance")["Payload"].read()
    assert payload == b"2"
    assert cloud.client("lambda").get_function_configuration(FunctionName="conformance")["Timeout"] == 20
    table = cloud.client("dynamodb").describe_table(TableName="conformance")["Table"]
    assert table["DeletionProtectionEnabled"] is True
    assert cloud.client("dynamodb").scan(TableName="conformance")["Count"] == 1
    rule = cloud.client("s3").get_bucket_lifecycle_configuration(Bucket="conformance-bucket")["Rules"][0]
    assert rule["Expiration"]["Days"] == 60
    alarm = cloud.client("cloudwatch").describe_alarms(AlarmNames=["conformance"])["MetricAlarms"][0]
    assert alarm["Threshold"] == 5
    assert cloud.client("events").describe_rule(Name="conformance")["State"] == "DISABLED"
    schedule = cloud.client("scheduler").get_schedule(Name="daily", GroupName="conformance")
    assert schedule["ScheduleExpression"] == "rate(1 day)"
    assert cloud.client("logs").describe_log_groups()["logGroups"][0]["retentionInDays"] == 90
    machine = cloud.client("stepfunctions").list_state_machines()["stateMachines"][0]["stateMachineArn"]
    assert (
        "changed"
        in cloud.client("stepfunctions").describe_state_machine(stateMachineArn=machine)["definition"]
    )
    assert cloud.client("sqs").get_queue_url(QueueName="added")["QueueUrl"]
    with pytest.raises(ClientError, match="ParameterNotFound"):
        cloud.client("ssm").get_parameter(Name="/conformance")


def test_an_unchanged_template_is_refused_as_no_update(cloud: LocalCloud, stack: str) -> None:
    current = cloud.client("cloudformation").get_template(StackName=stack)["TemplateBody"]
    with pytest.raises(ClientError, match="No updates are to be performed"):
        update(cloud, stack, current)


def test_an_unknown_type_fails_before_anything_is_made(cloud: LocalCloud) -> None:
    body = {
        "Resources": {
            "Fine": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "never-made"}},
            "Odd": {"Type": "AWS::Bedrock::Guardrail", "Properties": {}},
        }
    }
    with pytest.raises(
        ClientError, match=r"Resource Odd \(AWS::Bedrock::Guardrail\).*does not have the type"
    ):
        cloud.client("cloudformation").create_stack(StackName="odd", TemplateBody=json.dumps(body))
    with pytest.raises(ClientError, match="NonExistentQueue"):
        cloud.client("sqs").get_queue_url(QueueName="never-made")


def test_a_failing_resource_is_named_and_the_rest_is_taken_back(cloud: LocalCloud) -> None:
    body = {
        "Resources": {
            "Fine": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "taken-back"}},
            "Bad": {
                "Type": "AWS::Scheduler::Schedule",
                "DependsOn": "Fine",
                "Properties": {
                    "ScheduleExpression": "cron(0 25 * * ? *)",
                    "FlexibleTimeWindow": {"Mode": "OFF"},
                    "Target": {
                        "Arn": "arn:aws:sqs:us-east-1:123456789012:q",
                        "RoleArn": "arn:aws:iam::1:role/r",
                    },
                },
            },
        }
    }
    cloudformation = cloud.client("cloudformation")
    with pytest.raises(ClientError, match=r"Resource Bad \(AWS::Scheduler::Schedule\) could not be made"):
        cloudformation.create_stack(StackName="failing", TemplateBody=json.dumps(body))
    with pytest.raises(ClientError, match="NonExistentQueue"):
        cloud.client("sqs").get_queue_url(QueueName="taken-back")
    with pytest.raises(ClientError, match="does not exist"):
        cloudformation.describe_stacks(StackName="failing")


def test_an_unknown_property_is_refused(cloud: LocalCloud) -> None:
    body = {
        "Resources": {
            "Topic": {"Type": "AWS::Scheduler::ScheduleGroup", "Properties": {"Name": "not valid!"}}
        }
    }
    with pytest.raises(ClientError, match="regular expression pattern"):
        cloud.client("cloudformation").create_stack(StackName="invalid", TemplateBody=json.dumps(body))


def test_a_replacement_under_a_fixed_name_is_refused(cloud: LocalCloud, stack: str) -> None:
    current = cloud.client("cloudformation").get_template(StackName=stack)["TemplateBody"]
    changed = copy.deepcopy(current)
    changed["Resources"]["Table"]["Properties"]["KeySchema"] = [{"AttributeName": "other", "KeyType": "HASH"}]
    with pytest.raises(ClientError, match=r"Resource Table .* must be replaced because KeySchema changed"):
        update(cloud, stack, changed)
    status = cloud.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
    assert status == "UPDATE_FAILED"
    changed["Resources"]["Table"] = current["Resources"]["Table"]
    changed["Resources"]["Queue"]["Properties"]["VisibilityTimeout"] = 90
    update(cloud, stack, changed)
    url = cloud.client("sqs").get_queue_url(QueueName="conformance")["QueueUrl"]
    attributes = cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "90"


def test_deletion_leaves_nothing_but_what_is_retained(cloud: LocalCloud) -> None:
    body = {
        "Resources": {
            "Kept": {
                "Type": "AWS::S3::Bucket",
                "DeletionPolicy": "Retain",
                "Properties": {"BucketName": "kept-one"},
            },
            "Gone": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "gone-one"}},
        }
    }
    cloudformation = cloud.client("cloudformation")
    cloudformation.create_stack(StackName="short-lived", TemplateBody=json.dumps(body))
    cloudformation.delete_stack(StackName="short-lived")
    cloud.client("s3").head_bucket(Bucket="kept-one")
    with pytest.raises(ClientError, match="NonExistentQueue"):
        cloud.client("sqs").get_queue_url(QueueName="gone-one")
