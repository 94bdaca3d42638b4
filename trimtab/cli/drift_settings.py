"""What the options of `trimtab drift` mean: columns and settings, a project's where one is named."""

from datetime import date
from pathlib import Path

from trimtab.cli.drift_compare import Choice
from trimtab.cli.drift_files import Kind
from trimtab.drift import Settings
from trimtab.errors import BadInput
from trimtab.monitoring.windows import WindowKind
from trimtab.project import WINDOWS_PER_YEAR, Project, load_project


def selected(
    project: str | None,
    columns: str,
    ignore: str,
    timestamp: str | None,
    slices: int | None,
    *,
    window: WindowKind | None,
    **sensitivity: float | None,
) -> tuple[Choice, Settings]:
    """Return the columns and the settings that were asked for."""
    if timestamp is not None and slices is not None:
        raise BadInput("--timestamp and --slices both slice the baseline; give one of them")
    known = _project(project) if project else None
    given = {name: value for name, value in sensitivity.items() if value is not None}
    if known is not None:
        monitor = known.monitor
        needed, of = monitor.persistence
        base = {
            "false_alarms_per_year": monitor.false_alarms_per_year,
            "min_weight": monitor.min_weight,
            "tolerance": monitor.tolerance,
            "minimum_rows": monitor.minimum_rows,
            "needed": needed,
            "of": of,
        }
        given = base | given
        window = window or monitor.window
    if window is not None:
        given["windows_per_year"] = WINDOWS_PER_YEAR[window]
    kinds: dict[str, Kind] = {}
    if known is not None:
        kinds |= dict.fromkeys(known.features.numeric, "number")
        kinds |= dict.fromkeys(known.features.categorical, "text")
    chosen = _split(columns) or tuple(kinds)
    choice = Choice(columns=chosen, ignore=_split(ignore), kinds=kinds, timestamp=timestamp, slices=slices)
    return choice, Settings(**given)  # type: ignore[arg-type]


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
