"""Other readings of the same runs, and bands from documented figures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ablations.forms.base import Metrics, difference, numbers


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Another reading of the same runs, shown beside the primary one.

    Args:
        label: What it reads. metric: As in `Paired`. baseline: The baseline's, if another.
        arms: Which two arms, baseline first.
        log: Whether its contrast is a log-ratio. unit: What it counts.
    """

    label: str
    metric: str
    baseline: str = ""
    log: bool = True
    unit: str = "×"
    arms: tuple[int, int] = (0, 1)

    def contrasts(self, arms: Sequence[Metrics | None]) -> list[float]:
        """Return the contrasts of one seed."""
        first = numbers(arms[self.arms[0]], self.baseline or self.metric)
        second = numbers(arms[self.arms[1]], self.metric)
        return [difference(a, b, self.log) for a, b in zip(first, second, strict=False)]


def about(ratio: float, factor: float = 1.25) -> tuple[float, float]:
    """Return the band of log-ratios around a documented ratio, × or ÷ `factor`, claimed side up."""
    center = abs(math.log(ratio))
    return center - math.log(factor), center + math.log(factor)


def between(first: float, second: float) -> tuple[float, float]:
    """Return the band of log-ratios between two documented ratios, claimed side up."""
    weak, strong = sorted(abs(math.log(r)) for r in (first, second))
    return weak, strong
