"""Make a new project from the template."""

import shutil
from pathlib import Path

from trimtab.errors import BadInput
from trimtab.project import load_project
from trimtab.project.settings import LONGEST_NAME, NAME_PATTERN

TEMPLATE = Path(__file__).parent / "template"
PLACEHOLDER = "{{name}}"


def create_project(root: Path, name: str) -> Path:
    """Copy the template to `pipelines/<name>`; raise BadInput for an illegal or a taken name."""
    if not NAME_PATTERN.fullmatch(name) or len(name) > LONGEST_NAME:
        raise BadInput(
            f"{name!r} cannot name a project: use lower-case letters, digits and single hyphens, "
            f"start with a letter, at most {LONGEST_NAME} characters"
        )
    folder = root / "pipelines" / name
    if folder.exists():
        raise BadInput(f"{folder.relative_to(root)} exists already; choose another name or remove it")
    shutil.copytree(TEMPLATE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for path in sorted(folder.rglob("*.tmpl")):
        path.with_suffix("").write_text(path.read_text().replace(PLACEHOLDER, name))
        path.unlink()
    load_project(folder)
    return folder.relative_to(root)
