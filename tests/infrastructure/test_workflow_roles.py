"""A machine's role allows exactly what its definition calls: no more, no less."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.infrastructure.templates import Resource, Templates, as_list, statements_of

MACHINES = ("ingest", "train", "deploy", "monitor")
# Every machine delivers logs and traces, for which there is no narrower resource.
REPORTING = re.compile(r"logs:|xray:")
JOB = {
    "sagemaker:CreateTrainingJob",
    "sagemaker:DescribeTrainingJob",
    "sagemaker:StopTrainingJob",
    "sagemaker:AddTags",
    "iam:PassRole",
    "kms:CreateGrant",
    "kms:DescribeKey",
    "events:PutTargets",
    "events:PutRule",
    "events:DescribeRule",
}
# What a field of a SageMaker request needs beyond the call itself.
EXTRA = {
    "Tags": {"sagemaker:AddTags"},
    "ExecutionRoleArn": {"iam:PassRole"},
    "KmsKeyId": {"kms:CreateGrant", "kms:DescribeKey"},
}


# What a Distributed Map needs to run its children, and to read the list of their items.
SPREAD = {
    "states:StartExecution",
    "states:DescribeExecution",
    "states:StopExecution",
    "s3:GetObject",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:GenerateDataKey",
}


def distributed(states: dict[str, Any]) -> bool:
    """Tell whether a definition has a Distributed Map, at whatever depth."""
    inner = [state["ItemProcessor"] for state in states.values() if "ItemProcessor" in state]
    return any(
        one.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED" or distributed(one["States"])
        for one in inner
    )


def tasks(states: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the tasks of a definition, also inside maps and branches."""
    for state in states.values():
        if state["Type"] == "Task":
            yield state
        for inner in [state.get("ItemProcessor"), *state.get("Branches", [])]:
            if inner:
                yield from tasks(inner["States"])


def actions_of(task: dict[str, Any]) -> set[str]:
    """Say which actions a task needs."""
    _, _, call = task["Resource"].partition(":::")
    if call == "lambda:invoke":
        return {"lambda:InvokeFunction"}
    if call == "events:putEvents":
        return {"events:PutEvents"}
    if call == "sagemaker:createTrainingJob.sync":
        return JOB
    service, operation = re.fullmatch(r"aws-sdk:(\w+):(\w+)", call).groups()  # type: ignore[union-attr]
    needed = {f"{service}:{operation[0].upper()}{operation[1:]}"}
    fields = {name.removesuffix(".$") for name in task["Parameters"]}
    return needed.union(*(extra for field, extra in EXTRA.items() if field in fields))


def definition(templates: Templates, machine: str) -> tuple[Resource, dict[str, Any]]:
    """Return a machine of dev and its definition with the substitutions filled in."""
    found = templates.one(
        "AWS::StepFunctions::StateMachine", StateMachineName=f"trimtab-dev-flights-{machine}"
    )
    text = found.properties["DefinitionString"]
    for name, value in found.properties["DefinitionSubstitutions"].items():
        text = text.replace(f"${{{name}}}", value.replace("${", "<").replace("}", ">"))
    filled: dict[str, Any] = json.loads(text)
    return found, filled


def role_of(templates: Templates, machine: Resource) -> Resource:
    """Return the role of a machine."""
    name = re.fullmatch(r"\$\{(\w+)\.Arn\}", machine.properties["RoleArn"]).group(1)  # type: ignore[union-attr]
    (role,) = [one for one in templates.resources("AWS::IAM::Role", machine.stack) if one.id == name]
    return role


@pytest.mark.parametrize("machine", MACHINES)
def test_role_allows_exactly_what_the_definition_calls(templates: Templates, machine: str) -> None:
    found, document = definition(templates, machine)
    called = set().union(*(actions_of(task) for task in tasks(document["States"])))
    if distributed(document["States"]):
        called |= SPREAD
    allowed = {
        action for one in statements_of(role_of(templates, found)) for action in as_list(one["Action"])
    }
    assert {action for action in allowed if not REPORTING.match(action)} == called


@pytest.mark.parametrize("machine", MACHINES)
def test_role_invokes_exactly_the_functions_that_the_definition_names(
    templates: Templates, machine: str
) -> None:
    found, document = definition(templates, machine)
    named = {
        task["Parameters"]["FunctionName"]
        for task in tasks(document["States"])
        if task["Resource"].endswith("lambda:invoke")
    }
    (statement,) = [
        one for one in statements_of(role_of(templates, found)) if "lambda:InvokeFunction" in one["Action"]
    ]
    allowed = {arn.replace("${", "<").replace("}", ">") for arn in statement["Resource"]}
    assert allowed == named
    deployed = {one.properties["FunctionName"] for one in templates.resources("AWS::Lambda::Function")}
    assert {arn.rpartition(":")[2] for arn in named} <= deployed


@pytest.mark.parametrize("machine", MACHINES)
def test_definition_leaves_no_placeholder_open(templates: Templates, machine: str) -> None:
    _, document = definition(templates, machine)
    assert "${" not in json.dumps(document)


@pytest.mark.parametrize("machine", MACHINES)
def test_machine_is_standard_and_logs_errors_and_traces(templates: Templates, machine: str) -> None:
    properties = definition(templates, machine)[0].properties
    assert properties["StateMachineType"] == "STANDARD"
    assert properties["LoggingConfiguration"]["Level"] == "ERROR"
    assert properties["LoggingConfiguration"]["IncludeExecutionData"] is False
    assert properties["TracingConfiguration"] == {"Enabled": True}


def test_roles_are_passed_to_sagemaker_only(templates: Templates) -> None:
    passing = [
        (role, one)
        for role in templates.resources("AWS::IAM::Role")
        for one in statements_of(role)
        if "iam:PassRole" in one["Action"]
    ]
    assert len(passing) == 4
    for role, one in passing:
        assert one["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}, role
        (passed,) = one["Resource"]
        assert passed.endswith(("-flights-training", "-flights-serving"))
