"""The three buckets of an environment: data, models, and the access logs of both."""

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.target import Place
from trimtab import names

ABORT_DAYS = 7
NONCURRENT_DAYS = 30
# Only what can be made again may lose its old versions: models are pinned to content under objects/,
# datasets/, code/, runs/ and baselines/, and uploads are their origin.
REPEATABLE = ("captured/", "quarantine/", "windows/")

# What the steps of one run hand to each other.
PASSING, PASSING_DAYS = ("ingest/", "shards/"), 7
# What batch scoring reads and answers: rows of people, for whom it was done, and no origin of anything.
SCORING = "scoring/"


class Buckets(Construct):
    """Versioned, encrypted with the environment's key, closed to plain HTTP and to other accounts."""

    def __init__(
        self, scope: Construct, id: str, *, place: Place, key: kms.Key, removal: cdk.RemovalPolicy
    ) -> None:
        """Create the buckets; uploads are announced on the default event bus."""
        super().__init__(scope, id)
        self._place, self._key, self._removal = place, key, removal
        self._logs = self._add_logs()
        rules = [
            *(_drop_old(prefix) for prefix in REPEATABLE),
            *(_expire(prefix, PASSING_DAYS) for prefix in PASSING),
            _expire(SCORING, place.environment.scoring_retention_days),
        ]
        data = self._add("Data", place.data_bucket, rules)
        models = self._add("Models", place.model_bucket, [])
        models.add_to_resource_policy(self._only_jobs_write(models))
        # The property of the construct adds a custom resource for this; the template's own does not need one.
        bucket = data.node.default_child
        assert isinstance(bucket, s3.CfnBucket)  # noqa: S101
        bucket.add_property_override(
            "NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled", True
        )

    def _add_logs(self) -> s3.Bucket:
        days = self._place.environment.log_retention_days
        return s3.Bucket(
            self,
            "Logs",
            bucket_name=self._place.log_bucket,
            # S3 delivers access logs only to buckets with its own keys.
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="expire-logs",
                    expiration=cdk.Duration.days(days),
                    noncurrent_version_expiration=cdk.Duration.days(NONCURRENT_DAYS),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(ABORT_DAYS),
                )
            ],
            removal_policy=self._removal,
        )

    def _add(self, id: str, name: str, rules: list[s3.LifecycleRule]) -> s3.Bucket:
        abort = s3.LifecycleRule(
            id="abort-unfinished-uploads",
            abort_incomplete_multipart_upload_after=cdk.Duration.days(ABORT_DAYS),
        )
        bucket = s3.Bucket(
            self,
            id,
            bucket_name=name,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self._key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            server_access_logs_bucket=self._logs,
            server_access_logs_prefix=f"{id.lower()}/",
            lifecycle_rules=[abort, *rules],
            removal_policy=self._removal,
        )
        for statement in self._perimeter(bucket):
            bucket.add_to_resource_policy(statement)
        return bucket

    def _only_jobs_write(self, bucket: s3.Bucket) -> iam.PolicyStatement:
        """Refuse a model artefact that is not written by a training job."""
        place = self._place
        roles = names.role(place.environment.name, "*", "training")
        jobs = f"arn:{Aws.PARTITION}:iam::{place.account}:role/{roles}"
        artefacts = [bucket.arn_for_objects("runs/*/output/*")]
        other = {"ArnNotLike": {"aws:PrincipalArn": jobs}}
        return _deny("DenyArtefactsOfOthers", ["s3:PutObject"], artefacts, other)

    def _perimeter(self, bucket: s3.Bucket) -> list[iam.PolicyStatement]:
        """Refuse other accounts, and objects encrypted with any other key."""
        everything = [bucket.bucket_arn, bucket.arn_for_objects("*")]
        stranger = {
            "StringNotEqualsIfExists": {"aws:PrincipalAccount": self._place.account},
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
        }
        # A negated condition also holds for an absent header; and then S3 takes the bucket's own key.
        method, key = (f"s3:x-amz-server-side-encryption{rest}" for rest in ("", "-aws-kms-key-id"))
        other_method = {"StringNotEquals": {method: "aws:kms"}, "Null": {method: "false"}}
        other_key = {"StringNotEquals": {key: self._key.key_arn}, "Null": {key: "false"}}
        return [
            _deny("DenyOtherAccounts", ["s3:*"], everything, stranger),
            _deny("DenyOtherEncryption", ["s3:PutObject"], [bucket.arn_for_objects("*")], other_method),
            _deny("DenyOtherKeys", ["s3:PutObject"], [bucket.arn_for_objects("*")], other_key),
        ]


def _drop_old(prefix: str) -> s3.LifecycleRule:
    return s3.LifecycleRule(
        id=f"drop-old-{prefix.rstrip('/')}",
        prefix=prefix,
        noncurrent_version_expiration=cdk.Duration.days(NONCURRENT_DAYS),
    )


def _expire(prefix: str, days: int) -> s3.LifecycleRule:
    return s3.LifecycleRule(
        id=f"expire-{prefix.rstrip('/')}",
        prefix=prefix,
        expiration=cdk.Duration.days(days),
        noncurrent_version_expiration=cdk.Duration.days(1),
    )


def _deny(
    sid: str, actions: list[str], resources: list[str], conditions: Mapping[str, object]
) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid=sid,
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=actions,
        resources=resources,
        conditions=conditions,
    )
