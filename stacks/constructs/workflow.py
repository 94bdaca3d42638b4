"""A state machine, written in a file of its own, with a role written by hand next to it."""

import re

from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from assets.uv import BuildFailed
from stacks.constructs.function import log_group_of
from stacks.constructs.role import role
from stacks.permissions import Permissions, Statement, allow, assumed_by
from stacks.target import Target

PLACEHOLDER = re.compile(r"\$\{([A-Za-z]+)\}")


class Workflow(Construct):
    """One of the project's machines; its definition shows up whole in the template."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        target: Target,
        permissions: Permissions,
        machine: str,
        calls: list[str],
        may: list[Statement],
    ) -> None:
        """Create the machine; `calls` are the folders of the functions that it invokes."""
        super().__init__(scope, id)
        name = target.machine_name(machine)
        definition = (target.workflows / f"{machine}.asl.json").read_text(encoding="utf-8")
        known = _substitutions(target, permissions.key_arn, calls)
        log_group = log_group_of(self, target, f"/aws/vendedlogs/states/{name}")
        own = role(
            self,
            "Role",
            trust=assumed_by("states.amazonaws.com", {"StringEquals": {"aws:SourceAccount": target.account}}),
            statements=[
                allow("lambda:InvokeFunction", on=[target.function_arn(one) for one in calls]),
                *may,
                *_report(),
            ],
            description=f"What {name} may do",
        )
        destination = sfn.CfnStateMachine.LogDestinationProperty(
            cloud_watch_logs_log_group=sfn.CfnStateMachine.CloudWatchLogsLogGroupProperty(
                log_group_arn=log_group.attr_arn
            )
        )
        self.machine = sfn.CfnStateMachine(
            self,
            "Machine",
            state_machine_name=name,
            state_machine_type="STANDARD",
            role_arn=own.attr_arn,
            definition_string=definition,
            definition_substitutions=used_in(definition, name, known),
            logging_configuration=sfn.CfnStateMachine.LoggingConfigurationProperty(
                level="ERROR", include_execution_data=False, destinations=[destination]
            ),
            tracing_configuration=sfn.CfnStateMachine.TracingConfigurationProperty(enabled=True),
        )


def substitution_of(folder: str) -> str:
    """Name the substitution that stands for a function.

    >>> substitution_of("validate_upload")
    'ValidateUploadFunction'
    """
    return "".join(word.capitalize() for word in folder.split("_")) + "Function"


def used_in(definition: str, name: str, known: dict[str, str]) -> dict[str, str]:
    """Pick the substitutions that a definition asks for; raise BuildFailed for an unknown one."""
    wanted = set(PLACEHOLDER.findall(definition))
    if unknown := sorted(wanted - set(known)):
        raise BuildFailed(f"{name} asks for {unknown[0]!r}, which is none of {sorted(known)}")
    return {key: known[key] for key in sorted(wanted)}


def _substitutions(target: Target, key_arn: str, calls: list[str]) -> dict[str, str]:
    functions = {substitution_of(folder): target.function_arn(folder) for folder in calls}
    return functions | {
        "Environment": target.environment.name,
        "Project": target.project.name,
        "DataBucket": target.data_bucket,
        "ModelBucket": target.model_bucket,
        "TrainingRoleArn": target.role_arn("training"),
        "ServingRoleArn": target.role_arn("serving"),
        "KeyArn": key_arn,
        "EventBusName": "default",
    }


def _report() -> list[Statement]:
    """Deliver logs and traces; both services know no narrower resource."""
    return [
        allow(
            "logs:CreateLogDelivery",
            "logs:DeleteLogDelivery",
            "logs:DescribeLogGroups",
            "logs:DescribeResourcePolicies",
            "logs:GetLogDelivery",
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:UpdateLogDelivery",
            on=["*"],
        ),
        allow(
            "xray:GetSamplingRules",
            "xray:GetSamplingTargets",
            "xray:PutTelemetryRecords",
            "xray:PutTraceSegments",
            on=["*"],
        ),
    ]
