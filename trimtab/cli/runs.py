"""Start state machines and wait for them."""

import json
import time
from typing import Any

from trimtab import names
from trimtab.aws.clients import client
from trimtab.aws.faults import translated
from trimtab.canonical import canonical_json
from trimtab.cli.session import Session
from trimtab.errors import BadInput, Conflict, Gone

RUNNING = "RUNNING"


def start(session: Session, project: str, machine: str, subject: dict[str, Any], at: str) -> str:
    """Start a machine for `subject` and return the execution's ARN."""
    arn = session.machine_arn(project, machine)
    document = {
        "project": project,
        "environment": session.environment.name,
        "machine": machine,
        "time": at,
        **subject,
    }
    try:
        with translated(f"start {machine} of {project}"):
            answer = client("stepfunctions").start_execution(
                stateMachineArn=arn,
                name=names.execution(machine, subject),
                input=canonical_json(document).decode(),
            )
    except (Gone, BadInput) as error:
        raise not_deployed(session, project) from error
    return answer["executionArn"]


def not_deployed(session: Session, project: str) -> BadInput:
    """Say that a project is not deployed, and how to deploy it."""
    name = session.environment.name
    return BadInput(
        f"project {project!r} is not deployed in {name}; deploy it with: make deploy ENVIRONMENT={name}"
    )


def wait(execution_arn: str, timeout_seconds: float = 1800) -> dict[str, Any]:
    """Wait for an execution to end; return its status, output and, where it failed, error and cause."""
    deadline = time.monotonic() + timeout_seconds
    pause = 0.1
    while True:
        with translated("look at the run"):
            answer = client("stepfunctions").describe_execution(executionArn=execution_arn)
        if answer["status"] != RUNNING:
            return {
                "status": answer["status"],
                "output": json.loads(answer.get("output") or "{}"),
                "error": answer.get("error"),
                "cause": answer.get("cause"),
            }
        if time.monotonic() > deadline:
            raise BadInput(
                f"the run is still going after {timeout_seconds:.0f} s; look at it with: trimtab runs"
            )
        time.sleep(pause)
        pause = min(pause * 1.5, 5)


def recent(session: Session, project: str, machine: str, limit: int) -> list[dict[str, Any]]:
    """List the newest executions of a machine."""
    try:
        with translated(f"list the runs of {machine}"):
            answer = client("stepfunctions").list_executions(
                stateMachineArn=session.machine_arn(project, machine), maxResults=limit
            )
    except (Gone, BadInput) as error:
        raise not_deployed(session, project) from error
    return [
        {
            "machine": machine,
            "name": entry["name"],
            "status": entry["status"],
            "started": entry["startDate"],
            "ended": entry.get("stopDate"),
        }
        for entry in answer["executions"]
    ]


def refuse_while_running(session: Session, project: str, machine: str) -> None:
    """Raise Conflict while a run of a machine goes on; a project that is not deployed has none."""
    try:
        with translated(f"list the runs of {machine}"):
            answer = client("stepfunctions").list_executions(
                stateMachineArn=session.machine_arn(project, machine), statusFilter="RUNNING", maxResults=1
            )
    except (Gone, BadInput):
        return
    if answer["executions"]:
        raise Conflict(f"a run of {machine} of {project} is going on; wait for its end and try again")
