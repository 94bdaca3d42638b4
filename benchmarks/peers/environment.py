"""Peers, each in an environment of its own, built once for each lock."""

import hashlib
import sys
from pathlib import Path

from assets.uv import build_once, compile_bytecode, find_uv, run


def ensure_peer(root: Path, name: str) -> Path:
    """Return the Python of a peer's environment; install it when its lock is new."""
    lock = Path(__file__).with_name(f"{name}.txt")
    target = root / "build/peers" / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"

    def build(folder: Path) -> None:
        uv = find_uv(root)
        # Relocatable, because it is renamed into place once it is complete.
        run([uv, "venv", "-q", "--relocatable", "--python", sys.executable, folder], "making the environment")
        python = folder / "bin/python"
        run(
            [uv, "pip", "install", "-q", "-p", python, "--require-hashes", "-r", lock],
            f"installing what {lock.name} lists",
        )
        compile_bytecode(python, folder / "lib", target / "lib")

    return build_once(target, build) / "bin/python"
