"""What every environment keeps, and how it is kept."""

from pathlib import Path
from typing import Any

import pytest

from tests.infrastructure.conftest import Larger
from tests.infrastructure.templates import Resource, Templates, as_list
from trimtab.project.load import load_environment

BUCKETS = ("data", "models", "logs")
ENVIRONMENTS = ("dev", "prod")


def bucket(templates: Templates, environment: str, name: str) -> Resource:
    """Return a bucket by its purpose."""
    full = f"trimtab-{environment}-{name}-${{AWS::AccountId}}-us-east-1"
    return templates.one("AWS::S3::Bucket", BucketName=full)


def policy_of(templates: Templates, owner: Resource) -> list[dict[str, Any]]:
    """Return the statements of a bucket's policy."""
    for one in templates.resources("AWS::S3::BucketPolicy"):
        if one.stack == owner.stack and one.properties["Bucket"] == f"${{{owner.id}}}":
            statements: list[dict[str, Any]] = one.properties["PolicyDocument"]["Statement"]
            return statements
    raise AssertionError(f"{owner} has no policy")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("name", BUCKETS)
def test_bucket_is_versioned_encrypted_private_and_refuses_plain_http(
    templates: Templates, environment: str, name: str
) -> None:
    found = bucket(templates, environment, name)
    properties = found.properties
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    default = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]
    wanted = "AES256" if name == "logs" else "aws:kms"
    assert default["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == wanted
    refusals = [one for one in policy_of(templates, found) if one["Effect"] == "Deny"]
    assert {"Bool": {"aws:SecureTransport": "false"}} in [one["Condition"] for one in refusals]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("name", ["data", "models"])
def test_bucket_refuses_other_accounts_and_other_keys(
    templates: Templates, environment: str, name: str
) -> None:
    statements = {one.get("Sid"): one for one in policy_of(templates, bucket(templates, environment, name))}
    stranger = statements["DenyOtherAccounts"]
    assert stranger["Action"] == "s3:*"
    assert stranger["Condition"]["StringNotEqualsIfExists"] == {"aws:PrincipalAccount": "${AWS::AccountId}"}
    assert statements["DenyOtherEncryption"]["Action"] == "s3:PutObject"
    header = "s3:x-amz-server-side-encryption-aws-kms-key-id"
    assert statements["DenyOtherKeys"]["Condition"]["StringNotEquals"][header].endswith(".Arn}")


@pytest.mark.parametrize("sid", ["DenyOtherEncryption", "DenyOtherKeys"])
def test_a_put_that_leaves_encryption_to_the_bucket_is_not_refused(templates: Templates, sid: str) -> None:
    statements = {one.get("Sid"): one for one in policy_of(templates, bucket(templates, "prod", "data"))}
    condition = statements[sid]["Condition"]
    # Negated conditions, with IfExists or without, hold for a request that lacks the header.
    assert condition["Null"] == dict.fromkeys(condition["StringNotEquals"], "false")


def test_model_bucket_takes_artefacts_from_training_roles_only(templates: Templates) -> None:
    for environment in ENVIRONMENTS:
        (refusal,) = [
            one
            for one in policy_of(templates, bucket(templates, environment, "models"))
            if one.get("Sid") == "DenyArtefactsOfOthers"
        ]
        assert refusal["Effect"] == "Deny"
        assert refusal["Resource"].endswith("/runs/*/output/*")
        role = f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/trimtab-{environment}-*-training"
        assert refusal["Condition"] == {"ArnNotLike": {"aws:PrincipalArn": role}}


def test_uploads_are_announced_without_a_custom_resource(templates: Templates) -> None:
    notices = bucket(templates, "dev", "data").properties["NotificationConfiguration"]
    assert notices == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}


def test_what_anything_refers_to_never_expires_and_keeps_all_its_versions(templates: Templates) -> None:
    # Models, tags, lineage and .dvc files name versions under every prefix but these.
    repeatable = ("captured/", "quarantine/", "windows/")  # old versions only
    # What the steps of one run hand to each other, and what batch scoring reads and answers.
    passing = ("ingest/", "shards/", "scoring/")
    for environment in ENVIRONMENTS:
        for name in ("data", "models"):
            rules = bucket(templates, environment, name).properties["LifecycleConfiguration"]["Rules"]
            assert any("AbortIncompleteMultipartUpload" in rule for rule in rules)
            for rule in rules:
                removing = rule.keys() - {"Id", "Status", "Prefix", "AbortIncompleteMultipartUpload"}
                allowed = {"NoncurrentVersionExpiration"} if rule.get("Prefix") in repeatable else set()
                if rule.get("Prefix") in passing:
                    allowed = {"NoncurrentVersionExpiration", "ExpirationInDays"}
                assert removing <= allowed, rule


def test_answers_of_batch_scoring_expire_after_the_environments_days(
    templates: Templates, root: Path
) -> None:
    for environment in ENVIRONMENTS:
        rules = bucket(templates, environment, "data").properties["LifecycleConfiguration"]["Rules"]
        (rule,) = [rule for rule in rules if rule.get("Prefix") == "scoring/"]
        days = load_environment(root, environment).scoring_retention_days
        assert (rule["Status"], rule["ExpirationInDays"], days) == ("Enabled", days, 30)
        assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}


def test_production_outlives_its_stack_and_dev_does_not(templates: Templates) -> None:
    kept = ("AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::KMS::Key")
    for kind in kept:
        policies = {one.stack: one.body["DeletionPolicy"] for one in templates.resources(kind)}
        assert policies == {"Dev-Platform": "Delete", "Prod-Platform": "RetainExceptOnCreate"}
    assert all(one.body["UpdateReplacePolicy"] == "Retain" for one in templates.resources(kept[0], "Prod"))


def test_table_is_on_demand_recoverable_and_encrypted_with_our_key(templates: Templates) -> None:
    for environment in ENVIRONMENTS:
        table = templates.one("AWS::DynamoDB::Table", TableName=f"trimtab-{environment}").properties
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
        assert table["SSESpecification"]["SSEType"] == "KMS"
        assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]
        assert "TimeToLiveSpecification" not in table


def test_key_rotates_and_only_the_account_and_two_services_use_it(templates: Templates) -> None:
    for key in templates.resources("AWS::KMS::Key"):
        assert key.properties["EnableKeyRotation"] is True
        principals = [one["Principal"] for one in key.properties["KeyPolicy"]["Statement"]]
        assert principals == [
            {"AWS": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"},
            {"Service": "cloudwatch.amazonaws.com"},
            {"Service": "events.amazonaws.com"},
        ]


@pytest.mark.parametrize(
    ("kind", "key", "action"),
    [
        ("AWS::SQS::Queue", "KmsMasterKeyId", "sqs:*"),
        ("AWS::SNS::Topic", "KmsMasterKeyId", "sns:Publish"),
    ],
)
def test_messages_are_encrypted_and_refuse_plain_http(
    templates: Templates, kind: str, key: str, action: str
) -> None:
    for one in templates.resources(kind):
        assert "Key" in one.properties[key]
    for one in templates.resources(f"{kind}Policy"):
        refusals = [
            part for part in one.properties["PolicyDocument"]["Statement"] if part["Effect"] == "Deny"
        ]
        assert [(as_list(part["Action"]), part["Condition"]) for part in refusals] == [
            ([action], {"Bool": {"aws:SecureTransport": "false"}})
        ]


def test_alerts_reach_a_person_when_the_environment_names_one(templates: Templates, larger: Larger) -> None:
    assert not list(templates.resources("AWS::SNS::Subscription"))
    (subscription,) = larger.templates.resources("AWS::SNS::Subscription")
    assert subscription.stack == "Staging-Platform"
    assert subscription.properties["Endpoint"] == "on-call@example.com"
