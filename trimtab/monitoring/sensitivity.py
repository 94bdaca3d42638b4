"""How sensitive a project's watch is: its settings as the comparison takes them."""

from dataclasses import replace
from typing import Any

from trimtab.drift import Override, Settings
from trimtab.project import WINDOWS_PER_YEAR, Project


def sensitivity(project: Project, **changes: Any) -> Settings:
    """Return the project's settings, but for `changes`; raise BadInput for changes that make no sense."""
    monitor = project.monitor
    needed, of = monitor.persistence
    settings = Settings(
        false_alarms_per_year=monitor.false_alarms_per_year,
        windows_per_year=WINDOWS_PER_YEAR[monitor.window],
        min_weight=monitor.min_weight,
        tolerance=monitor.tolerance,
        minimum_rows=monitor.minimum_rows,
        needed=needed,
        of=of,
        columns={
            name: Override(tolerance=one.tolerance, weight=one.weight, ignore=one.ignore)
            for name, one in monitor.columns.items()
        },
    )
    return replace(settings, **changes)
