"""The commands of the README and of the docs exist, as do the files that they name."""

import re
import shlex
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trimtab.cli.commands import app


def commands(root: Path, page: str = "README.md") -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", (root / page).read_text(), re.DOTALL)
    lines = [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


def test_every_make_target_of_the_readme_exists(root: Path) -> None:
    makefile = (root / "Makefile").read_text()
    targets = [line.split()[1] for line in commands(root) if line.startswith("make ")]
    assert {"demo", "test"} <= set(targets)
    for target in targets:
        assert re.search(rf"^{target}:.*##", makefile, re.MULTILINE), target


@pytest.mark.parametrize(("page", "fewest"), [("README.md", 9), ("docs/features.md", 6)])
def test_every_trimtab_command_parses(root: Path, page: str, fewest: int) -> None:
    lines = [line for line in commands(root, page) if line.startswith(".venv/bin/trimtab ")]
    assert len(lines) >= fewest
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
        "train",
        "score",
        "cache",
        "monitor",
        "report",
        "data",
        "lineage",
        "drift",
    ):
        assert command in shown


@pytest.mark.skipif(sys.platform == "win32", reason="make is not there")
def test_the_promised_names_are_there(root: Path) -> None:
    for name in ("cdk.json", "app.py", "stacks", "lambdas", "pipelines", "tests", "requirements.txt"):
        assert (root / name).exists(), name
