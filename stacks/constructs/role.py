"""A role with everything it may do written into it."""

from typing import Any

from aws_cdk import CfnTag
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.permissions import Statement, document


def role(
    scope: Construct,
    id: str,
    *,
    trust: dict[str, Any],
    statements: list[Statement],
    description: str,
    name: str | None = None,
    tags: dict[str, str] | None = None,
) -> iam.CfnRole:
    """Make a role; the name is left to CloudFormation unless others find the role by it."""
    policy = iam.CfnRole.PolicyProperty(policy_name="May", policy_document=document(statements))
    return iam.CfnRole(
        scope,
        id,
        role_name=name,
        description=description,
        assume_role_policy_document=trust,
        policies=[policy],
        tags=[CfnTag(key=key, value=value) for key, value in sorted((tags or {}).items())] or None,
    )
