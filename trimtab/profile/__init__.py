"""Mergeable profiles of tables on a fixed grid: counts that add up in any order, to the last bit."""

from trimtab.profile.counts import CategoricalCounts, Counts, NumericCounts
from trimtab.profile.grid import CategoricalColumn, Grid, Kind, NumericColumn
from trimtab.profile.profile import Profile

__all__ = [
    "CategoricalColumn",
    "CategoricalCounts",
    "Counts",
    "Grid",
    "Kind",
    "NumericColumn",
    "NumericCounts",
    "Profile",
]
