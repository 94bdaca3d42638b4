"""One synth for all infrastructure tests, and a second one of a larger checkout with cdk-nag watching."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from assets.layer import ensure_layer_zip
from tests.infrastructure.templates import Templates

COPIED = ("assets", "environments", "lambdas", "pipelines", "stacks", "trimtab", "cdk.json")
CONTRACT = '"""What an order looks like."""\n'
PROJECT = """
name = "orders"
description = "Will an order be returned?"

[data]
timestamp = "ordered_at"
label = "returned"

[features]
numeric = ["price"]

[train]
on = ["decay"]

[monitor]
engine = "athena"

[monitor.table]
name = "shop.orders"
location = "s3://shop-lake/orders/"
workgroup = "watching"
"""
STAGING = """
name = "staging"
region = "eu-west-1"
account = "111122223333"
alert_email = "on-call@example.com"
"""


@dataclass(frozen=True)
class Larger:
    """The assembly of a checkout with one more project and environment, and cdk-nag's report on it."""

    templates: Templates
    report: Path


@pytest.fixture(scope="session")
def templates(assembly: Path) -> Templates:
    """Return the checkout's templates."""
    return Templates(assembly)


@pytest.fixture(scope="session")
def larger(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Larger:
    """Synthesize a copy of the checkout that has a second project and a third environment."""
    other = tmp_path_factory.mktemp("larger")
    ignore = shutil.ignore_patterns("__pycache__", "tests")
    for name in COPIED:
        if (root / name).is_dir():
            shutil.copytree(root / name, other / name, ignore=ignore)
        else:
            shutil.copy(root / name, other / name)
    ensure_layer_zip(root)
    (other / "build").mkdir()
    (other / "build/layer").symlink_to(root / "build/layer", target_is_directory=True)
    _add_project(other / "pipelines/orders")
    (other / "environments/staging.toml").write_text(STAGING)
    out = other / "cdk.out"
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = [sys.executable, "-m", "tests.infrastructure.watched_synth", str(other), str(out)]
    done = subprocess.run(command, cwd=root, env={"PATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return Larger(Templates(out), out / "validation-report.json")


def _add_project(folder: Path) -> None:
    folder.mkdir()
    (folder / "project.toml").write_text(PROJECT)
    (folder / "contract.py").write_text(CONTRACT)
    for name in ("train.py", "inference.py", "features.py"):
        (folder / name).write_text(f'"""{name} of orders."""\n')
