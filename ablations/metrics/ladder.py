"""Metrics of a ladder of learning rates: up to which rate training is stable."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ablations.metrics.base import Metric, Observations
from ablations.metrics.value import UNKNOWN, Value, number


@dataclass(frozen=True, kw_only=True)
class LargestRate(Metric):
    """The largest learning rate of a ladder at which, and below which, training is stable.

    Training is stable if all losses and weights stay finite, and the mean loss of the last quarter
    is below that of the best constant answer. If the highest rate is stable, the value is only
    known to be larger; if the lowest one isn't stable, only to be smaller.

    Args:
        over_best: Whether the value is divided by the stable rate with the smallest final loss, for
            arms whose optimal learning rates differ.
    """

    bounds: ClassVar[tuple[float, float]] = (0.0, math.inf)
    over_best: bool = False

    @property
    def quantity(self) -> str:
        return "largest stable learning rate" + (" over the best one" if self.over_best else "")

    def read(self, found: Observations) -> Value:
        rates, ends = (np.asarray(found[name]) for name in ("rate", "final_loss"))
        count = stable(found)
        if not count:
            low = float(rates[0])
            return UNKNOWN if self.over_best else Value(low=0.0, high=low, mean=low, failed=True)
        best = float(rates[int(np.argmin(ends[:count]))]) if self.over_best else 1.0
        largest = float(rates[count - 1]) / best
        if count == len(rates):
            return Value(low=largest, high=math.inf, mean=largest)
        return number(largest)

    def extreme(self, found: Observations) -> str:
        count = stable(found)
        if not count:
            return "floor: the lowest rate isn't stable"
        return "ceiling: the highest rate is stable" if count == len(found["rate"]) else ""


def stable(found: Observations) -> int:
    """Return the number of stable rates, counted from the lowest up to the first unstable one."""
    ends: NDArray[np.float64] = np.asarray(found["final_loss"], dtype=np.float64)
    holds = np.asarray(found["finite"]) & (ends < float(found["constant_loss"]))
    return len(ends) if holds.all() else int(np.argmin(holds))
