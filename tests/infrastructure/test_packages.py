"""What is deployed contains what it needs, nothing else, and fits into Lambda."""

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from assets.code import build_code
from assets.layer import ensure_container, ensure_layer, ensure_runtime
from assets.sourcedir import build_sourcedir
from tests.infrastructure.templates import Templates

LAMBDA_LIMIT = 250 * 1024 * 1024
AARCH64 = 183
HEAVY = ("pandas", "pandera", "scipy", "sklearn", "awswrangler", "moto", "aws_cdk")
# Functions that start on a schedule or for every object, and those that only move a few bytes.
LIGHT = (
    "compare_window",
    "measure_performance",
    "plan_window",
    "profile_shard",
    "start_run",
    "commit_dataset",
    "record_failure",
    "move_champion",
    "plan_training",
    "plan_deployment",
)
# Import every handler in a process of its own; say which of the heavy packages came along.
CLOSURE = """
import importlib, json, os, sys
sys.path[:0] = json.loads(sys.argv[1])
heavy, found = json.loads(sys.argv[3]), {}
for name in json.loads(sys.argv[2]):
    reader, writer = os.pipe()
    if os.fork() == 0:
        try:
            importlib.import_module(f"lambdas.{name}.handler")
            answer = [package for package in heavy if package in sys.modules]
        except ImportError as error:
            answer = [f"failed: {error}"]
        os.write(writer, json.dumps(answer).encode())
        os._exit(0)
    os.close(writer)
    found[name] = json.loads(os.read(reader, 65536))
    os.wait()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def code(root: Path) -> Path:
    """Build the code of the flights project."""
    return build_code(root, "flights")


@pytest.fixture(scope="module")
def layer(root: Path) -> Path:
    """Build the layer for Lambda."""
    return ensure_layer(root, "lambda")


@pytest.fixture(scope="module")
def closures(root: Path, code: Path) -> dict[str, list[str]]:
    """Import every handler with nothing but its code, the layer and Lambda's runtime to be found."""
    path = [str(code), str(ensure_layer(root, "laptop")), str(ensure_runtime(root))]
    handlers = sorted(handler.parent.name for handler in (code / "lambdas").glob("*/handler.py"))
    arguments = [json.dumps(one) for one in (path, handlers, HEAVY)]
    command = [sys.executable, "-I", "-S", "-B", "-c", CLOSURE, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def size_of(folder: Path) -> int:
    """Add up the files of a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_code_is_library_handlers_and_one_project(code: Path) -> None:
    names = {path.relative_to(code).as_posix() for path in code.rglob("*") if path.is_file()}
    assert {name.split("/")[0] for name in names} == {"trimtab", "lambdas", "pipelines"}
    assert {name for name in names if name.startswith("pipelines/")} == {
        "pipelines/flights/contract.py",
        "pipelines/flights/project.toml",
    }
    assert not [name for name in names if name.startswith("trimtab/cli") or name.endswith(".pyc")]


def test_every_function_has_its_handler(code: Path, templates: Templates) -> None:
    handlers = {one.properties["Handler"] for one in templates.resources("AWS::Lambda::Function")}
    folders = {path.parent.name for path in (code / "lambdas").glob("*/handler.py")}
    assert handlers == {f"lambdas.{folder}.handler.handler" for folder in folders}


def test_every_function_runs_the_pinned_python_on_arm_with_the_layer(templates: Templates) -> None:
    for function in templates.resources("AWS::Lambda::Function"):
        properties = function.properties
        assert (properties["Runtime"], properties["Architectures"]) == ("python3.12", ["arm64"])
        assert properties["Layers"] == ["${Layer}"]


def test_layer_and_code_fit_into_lambda(code: Path, layer: Path) -> None:
    assert size_of(layer) + size_of(code) < LAMBDA_LIMIT
    assert size_of(code) < 3_000_000


def test_layer_is_for_arm_and_lacks_what_the_runtime_brings(layer: Path) -> None:
    libraries = [path for path in layer.rglob("*") if path.suffix == ".so" or ".so." in path.name]
    assert libraries
    for library in libraries:
        header = library.read_bytes()[:20]
        assert header[:4] == b"\x7fELF"
        assert int.from_bytes(header[18:20], "little") == AARCH64, library
    names = {path.name for path in layer.iterdir()}
    assert {"numpy", "pandas", "pyarrow", "pandera", "pydantic"} <= names
    assert not names & {
        "boto3",
        "botocore",
        "urllib3",
        "s3transfer",
        "jmespath",
        "setuptools",
        "bin",
        "tests",
    }
    assert not list(layer.rglob("__pycache__"))


def test_every_handler_imports_with_layer_and_runtime_alone(closures: dict[str, list[str]]) -> None:
    assert len(closures) == 15
    assert {name: found for name, found in closures.items() if any("failed" in one for one in found)} == {}


@pytest.mark.parametrize("name", LIGHT)
def test_light_handler_imports_nothing_heavy(closures: dict[str, list[str]], name: str) -> None:
    assert closures[name] == []


def test_training_source_imports_in_the_container(root: Path, tmp_path: Path) -> None:
    path, _ = build_sourcedir(root, "flights")
    with tarfile.open(path) as archive:
        archive.extractall(tmp_path, filter="data")
    modules = sorted(
        ".".join(one.relative_to(tmp_path).with_suffix("").parts)
        for one in tmp_path.rglob("*.py")
        if one.name != "__init__.py"
    )
    assert {"train", "inference", "trimtab.training.run"} <= set(modules)
    program = f"import importlib\nfor name in {modules!r}:\n    importlib.import_module(name)\n"
    command: list[str | Path] = [ensure_container(root), "-c", program]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]


def test_training_source_holds_no_contract_no_test_and_nothing_of_aws(root: Path) -> None:
    path, _ = build_sourcedir(root, "flights")
    with tarfile.open(path) as archive:
        names = archive.getnames()
    tops = {name.split("/")[1].removesuffix(".py") for name in names if name.startswith("trimtab/")}
    assert not tops & {"aws", "cli", "contract", "project", "report", "names"}
    assert not [name for name in names if "test" in name or name == "contract.py"]
    assert names == sorted(names)


def test_container_has_the_pins_of_sagemakers_own(root: Path) -> None:
    program = (
        "import importlib.metadata as m, json\n"
        "print(json.dumps({n: m.version(n) for n in "
        "('scikit-learn', 'numpy', 'pandas', 'pyarrow', 'sagemaker-training', 'sagemaker-inference')}))"
    )
    done = subprocess.run([ensure_container(root), "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {
        "scikit-learn": "1.9.0",
        "numpy": "2.5.1",
        "pandas": "2.2.3",
        "pyarrow": "25.0.0",
        "sagemaker-training": "4.8.0",
        "sagemaker-inference": "1.5.5",
    }


def test_layer_has_the_numerical_pins_of_the_container(layer: Path) -> None:
    found = {path.name for path in layer.glob("*.dist-info")}
    assert {"numpy-2.5.1.dist-info", "pandas-2.2.3.dist-info", "pyarrow-25.0.0.dist-info"} <= found
