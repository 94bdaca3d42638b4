"""The page about contracts shows commands that run, and the defaults that hold."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from demo import data
from trimtab.cli.commands import app
from trimtab.project.settings import Data


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    """Return the page."""
    return (root / "docs/contracts.md").read_text(encoding="utf-8")


def test_every_command_of_the_page_runs_as_it_stands(
    page: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pipelines").symlink_to(root / "pipelines")
    (tmp_path / "cdk.json").write_text("{}")
    (tmp_path / "january.csv").write_bytes(data.upload_csv(1))
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    lines = [line.partition("#")[0] for line in block.splitlines()]
    results = [CliRunner().invoke(app, shlex.split(line)[1:]) for line in lines]
    # What was inferred lacks what a person knows, such as the patterns of ids and codes.
    assert [result.exit_code for result in results] == [0, 0, 0, 1], [result.output for result in results]
    assert '"verdict": "accepted"' in results[2].output


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("max_bytes", "10 GB"),
        ("max_ratio", "200"),
        ("max_record_bytes", "1 MB"),
        ("max_columns", "2,000"),
        ("max_depth", "8"),
        ("max_key_bytes", "4 GB"),
        ("max_label_bytes", "500 MB"),
        ("part_bytes", "64 MB"),
        ("max_lambda_bytes", "1 GB"),
    ],
)
def test_the_page_shows_the_defaults(name: str, shown: str, page: str) -> None:
    default: Any = Data(timestamp="t", label="y").model_dump()[name]
    units = {"GB": 10**9, "MB": 10**6}
    number, _, unit = shown.partition(" ")
    assert float(number.replace(",", "")) * units.get(unit, 1) == pytest.approx(default, rel=0.08)
    assert re.search(rf"`{name}`[^|\n]*\|? *\(?{shown}|`{name}`[^|\n]*\({shown}", page), name
