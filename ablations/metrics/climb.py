"""Metrics of a ladder of learning rates: whether training converges at any of them."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ablations.metrics.base import Metric, Observations
from ablations.metrics.value import Value, number


@dataclass(frozen=True, kw_only=True)
class Removed(Metric):
    """Share of the best constant answer's loss that training removes, at the best learning rate.

    1 − l / c, where c is that loss, and l the least mean loss of the last quarter of updates, over
    the rates at which all losses and weights stay finite. 0 is no better than a constant answer,
    and 1 is no loss at all. A run fails if there is no such rate.
    """

    bounds: ClassVar[tuple[float, float]] = (-math.inf, 1.0)

    @property
    def quantity(self) -> str:
        return "share of the best constant answer's loss that is removed at the best rate"

    def read(self, found: Observations) -> Value:
        ends = np.asarray(found["final_loss"], dtype=np.float64)[np.asarray(found["finite"])]
        if not len(ends):
            return self.of_diverged()
        return number(1 - float(ends.min()) / float(found["constant_loss"]))

    def extreme(self, found: Observations) -> str:
        """Return whether the best rate is an end of the ladder."""
        ends = np.where(found["finite"], found["final_loss"], math.inf)
        if np.isinf(ends).all():
            return "floor: no rate is stable"
        best = int(np.argmin(ends))
        if best == 0:
            return "the lowest rate is the best"
        return "the highest rate is the best" if best == len(ends) - 1 else ""
