"""Policy gradients over resampled batches: their variance and the size of their mean."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ablations.metrics.base import Metric, Observations
from ablations.metrics.value import UNKNOWN, Value, number


@dataclass(frozen=True, kw_only=True)
class GradientVariance(Metric):
    """Variance of the gradient over batches, summed over parameters: Σ var gᵢ.

    Args:
        relative: Whether it is divided by the squared norm of the mean gradient.
    """

    higher_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, math.inf)
    relative: bool = False

    @property
    def quantity(self) -> str:
        of = " relative to the squared mean gradient" if self.relative else ""
        return f"variance of the policy gradient{of}"

    def read(self, found: Observations) -> Value:
        variance, mean = float(found["variance"]), float(found["mean_norm"])
        if not self.relative:
            return number(variance)
        return number(variance / mean**2) if mean > 0 else UNKNOWN


@dataclass(frozen=True, kw_only=True)
class MeanNorm(Metric):
    """Norm of the mean gradient over batches."""

    bounds: ClassVar[tuple[float, float]] = (0.0, math.inf)

    @property
    def quantity(self) -> str:
        return "norm of the mean policy gradient"

    def read(self, found: Observations) -> Value:
        return number(float(found["mean_norm"]))


@dataclass(frozen=True, kw_only=True)
class Live(Metric):
    """Mean share of a batch's samples that are still running, over steps and batches."""

    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    @property
    def quantity(self) -> str:
        return "share of live samples"

    def read(self, found: Observations) -> Value:
        return number(float(np.mean(found["live"])))
