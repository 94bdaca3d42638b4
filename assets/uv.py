"""Install hash-pinned packages into folders with uv, all or nothing."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PYTHON_VERSION = "3.12"


class BuildFailed(Exception):
    """An asset cannot be built; the message names what is missing and the remedy."""


def find_uv(root: Path, given: str | None = None) -> Path:
    """Find uv: the given path, the checkout's own, the one beside this Python or the one on PATH.

    Raise BuildFailed when there is none.
    """
    if given and not Path(given).is_file():
        raise BuildFailed(f"UV names {given}, which does not exist; correct it or leave it unset")
    own = (root / "build/uv-bootstrap/bin/uv", Path(sys.executable).with_name("uv"))
    candidates = [given, *(str(path) for path in own if path.is_file()), shutil.which("uv")]
    found = next((candidate for candidate in candidates if candidate), None)
    if found is None:
        raise BuildFailed("uv is neither in build/uv-bootstrap nor on PATH; run: make install")
    return Path(found)


def run(command: Sequence[str | Path], what: str) -> None:
    """Run a command quietly; raise BuildFailed with the end of its output when it fails."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode:
        tail = (done.stderr or done.stdout).strip()[-1500:]
        raise BuildFailed(f"{what} failed (exit code {done.returncode}): {tail}")


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold the lock of `folder`, so that two processes never build into it at once."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def build_once(target: Path, build: Callable[[Path], None]) -> Path:
    """Return `target`, made by `build` in a folder beside it first and renamed when complete."""
    if target.exists():
        return target
    with exclusive(target.parent):
        if target.exists():
            return target
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            build(scratch / target.name)
            (scratch / target.name).rename(target)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return target


def compile_bytecode(python: Path, folder: Path, final: Path) -> None:
    """Compile every module under `folder` as if it lay in `final`, for workers that start fast."""
    command: list[str | Path] = [python, "-m", "compileall", "-q", "-j", str(os.cpu_count() or 1)]
    run([*command, "-s", folder, "-p", final, folder], "compiling bytecode")
