"""From a `Report` to one HTML file and its machine-readable twin; computes no statistic."""

from reports.page import page, render

__all__ = ["page", "render"]
