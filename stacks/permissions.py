"""Permissions as sentences: the role is the subject, then come a verb and one object."""

from dataclasses import dataclass
from typing import Any

from stacks.target import Place

type Statement = dict[str, Any]
# What S3, DynamoDB and SQS ask of the key on behalf of a caller who reads or writes.
KEY_ACTIONS = ("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey")


def allow(*actions: str, on: list[str], when: dict[str, Any] | None = None) -> Statement:
    """Allow the actions on the resources, under a condition if one is given."""
    statement: Statement = {"Effect": "Allow", "Action": sorted(actions), "Resource": sorted(on)}
    return statement | ({"Condition": when} if when else {})


def document(statements: list[Statement]) -> dict[str, Any]:
    """Wrap statements as a policy document."""
    return {"Version": "2012-10-17", "Statement": statements}


def assumed_by(service: str, when: dict[str, Any] | None = None) -> dict[str, Any]:
    """Let a service take on the role."""
    statement: Statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    return document([statement | ({"Condition": when} if when else {})])


@dataclass(frozen=True, slots=True)
class Permissions:
    """Sentences about the things of one environment."""

    place: Place
    key_arn: str

    def read(self, bucket: str, *keys: str) -> Statement:
        """Read objects under keys such as `objects/*`."""
        return allow("s3:GetObject", on=[self.place.bucket_arn(bucket, key) for key in keys])

    def read_versions(self, bucket: str, *keys: str) -> Statement:
        """Read named versions of objects under keys such as `landing/flights/*`."""
        return allow("s3:GetObjectVersion", on=[self.place.bucket_arn(bucket, key) for key in keys])

    def write(self, bucket: str, *keys: str) -> Statement:
        """Write objects under keys such as `objects/*`."""
        return allow("s3:PutObject", on=[self.place.bucket_arn(bucket, key) for key in keys])

    def find(self, bucket: str, *prefixes: str) -> Statement:
        """List prefixes, and learn of a missing object that it is missing.

        Without the right to list, S3 answers 403 for an object that does not exist. A read carries no prefix,
        hence IfExists.
        """
        when = {"StringLikeIfExists": {"s3:prefix": sorted(prefixes)}}
        return allow("s3:ListBucket", on=[self.place.bucket_arn(bucket)], when=when)

    def list_versions(self, bucket: str, *prefixes: str) -> Statement:
        """List the versions of objects, newest first, below prefixes."""
        when = {"StringLike": {"s3:prefix": sorted(prefixes)}}
        return allow("s3:ListBucketVersions", on=[self.place.bucket_arn(bucket)], when=when)

    def use_key(self, *services: str) -> Statement:
        """Use the environment's key, through the services only."""
        return allow(*KEY_ACTIONS, on=[self.key_arn], when=self._through(*services))

    def encrypt_volumes(self) -> list[Statement]:
        """Let SageMaker encrypt the disks of its instances with the key; nobody else is handed it."""
        when = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
        return [
            allow("kms:CreateGrant", on=[self.key_arn], when=when),
            allow("kms:DescribeKey", on=[self.key_arn]),
        ]

    def read_items(self, *partitions: str) -> Statement:
        """Read the table's items of partitions such as `UPLOAD#flights`."""
        return self._items(("dynamodb:GetItem", "dynamodb:Query"), partitions)

    def write_items(self, *partitions: str) -> Statement:
        """Write the table's items of partitions such as `UPLOAD#flights`."""
        return self._items(("dynamodb:PutItem", "dynamodb:UpdateItem"), partitions)

    def delete_items(self, *partitions: str) -> Statement:
        """Delete the table's items of partitions such as `LOCK#flights`."""
        return self._items(("dynamodb:DeleteItem",), partitions)

    def pass_role(self, role_arn: str) -> Statement:
        """Hand a role to SageMaker and to nobody else."""
        when = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
        return allow("iam:PassRole", on=[role_arn], when=when)

    def put_events(self) -> Statement:
        """Report on the default event bus, in Trimtab's name only."""
        when = {"StringEquals": {"events:source": "trimtab"}}
        return allow("events:PutEvents", on=[self.place.bus_arn], when=when)

    def send_dead_letters(self) -> Statement:
        """Send what could not be delivered to the dead-letter queue."""
        return allow("sqs:SendMessage", on=[self.place.dead_letters_arn])

    def _through(self, *services: str) -> dict[str, Any]:
        region = self.place.environment.region
        return {
            "StringEquals": {"kms:ViaService": [f"{service}.{region}.amazonaws.com" for service in services]}
        }

    def _items(self, actions: tuple[str, ...], partitions: tuple[str, ...]) -> Statement:
        when = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": sorted(partitions)}}
        return allow(*actions, on=[self.place.table_arn], when=when)
