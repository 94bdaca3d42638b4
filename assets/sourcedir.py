"""Build the source archive of training and serving: byte-identical on every machine."""

import hashlib
from pathlib import Path

from assets.archive import tar_gz
from assets.imports import modules_behind
from assets.uv import BuildFailed, build_once

# project.toml is none of them: what the job may know of it stands in job.json, setting by setting, so that an
# edit of any other setting is no change of the training code.
PROJECT_FILES = ("train.py", "inference.py")
# A project's contract needs pandera, which the container does not have; its tests do not belong there.
PROJECT_WITHOUT = ("contract.py", "conftest.py")


def sourcedir_files(root: Path, project: str) -> dict[str, bytes]:
    """Read the project's own modules, at the top, and those modules of the library that they import.

    What they do not import is left out, so that a change of it is no change of the training code. Raise
    BuildFailed when the project lacks one of its files.
    """
    folder = root / "pipelines" / project
    for name in PROJECT_FILES:
        if not (folder / name).is_file():
            raise BuildFailed(f"{folder / name} is missing; every project has one")
    own = [
        path
        for path in sorted(folder.glob("*.py"))
        if path.name not in PROJECT_WITHOUT and not path.name.startswith("test_")
    ]
    library = modules_behind(root, "trimtab", own)
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in library}
    return files | {path.name: path.read_bytes() for path in own}


def build_sourcedir(root: Path, project: str) -> tuple[Path, str]:
    """Write `sourcedir.tar.gz` into a folder named by its digest; return its path and its sha256."""
    data = tar_gz(sourcedir_files(root, project))
    sha256 = hashlib.sha256(data).hexdigest()

    def build(target: Path) -> None:
        target.mkdir()
        (target / "sourcedir.tar.gz").write_bytes(data)

    return build_once(root / "build/sourcedir" / sha256, build) / "sourcedir.tar.gz", sha256
