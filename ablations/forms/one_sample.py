"""`one-sample`: one value a seed, against a constant or a printed range."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ablations.forms.base import Contrast, Metrics, Statistical, differences, numbers
from ablations.statistics import Array


@dataclass(frozen=True, kw_only=True)
class OneSample(Statistical):
    """θ = mean (value − constant), or of log(value / constant).

    A printed range is a band about the same constant: 10-50 ms is the band log 10 to log 50 of the
    logarithm of milliseconds, constant 1.

    >>> from ablations.records import Zones
    >>> zones = Zones(null=0.1, null_reason="a correlation of 0.1 explains 1 %")
    >>> form = OneSample(metric="correlation", zones=zones)
    >>> [c.theta for c in form.contrasts([{"correlation": 0.4}])]
    [0.4]
    >>> form.spread(0.1), form.pairs_needed(sd=0.1, level=1 - 0.05 / 79)
    (0.1, 41)

    The planning rule: no partner takes anything from a value's spread, and none makes it symmetric:
    the interval leaves room for a skew.

    Args:
        metric: A number or a list of numbers, each a value of its own.
        constant: What values are compared with.
    """

    name: ClassVar[str] = "one-sample"
    metric: str
    constant: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a constant without a logarithm where logarithms are taken."""
        assert not self.zones.log or self.constant > 0, self.constant

    def theta(self, values: Array) -> Array:
        constant = np.full_like(values[0], self.constant)
        return differences(np.stack([constant, values[0]]), self.zones.log)

    def contrasts(self, arms: Sequence[Metrics | None]) -> list[Contrast]:
        values = numbers(arms[0], self.metric)
        thetas = self.theta(np.array([values]))
        return [Contrast(values=(v,), theta=float(t)) for v, t in zip(values, thetas, strict=True)]

    def _weights(self) -> Array:
        return np.ones(1)
