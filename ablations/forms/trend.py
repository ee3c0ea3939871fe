"""`trend`: a contrast over ordered levels, per seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ablations.forms.base import Contrast, Metrics, Statistical, single
from ablations.forms.factorial import combination
from ablations.statistics import Array, trend


@dataclass(frozen=True, kw_only=True)
class Trend(Statistical):
    """θ = mean slope of a score over ordered levels, one least-squares slope a seed.

    >>> from ablations.records import Zones
    >>> zones = Zones(null=0.02, null_reason="2 points")
    >>> form = Trend(metric="score", levels=(0.0, 1.0, 2.0), zones=zones)
    >>> (pair,) = form.contrasts([{"score": 0.5}, {"score": 0.75}, {"score": 0.75}])
    >>> pair.theta
    0.125
    >>> round(form.spread(0.01), 5)  # slopes over three levels spread 1/√2 as much as scores
    0.00707
    >>> form.pairs_needed(sd=form.spread(0.01), level=1 - 0.05 / 79)
    19

    The planning rule: sd √(Σw²) = sd / √(Σ(x - x̄)²), and √(1 - ρ) of it for correlated arms.

    Args:
        metric: The score. levels: One number an arm, in the arms' order.
    """

    name: ClassVar[str] = "trend"
    metric: str
    levels: tuple[float, ...]

    def theta(self, values: Array) -> Array:
        return combination(self._weights(), values)

    def contrasts(self, arms: Sequence[Metrics | None]) -> list[Contrast]:
        values = tuple(single(arm, self.metric) for arm in arms)
        return [Contrast(values=values, theta=float(combination(self._weights(), values)))]

    def _weights(self) -> Array:
        return trend(self.levels)
