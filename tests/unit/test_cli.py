"""The command line answers misuse with one clear sentence and a code, never with a traceback."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from trimtab.cli import main


@pytest.fixture
def checkout(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a small checkout to work in, with the flights project and no AWS."""
    shutil.copy(root / "cdk.json", tmp_path)
    shutil.copytree(root / "environments", tmp_path / "environments")
    shutil.copytree(root / "pipelines", tmp_path / "pipelines", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(tmp_path)
    # Nothing listens there: whatever asks AWS before it looks at its arguments fails the test.
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["trimtab", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("status", "trains"), "there is no project 'trains'"),
        (("upload", "trains", "x.csv"), "there is no project 'trains'"),
        (("upload", "flights", "missing.csv"), "missing.csv does not exist"),
        (("score", "flights", "missing.csv"), "missing.csv does not exist"),
        (("cache", "explain", "trains"), "there is no project 'trains'"),
        (("train", "trains"), "there is no project 'trains'"),
        (("status", "flights", "-e", "staging"), "there is no environment 'staging'"),
        (("init", "My_Project"), "cannot name a project"),
        (("init", "flights"), "exists already"),
        (("status", "flights"), "AWS_ENDPOINT_URL"),
    ],
)
def test_misuse_gets_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert run(monkeypatch, *arguments) == 2
    captured = capsys.readouterr()
    assert said in captured.err or "Could not connect" in captured.err
    assert captured.err.startswith("trimtab: ")
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err + captured.out


def test_an_empty_file_is_refused(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "empty.csv").touch()
    assert run(monkeypatch, "upload", "flights", "empty.csv") == 2
    assert "is empty" in capsys.readouterr().err


def test_an_unknown_key_in_the_settings_is_named(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = checkout / "pipelines" / "flights" / "project.toml"
    settings.write_text(settings.read_text().replace("[data]", "[data]\ncolour = 1"))
    assert run(monkeypatch, "status", "flights") == 2
    assert "unknown key 'data.colour'" in capsys.readouterr().err


def test_outside_of_a_checkout_it_says_where_to_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "status", "flights") == 2
    assert "cdk.json" in capsys.readouterr().err


def test_a_new_project_passes_its_tests_at_once(
    checkout: Path, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "init", "churn", "--json") == 0
    assert json.loads(capsys.readouterr().out)["folder"] == "pipelines/churn"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(checkout)]
    variables = {"PYTHONPATH": str(root), "PATH": ""}
    tested = subprocess.run(
        [*command, "pipelines/churn"],
        cwd=checkout,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert " passed" in tested.stdout
