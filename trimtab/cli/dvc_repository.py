"""Write an export into a DVC repository, or make a small one around it."""

import configparser
from pathlib import Path

from trimtab.dataset.dvc import Export, Remote
from trimtab.errors import BadInput

_IGNORED = "/config.local\n/tmp\n/cache\n"


def write_export(exported: Export, folder: Path) -> list[str]:
    """Write the files and, where needed, the remote; return what was written, by path within `folder`.

    Raises BadInput for a directory inside another repository: DVC looks for its files at the remote's address
    and their path from the repository's root.
    """
    home = _repository(folder)
    if exported.remote and home not in (None, folder.resolve()):
        raise BadInput(
            f"{folder} lies inside the DVC repository {home}; export a directory to its root, --to {home}, "
            "or to a folder outside of it"
        )
    folder.mkdir(parents=True, exist_ok=True)
    written: list[str] = []
    if home is None:
        (folder / ".dvc").mkdir()
        (folder / ".dvc/.gitignore").write_text(_IGNORED)
    if home is None or exported.remote:
        _configure(folder / ".dvc/config", exported.remote, is_new=home is None)
        written.append(".dvc/config")
    for path, text in exported.files.items():
        target = folder / path
        if not target.resolve().is_relative_to(folder.resolve()):
            raise BadInput(f"{path!r} leads out of {folder}; the manifest is not to be trusted")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def _configure(path: Path, remote: Remote | None, *, is_new: bool) -> None:
    config = configparser.ConfigParser()
    config.read(path, encoding="utf-8")
    if is_new and not _has_git(path.parents[1]):
        config.read_dict({"core": {"no_scm": "true"}})
    if remote:
        section = f"'remote \"{remote.name}\"'"
        config.read_dict({section: {"url": remote.url, "version_aware": "true"}})
    with path.open("w", encoding="utf-8") as sink:
        config.write(sink)


def _repository(folder: Path) -> Path | None:
    """Find the DVC repository that a folder lies in."""
    whole = folder.resolve()
    return next((one for one in (whole, *whole.parents) if (one / ".dvc").is_dir()), None)


def _has_git(folder: Path) -> bool:
    return any((one / ".git").exists() for one in (folder, *folder.resolve().parents))
