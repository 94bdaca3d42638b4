"""Write an export into a DVC repository, or make a small one around it."""

import configparser
from pathlib import Path

from trimtab.dataset.dvc import REMOTE, Export
from trimtab.errors import BadInput

_IGNORED = "/config.local\n/tmp\n/cache\n"


def write_export(exported: Export, folder: Path) -> list[str]:
    """Write the files and, where needed, the remote; return what was written, by path within `folder`.

    Raises BadInput when the repository has a remote of the same name elsewhere.
    """
    folder.mkdir(parents=True, exist_ok=True)
    home = next((one for one in (folder, *folder.resolve().parents) if (one / ".dvc").is_dir()), None)
    written: list[str] = []
    if home is None:
        home = folder
        (folder / ".dvc").mkdir()
        (folder / ".dvc/.gitignore").write_text(_IGNORED)
        written += _configure(folder / ".dvc/config", None, has_git=_has_git(folder))
    if exported.remote_url:
        written += _configure(home / ".dvc/config", exported.remote_url, has_git=True)
    for path, text in exported.files.items():
        target = folder / path
        if not target.resolve().is_relative_to(folder.resolve()):
            raise BadInput(f"{path!r} leads out of {folder}; the manifest is not to be trusted")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        written.append(path)
    return list(dict.fromkeys(written))


def _configure(path: Path, remote_url: str | None, *, has_git: bool) -> list[str]:
    config = configparser.ConfigParser()
    config.read(path, encoding="utf-8")
    if not has_git:
        config.read_dict({"core": {"no_scm": "true"}})
    section = f"'remote \"{REMOTE}\"'"
    if remote_url:
        known = config.get(section, "url", fallback=remote_url)
        if known != remote_url:
            raise BadInput(
                f"remote {REMOTE} of {path} is {known}, and this version needs {remote_url}; export into "
                "another folder"
            )
        config.read_dict({section: {"url": remote_url, "version_aware": "true"}})
        if not config.has_option("core", "remote"):
            config.read_dict({"core": {"remote": REMOTE}})
    with path.open("w", encoding="utf-8") as sink:
        config.write(sink)
    return [".dvc/config"]


def _has_git(folder: Path) -> bool:
    return any((one / ".git").exists() for one in (folder, *folder.resolve().parents))
