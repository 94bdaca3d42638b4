"""Read `project.toml` and `environments/<name>.toml`; say what is wrong in one sentence."""

import tomllib
from pathlib import Path

from pydantic import BaseModel, ValidationError

from trimtab.errors import BadInput
from trimtab.project.settings import Environment, Project


def project_names(root: Path) -> list[str]:
    """List the projects under `root/pipelines`, sorted."""
    return sorted(path.parent.name for path in (root / "pipelines").glob("*/project.toml"))


def load_project(folder: Path) -> Project:
    """Read the project in `folder`; raise BadInput that names file, key and remedy."""
    path = folder / "project.toml"
    if not path.is_file():
        known = project_names(folder.parent.parent)
        raise BadInput(
            f"there is no project {folder.name!r}: {path} does not exist; "
            f"{'known projects: ' + ', '.join(known) if known else 'make one with: trimtab init NAME'}"
        )
    project = _read(path, Project)
    if project.name != folder.name:
        raise BadInput(f"{path}: name is {project.name!r} but the folder is {folder.name!r}; make them equal")
    return project


def load_environment(root: Path, name: str) -> Environment:
    """Read `root/environments/<name>.toml`; raise BadInput that names file, key and remedy."""
    path = root / "environments" / f"{name}.toml"
    if not path.is_file():
        known = sorted(entry.stem for entry in path.parent.glob("*.toml"))
        raise BadInput(f"there is no environment {name!r}; known: {', '.join(known) or 'none'}")
    environment = _read(path, Environment)
    if environment.name != name:
        raise BadInput(f"{path}: name is {environment.name!r} but the file is {name}.toml; make them equal")
    return environment


def _read[Settings: BaseModel](path: Path, kind: type[Settings]) -> Settings:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not valid TOML: {error}") from error
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise BadInput(f"{path}: {_first_problem(error)}") from error


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"])
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if problem["type"] == "extra_forbidden":
        return f"unknown key {key!r}; remove it or correct its spelling{more}"
    if problem["type"] == "missing":
        return f"key {key!r} is missing; add it{more}"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{key + ': ' if key else ''}{message}{more}"
