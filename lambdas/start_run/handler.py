"""Start a run of a state machine, named after what it is about, so that the same event twice is one run."""

import json
from typing import Any

from trimtab import names
from trimtab.aws.clients import client
from trimtab.aws.faults import translated
from trimtab.aws.settings import FunctionSettings, function_settings
from trimtab.canonical import canonical_json
from trimtab.errors import BadInput, Conflict
from trimtab.instants import parse_time


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Start the machine that a rule or schedule names; answer with the execution and whether it is new.

    Raises BadInput for an event that no rule makes, Conflict when the name belongs to another subject.
    """
    settings = function_settings()
    machine, subject = event["machine"], event["subject"]
    if machine not in names.MACHINES or not isinstance(subject, dict) or not subject:
        raise BadInput(
            f"no machine {machine!r} with subject {subject!r}; machines: {', '.join(names.MACHINES)}"
        )
    parse_time(event["time"])
    values = {
        **subject,
        "project": settings.project,
        "environment": settings.environment,
        "machine": machine,
        "time": event["time"],
    }
    arn = _machine_arn(context.invoked_function_arn, machine, settings)
    return _start(arn, names.execution(machine, subject), values)


def _machine_arn(function_arn: str, machine: str, settings: FunctionSettings) -> str:
    """Name the machine next to this function: same partition, region and account."""
    _, partition, _, region, account, *_ = function_arn.split(":")
    name = names.machine(settings.environment, settings.project, machine)
    return f"arn:{partition}:states:{region}:{account}:stateMachine:{name}"


def _start(arn: str, name: str, values: dict[str, Any]) -> dict[str, Any]:
    states = client("stepfunctions")
    with translated(f"start {name}"):
        try:
            started = states.start_execution(
                stateMachineArn=arn, name=name, input=canonical_json(values).decode()
            )
        except states.exceptions.ExecutionAlreadyExists:
            execution_arn = f"{arn.replace(':stateMachine:', ':execution:')}:{name}"
            existing = json.loads(states.describe_execution(executionArn=execution_arn)["input"])
        else:
            return {"execution_arn": started["executionArn"], "started": True}
    if _without_time(existing) != _without_time(values):
        raise Conflict(f"execution {name} exists with another subject; nothing was started")
    return {"execution_arn": execution_arn, "started": False}


def _without_time(values: dict[str, Any]) -> dict[str, Any]:
    """Drop what may differ between two deliveries of one event."""
    return {key: value for key, value in values.items() if key != "time"}
