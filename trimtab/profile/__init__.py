"""Mergeable profiles of tables on a fixed grid: counts that add up in any order, to the last bit."""

from trimtab.profile.counts import CategoricalCounts, Counts, NumericCounts, TimestampCounts
from trimtab.profile.grid import CategoricalColumn, Grid, Kind, NumericColumn, TimestampColumn
from trimtab.profile.profile import Profile
from trimtab.profile.second_moments import SecondMoments

__all__ = [
    "CategoricalColumn",
    "CategoricalCounts",
    "Counts",
    "Grid",
    "Kind",
    "NumericColumn",
    "NumericCounts",
    "Profile",
    "SecondMoments",
    "TimestampColumn",
    "TimestampCounts",
]
