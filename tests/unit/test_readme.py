"""The README's commands exist, as do its files."""

import re
import shlex
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trimtab.cli.commands import app


def commands(root: Path) -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", (root / "README.md").read_text(), re.DOTALL)
    lines = [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


def test_every_make_target_of_the_readme_exists(root: Path) -> None:
    makefile = (root / "Makefile").read_text()
    targets = [line.split()[1] for line in commands(root) if line.startswith("make ")]
    assert {"demo", "test"} <= set(targets)
    for target in targets:
        assert re.search(rf"^{target}:.*##", makefile, re.MULTILINE), target


def test_every_trimtab_command_of_the_readme_parses(root: Path) -> None:
    lines = [line for line in commands(root) if line.startswith(".venv/bin/trimtab ")]
    assert len(lines) >= 9
    for line in lines:
        # Options are parsed before help is shown, so one that does not exist fails here.
        result = CliRunner().invoke(app, [*shlex.split(line)[1:], "--help"])
        assert result.exit_code == 0, (line, result.output)


def test_every_file_that_the_readme_links_to_exists(root: Path) -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)", (root / "README.md").read_text())
    assert links
    for link in links:
        assert (root / link).exists(), link


def test_help_lists_every_command() -> None:
    shown = CliRunner().invoke(app, ["--help"]).output
    for command in (
        "init",
        "status",
        "upload",
        "runs",
        "models",
        "approve",
        "reject",
        "rollback",
        "monitor",
        "report",
    ):
        assert command in shown


@pytest.mark.skipif(sys.platform == "win32", reason="make is not there")
def test_the_promised_names_are_there(root: Path) -> None:
    for name in ("cdk.json", "app.py", "stacks", "lambdas", "pipelines", "tests", "requirements.txt"):
        assert (root / name).exists(), name
