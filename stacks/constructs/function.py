"""A Lambda function with a role of its own and a log group that ends."""

from dataclasses import dataclass

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk.aws_s3_assets import Asset
from constructs import Construct

from stacks.constructs.role import role
from stacks.permissions import Permissions, Statement, allow, assumed_by
from stacks.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """What the functions of one stack run: the project's code on the layer."""

    code: Asset
    layer: lambda_.CfnLayerVersion


class ProjectFunction(Construct):
    """The handler of one folder under `lambdas/`."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        target: Target,
        permissions: Permissions,
        runs: Runs,
        folder: str,
        purpose: str,
        memory_mb: int,
        timeout_seconds: int,
        storage_mb: int | None = None,
        may: list[Statement],
        variables: dict[str, str] | None = None,
        is_started_by_events: bool = False,
    ) -> None:
        """Create the function; one that events start sends what fails twice to the dead-letter queue."""
        super().__init__(scope, id)
        name = target.function_name(folder)
        log_group = log_group_of(self, target, f"/aws/lambda/{name}")
        may = [*may, _write_logs(target, f"/aws/lambda/{name}")]
        if is_started_by_events:
            may = [*may, permissions.send_dead_letters(), permissions.use_key("sqs")]
        own = role(
            self,
            "Role",
            trust=assumed_by("lambda.amazonaws.com"),
            statements=may,
            description=f"What {name} may do",
        )
        dead_letters = lambda_.CfnFunction.DeadLetterConfigProperty(target_arn=target.dead_letters_arn)
        self.function = lambda_.CfnFunction(
            self,
            "Function",
            function_name=name,
            description=purpose,
            runtime="python3.12",
            architectures=["arm64"],
            handler=f"lambdas.{folder}.handler.handler",
            code=lambda_.CfnFunction.CodeProperty(
                s3_bucket=runs.code.s3_bucket_name, s3_key=runs.code.s3_object_key
            ),
            layers=[runs.layer.ref],
            role=own.attr_arn,
            memory_size=memory_mb,
            timeout=timeout_seconds,
            ephemeral_storage=lambda_.CfnFunction.EphemeralStorageProperty(size=storage_mb)
            if storage_mb
            else None,
            environment=lambda_.CfnFunction.EnvironmentProperty(
                variables=project_variables(target) | (variables or {})
            ),
            logging_config=lambda_.CfnFunction.LoggingConfigProperty(log_group=log_group.ref),
            dead_letter_config=dead_letters if is_started_by_events else None,
        )


def project_variables(target: Target) -> dict[str, str]:
    """Tell a function where its project lives."""
    return {
        "TRIMTAB_ENVIRONMENT": target.environment.name,
        "TRIMTAB_PROJECT": target.project.name,
        "TRIMTAB_DATA_BUCKET": target.data_bucket,
        "TRIMTAB_MODEL_BUCKET": target.model_bucket,
        "TRIMTAB_TABLE": target.table_name,
    }


def log_group_of(scope: Construct, target: Target, name: str) -> logs.CfnLogGroup:
    """Make a log group that keeps its lines as long as the environment says."""
    days = target.environment.log_retention_days
    return logs.CfnLogGroup(scope, "Logs", log_group_name=name, retention_in_days=days)


def _write_logs(target: Target, group: str) -> Statement:
    return allow("logs:CreateLogStream", "logs:PutLogEvents", on=[target.arn("logs", f"log-group:{group}:*")])
