"""A project and its environment: settings, typed at the door and frozen afterwards."""

from trimtab.project.load import load_environment, load_project, project_names
from trimtab.project.settings import WINDOWS_PER_YEAR, Environment, MonitoredTable, Project

__all__ = [
    "WINDOWS_PER_YEAR",
    "Environment",
    "MonitoredTable",
    "Project",
    "load_environment",
    "load_project",
    "project_names",
]
