"""Measures of a model against labels that came later, with intervals that respect days."""

from trimtab.performance.bootstrap import Interval, day_block_bootstrap
from trimtab.performance.measures import brier, brier_skill, log_loss, roc_auc
from trimtab.performance.window import Performance, decayed, measure

__all__ = [
    "Interval",
    "Performance",
    "brier",
    "brier_skill",
    "day_block_bootstrap",
    "decayed",
    "log_loss",
    "measure",
    "roc_auc",
]
