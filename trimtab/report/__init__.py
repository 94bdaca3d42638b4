"""Reports for people: one HTML file each, readable without a network, by day, at night and on a phone."""

from trimtab.report.cards import told_in_full
from trimtab.report.trend import trend_of
from trimtab.report.window import by_weight_and_effect, render_window_report
from trimtab.report.year import render_year_report

__all__ = [
    "by_weight_and_effect",
    "render_window_report",
    "render_year_report",
    "told_in_full",
    "trend_of",
]
