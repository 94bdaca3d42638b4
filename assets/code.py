"""Build the code that all Lambda functions of one project share."""

from pathlib import Path

from assets.sources import digest_of, package_files
from assets.uv import BuildFailed, build_once

# The command line never runs in Lambda.
LIBRARY_WITHOUT = ("cli",)
PROJECT_FILES = ("contract.py", "project.toml")


def code_files(root: Path, project: str) -> dict[str, bytes]:
    """Read the library, the handlers and the project's contract; no other project's file is among them.

    Raise BuildFailed when the project lacks one of its files.
    """
    files = package_files(root, "trimtab", LIBRARY_WITHOUT)
    files |= {name: data for name, data in package_files(root, "lambdas").items() if name.endswith(".py")}
    for name in PROJECT_FILES:
        path = root / "pipelines" / project / name
        if not path.is_file():
            raise BuildFailed(f"{path} is missing; every project has one")
        files[f"pipelines/{project}/{name}"] = path.read_bytes()
    return files


def build_code(root: Path, project: str) -> Path:
    """Write the project's Lambda code into a folder named by its content; return the folder."""
    files = code_files(root, project)

    def build(folder: Path) -> None:
        for name, data in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            path.chmod(0o644)

    return build_once(root / "build/code" / f"{project}-{digest_of(files)}", build)
