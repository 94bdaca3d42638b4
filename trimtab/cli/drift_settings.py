"""What the options of `trimtab drift` mean: columns and settings, a project's where one is named."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from trimtab.cli.drift_compare import Choice
from trimtab.cli.drift_files import Dialect, Kind
from trimtab.drift import Settings
from trimtab.errors import BadInput
from trimtab.monitoring.sensitivity import sensitivity
from trimtab.monitoring.windows import WindowKind
from trimtab.project import WINDOWS_PER_YEAR, Project, load_project


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for: columns, sensitivity, how text is written, the windows, and whose project it is."""

    choice: Choice
    settings: Settings
    dialect: Dialect
    window: WindowKind
    project: Project | None


def selected(
    project: str | None,
    columns: str,
    ignore: str,
    timestamp: str | None,
    slices: int | None,
    delimiter: str | None,
    *,
    window: WindowKind | None = None,
    **changes: float | None,
) -> Asked:
    """Return what was asked for; what is not given is the project's, or a default."""
    if timestamp is not None and slices is not None:
        raise BadInput("--timestamp and --slices both slice the baseline; give one of them")
    given: dict[str, Any] = {name: value for name, value in changes.items() if value is not None}
    if window is not None:
        given["windows_per_year"] = WINDOWS_PER_YEAR[window]
    choice = Choice(
        columns=_split(columns), ignore=_split(ignore), kinds={}, timestamp=timestamp, slices=slices
    )
    if project is None:
        return Asked(choice, Settings(**given), Dialect(delimiter=delimiter), window or "month", None)
    known = _project(project)
    kinds: dict[str, Kind] = dict.fromkeys(known.features.numeric, "number")
    kinds |= dict.fromkeys(known.features.categorical, "text")
    data, monitor = known.data, known.monitor
    return Asked(
        replace(
            choice,
            columns=choice.columns or tuple(kinds),
            kinds=kinds,
            # Seasons are told of the project's own windows; others may hold several of them.
            season=monitor.season if window in (None, monitor.window) else None,
        ),
        sensitivity(known, **given),
        Dialect(delimiter=delimiter or data.delimiter, encoding=data.encoding, nulls=data.null_tokens),
        window or monitor.window,
        known,
    )


def stored_windows(asked: Asked, of_rows: Mapping[str, str | None]) -> Project:
    """Return the project whose judged windows are replayed; raise BadInput for options that rows have."""
    if asked.project is None:
        raise BadInput("give a file of past rows, or --project to replay the windows that were judged")
    if given := [name for name, value in of_rows.items() if value]:
        raise BadInput(f"{given[0]} belongs to a file of past rows; give the file, or leave the option out")
    return asked.project


def window_kind(name: str) -> WindowKind:
    """Read a window's kind."""
    if name not in WINDOWS_PER_YEAR:
        raise BadInput(f"{name!r} is no window; give day, week or month")
    return name


def day_of(text: str) -> date:
    """Read a day."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{text!r} is no day; write it as 2013-03-01") from error


def _project(name: str) -> Project:
    from trimtab.cli.session import find_root

    return load_project(find_root(Path.cwd()) / "pipelines" / name)


def _split(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
