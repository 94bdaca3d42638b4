"""The real DVC in an environment of its own, built once for each lock."""

import hashlib
import sys
from pathlib import Path

from assets.uv import build_once, compile_bytecode, find_uv, run

LOCK = Path("tests/interop/dvc-requirements.txt")


def ensure_dvc(root: Path) -> Path:
    """Return the `dvc` command; install it, some twenty seconds, when the lock is new."""
    lock = root / LOCK
    target = root / "build/dvc" / hashlib.sha256(lock.read_bytes()).hexdigest()[:16]

    def build(folder: Path) -> None:
        uv = find_uv(root)
        # Relocatable, because it is renamed into place once it is complete.
        run([uv, "venv", "-q", "--relocatable", "--python", sys.executable, folder], "making the environment")
        python = folder / "bin/python"
        pins: list[str | Path] = ["--require-hashes", "--build-constraint", lock, "-r", lock]
        run([uv, "pip", "install", "-q", "-p", python, *pins], "installing DVC")
        compile_bytecode(python, folder / "lib", target / "lib")

    return build_once(target, build) / "bin/dvc"
