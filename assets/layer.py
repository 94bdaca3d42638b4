"""Build what Python code finds installed: the Lambda layer, Lambda's runtime, the training container."""

import hashlib
import platform as machine_platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from assets.archive import zip_folder
from assets.trim import listing, trim
from assets.uv import PYTHON_VERSION, BuildFailed, build_once, compile_bytecode, find_uv, run

Platform = Literal["lambda", "laptop"]
Say = Callable[[str], None]
LAYER_LOCK = Path("lambdas/requirements.txt")
RUNTIME_LOCK = Path("assets/runtime-requirements.txt")
CONTAINER_LOCK = Path("assets/container-requirements.txt")
LAMBDA_TARGET = "aarch64-manylinux_2_28"


def silent(line: str) -> None:
    """Say nothing."""


def layer_digest(root: Path) -> str:
    """Digest what the layer is made from: the lock, the trim list and the Python version."""
    material = (root / LAYER_LOCK).read_bytes() + listing().encode() + PYTHON_VERSION.encode()
    return hashlib.sha256(material).hexdigest()


def layer_folder(root: Path, platform: Platform) -> Path:
    """Say where the layer lies once it is built."""
    return root / "build/layer" / layer_digest(root)[:16] / platform / "python"


def layer_zip(root: Path) -> Path:
    """Say where the zip of the Lambda layer lies once it is built."""
    return root / "build/layer" / layer_digest(root)[:16] / "lambda.zip"


def ensure_layer(root: Path, platform: Platform, say: Say = silent, uv: str | None = None) -> Path:
    """Build the trimmed layer for Lambda (arm64) or for this laptop, once per lock; return its folder.

    Raise BuildFailed when uv is missing or the installation fails.
    """
    target = layer_folder(root, platform)

    def build(folder: Path) -> None:
        say(f"installing the Lambda layer for {'arm64' if platform == 'lambda' else 'this machine'}")
        triple = LAMBDA_TARGET if platform == "lambda" else laptop_target()
        _install(root, folder, root / LAYER_LOCK, triple, uv)
        trim(folder)
        if platform == "laptop":
            compile_bytecode(Path(sys.executable), folder, target)

    return build_once(target, build)


def ensure_layer_zip(root: Path, say: Say = silent, uv: str | None = None) -> Path:
    """Build the zip that is deployed as the layer; return its path."""
    folder = ensure_layer(root, "lambda", say, uv)

    def build(target: Path) -> None:
        say("zipping the Lambda layer")
        zip_folder(folder, target, "python")

    return build_once(layer_zip(root), build)


def ensure_runtime(root: Path, say: Say = silent, uv: str | None = None) -> Path:
    """Install the SDK that Lambda's runtime brings, for the laptop's workers; return its folder."""
    digest = _digest(root / RUNTIME_LOCK)
    target = root / "build/layer" / digest / "runtime"

    def build(folder: Path) -> None:
        say("installing what Lambda's runtime brings")
        _install(root, folder, root / RUNTIME_LOCK, laptop_target(), uv)
        compile_bytecode(Path(sys.executable), folder, target)

    return build_once(target, build)


def ensure_container(root: Path, say: Say = silent, uv: str | None = None) -> Path:
    """Build the twin of the training and serving container; return the path of its Python."""
    lock = root / CONTAINER_LOCK
    target = root / "build/container" / _digest(lock)

    def build(folder: Path) -> None:
        say("installing the training container's twin")
        tool = find_uv(root, uv)
        # Relocatable, because it is renamed into place once it is complete.
        run(
            [tool, "venv", "-q", "--relocatable", "--python", _this_python(), folder],
            "making the environment",
        )
        python = folder / "bin/python"
        # The toolkit comes as source: what builds it is pinned by the same lock.
        pins: list[str | Path] = ["--require-hashes", "--build-constraint", lock, "-r", lock]
        run([tool, "pip", "install", "-q", "-p", python, *pins], "installing the container's packages")
        compile_bytecode(python, folder / "lib", target / "lib")

    return build_once(target, build) / "bin/python"


def laptop_target() -> str:
    """Name this machine in uv's words; raise BuildFailed when Lambda's wheels cannot run on it."""
    machine = machine_platform.machine().lower()
    architecture = {"arm64": "aarch64", "aarch64": "aarch64", "x86_64": "x86_64", "amd64": "x86_64"}.get(
        machine
    )
    system = {"linux": "manylinux_2_28", "darwin": "apple-darwin"}.get(sys.platform)
    if architecture is None or system is None:
        raise BuildFailed(
            f"{sys.platform} on {machine} is not supported; use Linux or macOS on x86_64 or arm64"
        )
    return f"{architecture}-{system}"


def _install(root: Path, folder: Path, lock: Path, triple: str, uv: str | None) -> None:
    options = ["--python-version", PYTHON_VERSION, "--python-platform", triple, "--only-binary", ":all:"]
    command: list[str | Path] = [find_uv(root, uv), "pip", "install", "-q", "--target", folder, *options]
    run([*command, "--require-hashes", "-r", lock], f"installing {lock.relative_to(root)}")


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes() + PYTHON_VERSION.encode()).hexdigest()[:16]


def _this_python() -> str:
    return sys.executable if sys.version_info[:2] == (3, 12) else PYTHON_VERSION
