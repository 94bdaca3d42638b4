"""What goes into the code of functions and into the source of training, and what stays out."""

import shutil
from pathlib import Path

import pytest

from assets.code import build_code, code_files
from assets.imports import modules_behind
from assets.sourcedir import build_sourcedir, sourcedir_files
from assets.uv import BuildFailed

FILES = {
    "trimtab/__init__.py": "",
    "trimtab/errors.py": "class BadInput(Exception): ...\n",
    "trimtab/page.html": "<p>",
    "trimtab/cli/__init__.py": "import typer\n",
    "trimtab/report/__init__.py": "from trimtab.errors import BadInput\n",
    "trimtab/project/__init__.py": "import pydantic\n",
    "trimtab/training/__init__.py": "",
    "trimtab/training/run.py": (
        "from typing import TYPE_CHECKING\n"
        "from trimtab.training import rows\n"
        "if TYPE_CHECKING:\n    from trimtab.project import Project\n"
        "def train():\n    from ..errors import BadInput\n"
    ),
    "trimtab/training/rows.py": "import numpy\n",
    "trimtab/training/rehearsal.py": "import trimtab.project\n",
    "trimtab/training/__pycache__/run.cpython-312.pyc": "x",
    "lambdas/requirements.txt": "numpy\n",
    "lambdas/start_run/handler.py": "import trimtab\n",
    "lambdas/start_run/order.py": "",
    "pipelines/flights/project.toml": 'name = "flights"\n',
    "pipelines/flights/contract.py": "import pandera\n",
    "pipelines/flights/train.py": "import features\nfrom trimtab.training.run import train\n",
    "pipelines/flights/inference.py": "import features\n",
    "pipelines/flights/features.py": "import numpy\n",
    "pipelines/flights/tests/test_flights.py": "",
    "pipelines/flights/notes.md": "",
    "pipelines/orders/project.toml": 'name = "orders"\n',
    "pipelines/orders/contract.py": "",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Write a small checkout."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_code_is_library_handlers_and_contract(checkout: Path) -> None:
    assert sorted(code_files(checkout, "orders")) == [
        "lambdas/start_run/handler.py",
        "lambdas/start_run/order.py",
        "pipelines/orders/contract.py",
        "pipelines/orders/project.toml",
        "trimtab/__init__.py",
        "trimtab/errors.py",
        "trimtab/page.html",
        "trimtab/project/__init__.py",
        "trimtab/report/__init__.py",
        "trimtab/training/__init__.py",
        "trimtab/training/rehearsal.py",
        "trimtab/training/rows.py",
        "trimtab/training/run.py",
    ]


def test_code_is_written_once_for_the_same_content(checkout: Path) -> None:
    first = build_code(checkout, "flights")
    stamp = (first / "trimtab/errors.py").stat().st_mtime_ns
    (checkout / "pipelines/orders/contract.py").write_text("# another project's change\n")
    assert build_code(checkout, "flights") == first
    assert (first / "trimtab/errors.py").stat().st_mtime_ns == stamp
    (checkout / "trimtab/errors.py").write_text("class Gone(Exception): ...\n")
    assert build_code(checkout, "flights") != first


def test_training_source_is_what_the_project_imports(checkout: Path) -> None:
    assert sorted(sourcedir_files(checkout, "flights")) == [
        "features.py",
        "inference.py",
        "train.py",
        "trimtab/__init__.py",
        "trimtab/errors.py",
        "trimtab/training/__init__.py",
        "trimtab/training/rows.py",
        "trimtab/training/run.py",
    ]


def test_training_source_ignores_what_it_does_not_import(checkout: Path) -> None:
    path, sha256 = build_sourcedir(checkout, "flights")
    (checkout / "trimtab/report/__init__.py").write_text("# a new page\n")
    (checkout / "pipelines/flights/project.toml").write_text("# the job is told its settings\n")
    assert build_sourcedir(checkout, "flights") == (path, sha256)
    (checkout / "trimtab/training/rows.py").write_text("import pandas\n")
    assert build_sourcedir(checkout, "flights")[1] != sha256


def test_training_source_is_the_same_bytes_in_another_place(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other") / "checkout"
    shutil.copytree(checkout, other, copy_function=shutil.copyfile)
    first, second = build_sourcedir(checkout, "flights"), build_sourcedir(other, "flights")
    assert first[1] == second[1]
    assert first[0].read_bytes() == second[0].read_bytes()


@pytest.mark.parametrize(("missing", "build"), [("train.py", sourcedir_files), ("contract.py", code_files)])
def test_project_without_one_of_its_files_is_named(checkout: Path, missing: str, build: object) -> None:
    (checkout / "pipelines/flights" / missing).unlink()
    with pytest.raises(BuildFailed, match=f"flights/{missing} is missing"):
        build(checkout, "flights")  # type: ignore[operator]


def test_imports_are_followed_in_circles_once(checkout: Path) -> None:
    (checkout / "trimtab/training/rows.py").write_text("from trimtab.training.run import train\n")
    found = modules_behind(checkout, "trimtab", [checkout / "pipelines/flights/train.py"])
    assert checkout / "trimtab/training/rows.py" in found
    assert checkout / "trimtab/training/run.py" in found
