"""Functions are told what their code asks for, and their machines what their definitions ask for."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infrastructure.templates import Templates

LIBRARY_VARIABLES = {
    "TRIMTAB_ENVIRONMENT",
    "TRIMTAB_PROJECT",
    "TRIMTAB_DATA_BUCKET",
    "TRIMTAB_MODEL_BUCKET",
    "TRIMTAB_TABLE",
}
LAMBDA_VARIABLES = {"AWS_REGION"}


def variables_read(folder: Path) -> Iterator[str]:
    """Yield the names that code takes from `os.environ` or from a mapping called `variables`."""
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
                owner = ast.unparse(node.value)
                if owner in ("os.environ", "variables") and isinstance(node.slice.value, str):
                    yield node.slice.value


def test_every_function_has_exactly_the_variables_that_its_code_reads(
    templates: Templates, root: Path
) -> None:
    for function in templates.resources("AWS::Lambda::Function"):
        folder = function.properties["Handler"].split(".")[1]
        given = set(function.properties["Environment"]["Variables"]) - LIBRARY_VARIABLES
        assert given == set(variables_read(root / "lambdas" / folder)) - LAMBDA_VARIABLES, folder


def test_every_function_logs_into_a_group_that_ends(templates: Templates) -> None:
    groups = {
        (one.stack, f"${{{one.id}}}"): one.properties for one in templates.resources("AWS::Logs::LogGroup")
    }
    days = {"Dev": 30, "Prod": 400}
    for function in templates.resources("AWS::Lambda::Function"):
        group = groups[function.stack, function.properties["LoggingConfig"]["LogGroup"]]
        assert group["LogGroupName"] == f"/aws/lambda/{function.properties['FunctionName']}"
    for (stack, _), group in groups.items():
        assert group["RetentionInDays"] == days[stack.split("-")[0]]


def test_definition_that_asks_for_the_unknown_is_refused_at_synth() -> None:
    from assets.uv import BuildFailed
    from stacks.constructs.workflow import used_in

    known = {"Project": "flights", "Environment": "dev"}
    assert used_in('{"Comment": "${Project}"}', "a-machine", known) == {"Project": "flights"}
    with pytest.raises(BuildFailed, match="a-machine asks for 'Projekt', which is none of"):
        used_in('{"Comment": "${Projekt}"}', "a-machine", known)
