"""Metrics: numbers from stored observations, computed with NumPy only; one module per kind."""

from ablations.metrics.base import Metric, Observations
from ablations.metrics.value import UNKNOWN, Value, beyond, diverged, number

__all__ = ["UNKNOWN", "Metric", "Observations", "Value", "beyond", "diverged", "number"]
