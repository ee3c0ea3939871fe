"""From a `Report` to one HTML file and its machine-readable twins; computes no statistic."""

from reports.comparison import render as render_comparison
from reports.files import render
from reports.page import page

__all__ = ["page", "render", "render_comparison"]
