"""Templates are a function of the checkout, and of no more of it than they have to be."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infrastructure.conftest import Larger
from tests.infrastructure.templates import Templates

SECRET = re.compile(r"AKIA[0-9A-Z]{16}|-----BEGIN|(?i:password|secret|token)\"\s*:\s*\"[^\"$]")


def test_another_project_and_environment_leave_every_template_as_it_was(
    templates: Templates, larger: Larger
) -> None:
    added = set(larger.templates.files) - set(templates.files)
    assert {name for name in added if not name.startswith("Staging-")} == {
        f"{stage}-Orders{part}"
        for stage in ("Dev", "Prod")
        for part in ("Data", "Training", "Serving", "Monitoring")
    }
    for name, path in templates.files.items():
        assert larger.templates.files[name].read_bytes() == path.read_bytes(), name


def test_another_project_leaves_the_code_of_a_project_as_it_was(templates: Templates, larger: Larger) -> None:
    stack = "Dev-FlightsTraining"
    assets = [
        json.loads(
            one.files[stack].with_name(f"{one.files[stack].name.split('.')[0]}.assets.json").read_text()
        )
        for one in (templates, larger.templates)
    ]
    assert sorted(assets[0]["files"]) == sorted(assets[1]["files"])


def test_stacks_share_names_and_not_exports(templates: Templates) -> None:
    for name, template in templates.stacks.items():
        assert "Outputs" not in template, name
        assert "Fn::ImportValue" not in json.dumps(template), name
        assert set(template.get("Parameters", {})) <= {"KeyArn"}, name


def test_nothing_is_a_custom_resource_or_a_nested_stack(templates: Templates) -> None:
    kinds = {one.kind for one in templates.resources()}
    assert not [kind for kind in kinds if kind.startswith("Custom::") or "CustomResource" in kind]
    assert "AWS::CloudFormation::Stack" not in kinds
    assert "AWS::CDK::Metadata" not in kinds


def test_templates_hold_no_secret_and_no_path_of_this_machine(templates: Templates, root: Path) -> None:
    for name, path in templates.files.items():
        text = path.read_text()
        assert str(root) not in text, name
        assert not SECRET.search(text), name


def test_an_environment_with_an_account_is_made_for_it(larger: Larger) -> None:
    stack = larger.templates.stacks["Staging-FlightsServing"]
    text = json.dumps(stack)
    assert "111122223333" in text
    assert "AWS::AccountId" not in text
    assert "eu-west-1" in text
    assert "us-east-1" not in text


def test_platform_comes_first_and_data_before_what_leans_on_it(templates: Templates) -> None:
    manifest = json.loads((templates.files["Dev-Platform"].parent / "manifest.json").read_text())
    stacks = {
        artifact["properties"].get("stackName", name): artifact.get("dependencies", [])
        for name, artifact in manifest["artifacts"].items()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    assert any("DevPlatform" in one for one in stacks["Dev-FlightsData"])
    for part in ("Training", "Serving", "Monitoring"):
        assert any("DevFlightsData" in one for one in stacks[f"Dev-Flights{part}"])


@pytest.mark.slow
def test_cdk_command_line_makes_the_same_templates(templates: Templates, root: Path, tmp_path: Path) -> None:
    binaries = Path(sys.executable).parent
    path = os.pathsep.join([str(binaries), os.environ["PATH"]])
    command: list[str | Path] = [binaries / "cdk", "synth", "--quiet", "--output", tmp_path / "cdk.out"]
    environment = {"PATH": path, "HOME": str(tmp_path), "CI": "1", "CDK_DISABLE_CLI_TELEMETRY": "true"}
    assert shutil.which("node", path=path)
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    other = Templates(tmp_path / "cdk.out")
    assert set(other.files) == set(templates.files)
    for name, path_ in templates.files.items():
        assert other.files[name].read_bytes() == path_.read_bytes(), name
