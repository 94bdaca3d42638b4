"""Drift verdicts from profiles: calibrated for both samples' sizes, corrected across features, never NaN."""

from trimtab.drift.baseline import Baseline
from trimtab.drift.compare import compare
from trimtab.drift.report import Feature, Reason, Report
from trimtab.drift.settings import Override, Settings, persistent

__all__ = ["Baseline", "Feature", "Override", "Reason", "Report", "Settings", "compare", "persistent"]
