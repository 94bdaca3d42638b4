"""Nobody may do more than is written down here."""

from collections.abc import Iterator
from fnmatch import fnmatchcase as fnmatch
from pathlib import Path
from typing import Any

from tests.infrastructure.conftest import Larger
from tests.infrastructure.permissions import name_of, sheet
from tests.infrastructure.templates import Resource, Templates, as_list, statements_of

SHEET = Path(__file__).with_name("permissions.txt")
# Actions for which AWS defines no narrower resource, by what they are for.
RESOURCELESS = {
    "deliver a machine's log; a delivery has no ARN beforehand": {
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
    },
    "write a trace; a segment has no ARN": {
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    },
    "log in to the registry of images, which is for all its repositories": {"ecr:GetAuthorizationToken"},
    "publish a job's own metrics; a condition confines it to SageMaker's names": {"cloudwatch:PutMetricData"},
}


def statements(templates: Templates) -> Iterator[tuple[Resource, dict[str, Any]]]:
    """Yield everything that any role may do."""
    for role in templates.resources("AWS::IAM::Role"):
        for one in statements_of(role):
            yield role, one


def test_permissions_are_those_on_the_sheet(templates: Templates) -> None:
    assert sheet(templates) == SHEET.read_text(encoding="utf-8"), (
        "permissions have changed; review them and run: "
        "python -m tests.infrastructure.permissions > tests/infrastructure/permissions.txt"
    )


def test_only_acknowledged_actions_have_no_resource(templates: Templates) -> None:
    found = [
        set(as_list(one["Action"])) for _, one in statements(templates) if "*" in as_list(one["Resource"])
    ]
    assert all(actions in found for actions in RESOURCELESS.values())
    assert all(actions in RESOURCELESS.values() for actions in found)
    assert len(RESOURCELESS) <= 5


def test_no_action_is_a_wildcard(templates: Templates) -> None:
    for role, one in statements(templates):
        assert not [action for action in as_list(one["Action"]) if "*" in action], role


def test_every_function_and_machine_has_a_role_of_its_own(templates: Templates) -> None:
    functions = [one.properties["Role"] for one in templates.resources("AWS::Lambda::Function", "Dev")]
    machines = [
        one.properties["RoleArn"] for one in templates.resources("AWS::StepFunctions::StateMachine", "Dev")
    ]
    assert len(functions) == 15
    assert len(machines) == 4
    assert len({*functions, *machines}) == 19
    assert not list(templates.resources("AWS::IAM::Policy"))
    assert not [
        role for role in templates.resources("AWS::IAM::Role") if "ManagedPolicyArns" in role.properties
    ]


def test_only_the_training_role_writes_model_artefacts(templates: Templates) -> None:
    artefact = "/runs/flights/flights-0123456789ab/output/flights-0123456789ab-0/output/model.tar.gz"
    writers = {
        name_of(role)
        for role, one in statements(templates)
        if "s3:PutObject" in as_list(one["Action"])
        for resource in as_list(one["Resource"])
        if "-models-" in resource and fnmatch(artefact, resource[resource.index("/") :])
    }
    assert writers == {"FlightsTraining/TrainingRole"}


def test_roles_are_taken_on_by_one_service_each(templates: Templates) -> None:
    services = ("lambda", "states", "scheduler", "sagemaker")
    for role in templates.resources("AWS::IAM::Role"):
        (statement,) = role.properties["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"]["Service"].removesuffix(".amazonaws.com") in services
        if statement["Principal"]["Service"] != "lambda.amazonaws.com":
            assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": "${AWS::AccountId}"}}


def test_table_is_shared_by_partition(templates: Templates) -> None:
    for role, one in statements(templates):
        if any(action.startswith("dynamodb:") for action in as_list(one["Action"])):
            keys = one["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
            assert all(key.endswith("#flights") or key == "EDGE#*" for key in keys), role


def test_a_table_is_opened_to_the_one_function_that_has_it_counted(larger: Larger) -> None:
    stack = "Staging-OrdersMonitoring"
    asking = [
        (name_of(role), one)
        for role, one in statements(larger.templates)
        if role.stack == stack
        and any(action.startswith(("athena:", "glue:")) for action in as_list(one["Action"]))
    ]
    assert {name for name, _ in asking} == {"OrdersMonitoring/ProfileShard"}
    resources = {resource for _, one in asking for resource in as_list(one["Resource"])}
    place = "eu-west-1:111122223333"
    assert resources == {
        f"arn:${{AWS::Partition}}:athena:{place}:workgroup/watching",
        f"arn:${{AWS::Partition}}:glue:{place}:catalog",
        f"arn:${{AWS::Partition}}:glue:{place}:database/shop",
        f"arn:${{AWS::Partition}}:glue:{place}:table/shop/orders",
    }
    reading = [
        resource
        for role, one in statements(larger.templates)
        if role.stack == stack and "s3:GetObject" in as_list(one["Action"])
        for resource in as_list(one["Resource"])
    ]
    assert "arn:${AWS::Partition}:s3:::shop-lake/orders/*" in reading
