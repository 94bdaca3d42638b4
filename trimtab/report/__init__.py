"""Reports for people: one HTML file each, readable without a network, by day, at night and on a phone."""

from trimtab.report.window import by_weight_and_effect, render_window_report
from trimtab.report.year import render_year_report

__all__ = ["by_weight_and_effect", "render_window_report", "render_year_report"]
