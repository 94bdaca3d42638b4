"""What starts a run: a rule or a schedule that tells `start_run` what the run is about."""

import json
from collections.abc import Mapping
from typing import Any

from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from stacks.constructs.role import role
from stacks.permissions import Permissions, allow, assumed_by
from stacks.target import Target

SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"


class RuleTrigger(Construct):
    """A rule on the default bus that starts a machine, and keeps what it could not deliver."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        target: Target,
        purpose: str,
        machine: str,
        pattern: dict[str, Any],
        subject: Mapping[str, str],
    ) -> None:
        """Create the rule; values of `subject` that start with `$.` are paths into the event."""
        super().__init__(scope, id)
        paths = {"time": "$.time"} | {key: value for key, value in subject.items() if value.startswith("$.")}
        rule = events.CfnRule(
            self,
            "Rule",
            name=target.trigger_name(purpose),
            description=f"Starts {target.machine_name(machine)}",
            event_pattern=pattern,
            state="ENABLED",
            targets=[
                events.CfnRule.TargetProperty(
                    id="StartRun",
                    arn=target.function_arn("start_run"),
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=target.dead_letters_arn),
                    retry_policy=events.CfnRule.RetryPolicyProperty(
                        maximum_event_age_in_seconds=86_400, maximum_retry_attempts=185
                    ),
                    input_transformer=events.CfnRule.InputTransformerProperty(
                        input_paths_map=paths, input_template=_template(machine, subject)
                    ),
                )
            ],
        )
        lambda_.CfnPermission(
            self,
            "Permission",
            action="lambda:InvokeFunction",
            function_name=target.function_name("start_run"),
            principal="events.amazonaws.com",
            source_arn=rule.attr_arn,
        )


class ScheduleTrigger(Construct):
    """A schedule, in UTC, that starts a machine, and keeps what it could not deliver."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        target: Target,
        permissions: Permissions,
        purpose: str,
        machine: str,
        expression: str,
        subject: Mapping[str, str],
    ) -> None:
        """Create the schedule; `SCHEDULED_TIME` in `subject` becomes the time it was due."""
        super().__init__(scope, id)
        function = target.function_arn("start_run")
        own = role(
            self,
            "Role",
            trust=assumed_by(
                "scheduler.amazonaws.com", {"StringEquals": {"aws:SourceAccount": target.account}}
            ),
            statements=[
                allow("lambda:InvokeFunction", on=[function]),
                permissions.send_dead_letters(),
                permissions.use_key("sqs"),
            ],
            description=f"What the schedule {target.trigger_name(purpose)} may do",
        )
        message = {"machine": machine, "time": SCHEDULED_TIME, "subject": dict(subject)}
        scheduler.CfnSchedule(
            self,
            "Schedule",
            name=target.trigger_name(purpose),
            description=f"Starts {target.machine_name(machine)}",
            schedule_expression=expression,
            schedule_expression_timezone="UTC",
            state="ENABLED",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=function,
                role_arn=own.attr_arn,
                input=json.dumps(message),
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(
                    arn=target.dead_letters_arn
                ),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=86_400, maximum_retry_attempts=185
                ),
            ),
        )


def _template(machine: str, subject: Mapping[str, str]) -> str:
    # Outside quotation marks a variable becomes a JSON value, so a quote in a key cannot break the message.
    values = {
        key: f"<{key}>" if value.startswith("$.") else json.dumps(value) for key, value in subject.items()
    }
    inner = ",".join(f"{json.dumps(key)}:{value}" for key, value in values.items())
    return f'{{"machine":{json.dumps(machine)},"time":<time>,"subject":{{{inner}}}}}'
