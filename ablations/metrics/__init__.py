"""Metrics: from stored observations to numbers, with NumPy alone; a module a kind of number."""

from ablations.metrics.base import Metric, Observations
from ablations.metrics.value import UNKNOWN, Value, beyond, diverged, number

__all__ = ["UNKNOWN", "Metric", "Observations", "Value", "beyond", "diverged", "number"]
