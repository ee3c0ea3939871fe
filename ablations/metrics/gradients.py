"""Metrics of gradients: policy gradients over resampled batches, and gradients by depth."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ablations.metrics.base import Metric, Observations
from ablations.metrics.value import UNKNOWN, Value, number
from hrm.config.parts import require


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
        return f"variance of the gradient over batches{of}"

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


@dataclass(frozen=True, kw_only=True)
class TailRatio(Metric):
    """Mean norm of V's gradient with heavy-tailed rewards, divided by that with normal ones.

    Args:
        noise: "normal" to compare with rewards with normal noise, "none" with those without.
    """

    higher_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, math.inf)
    noise: str = "normal"

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.noise in ("normal", "none"), "noise", self.noise, "normal or none", "use one")

    @property
    def quantity(self) -> str:
        return f"norm of V's gradient with heavy-tailed rewards over that with {self.noise} noise"

    def read(self, found: Observations) -> Value:
        other = "value_norms_normal" if self.noise == "normal" else "value_norms"
        heavy, light = (float(np.mean(found[name])) for name in ("value_norms_heavy", other))
        return number(heavy / light) if light > 0 else UNKNOWN


@dataclass(frozen=True, kw_only=True)
class ValueNorm(Metric):
    """Norm of V's gradient with unchanged rewards, as a mean over batches."""

    higher_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, math.inf)

    @property
    def quantity(self) -> str:
        return "norm of V's gradient"

    def read(self, found: Observations) -> Value:
        return number(float(np.mean(found["value_norms"])))


@dataclass(frozen=True, kw_only=True)
class TrunkNorm(Metric):
    """Norm of the Q values' gradient that reaches the shared trunk, mean over batches.

    Args:
        per_term: Whether it is divided by the sum of the weights of the loss's squared errors, so
            that losses with different numbers of terms are comparable.
    """

    bounds: ClassVar[tuple[float, float]] = (0.0, math.inf)
    per_term: bool = True

    @property
    def quantity(self) -> str:
        each = ", per term of their loss" if self.per_term else ""
        return f"norm of the Q values' gradient by the trunk's parameters{each}"

    def read(self, found: Observations) -> Value:
        norm = float(np.mean(found["trunk_norms"]))
        return number(norm / float(found["terms"]) if self.per_term else norm)


@dataclass(frozen=True, kw_only=True)
class DepthGradient(Metric):
    """Norm of the answer's gradient, at one depth of the recursion.

    Args:
        depth: One of the protocol's depths.
        of: "start" for the gradient with respect to each board's initial states, as a median over
            boards; "trunk" for that of the mean loss with respect to the parameters of both cores.
    """

    higher_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, math.inf)
    depth: int
    of: str = "start"

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_source(self.of)

    @property
    def quantity(self) -> str:
        return f"norm of the gradient by {_sources[self.of]}, at depth {self.depth}"

    def read(self, found: Observations) -> Value:
        return number(float(_by_depth(found, self.of)[list(found["depths"]).index(self.depth)]))


@dataclass(frozen=True, kw_only=True)
class GradientGrowth(Metric):
    """Norm of the answer's gradient at the largest depth, divided by that at the smallest depth.

    Args:
        of: As in `DepthGradient`.
    """

    higher_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, math.inf)
    of: str = "start"

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_source(self.of)

    @property
    def quantity(self) -> str:
        return f"growth of the norm of the gradient by {_sources[self.of]}, with depth"

    def read(self, found: Observations) -> Value:
        norms = _by_depth(found, self.of)
        return number(float(norms[-1] / norms[0])) if norms[0] > 0 else UNKNOWN


_sources = {"start": "the first states", "trunk": "the cores' parameters"}


def _require_source(of: str) -> None:
    require(of in _sources, "of", of, " or ".join(_sources), "use one")


def _by_depth(found: Observations, of: str) -> NDArray[np.float64]:
    norms = np.asarray(found[f"{of}_norms"], dtype=np.float64)
    return np.median(norms, axis=1) if norms.ndim == 2 else norms
