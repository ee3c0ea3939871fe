"""What the forms with one baseline and one treatment share."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ablations.forms.base import Contrast, Metrics, Statistical, differences, numbers
from ablations.statistics import Array


@dataclass(frozen=True, kw_only=True)
class Paired(Statistical):
    """θ = mean of log(treatment / baseline), or of treatment − baseline.

    Args:
        metric: A number, or a list of numbers whose i-th of one arm pairs with the i-th of the
            other (fresh processes in one block).
    """

    metric: str

    def theta(self, values: Array) -> Array:
        return differences(values, self.zones.log)

    def contrasts(self, arms: Sequence[Metrics | None]) -> list[Contrast]:
        columns = [numbers(arm, self.metric) for arm in arms]
        pairs = max(len(c) for c in columns)
        columns = [c if len(c) == pairs else [math.nan] * pairs for c in columns]
        thetas = self.theta(np.array(columns))
        return [
            Contrast(values=values, theta=float(theta))
            for values, theta in zip(zip(*columns, strict=True), thetas, strict=True)
        ]
