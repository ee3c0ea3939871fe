"""`time-to-target`: updates to a threshold, censored at a cap."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ablations.forms.base import Contrast, Metrics, Statistical, differences, number
from ablations.statistics import Array


@dataclass(frozen=True, kw_only=True)
class TimeToTarget(Statistical):
    """θ = mean log(T*_treatment / T*_baseline), T* the updates to a threshold, or the cap.

    A run that never arrives, or diverges, counts at the cap and as censored.

    >>> from ablations.records import Zones
    >>> zones = Zones(null=0.1, null_reason="10 %", sign=-1, log=True)
    >>> form = TimeToTarget(metric="curve", threshold=0.8, cap=100.0, zones=zones)
    >>> slow, fast = {"curve": [[25, 0.5], [50, 0.8]]}, {"curve": [[25, 0.9]]}
    >>> [(c.values, round(c.theta, 3)) for c in form.contrasts([slow, fast])]
    [((50.0, 25.0), -0.693)]
    >>> [(c.values, c.censored) for c in form.contrasts([slow, None])]
    [((50.0, 100.0), (False, True))]
    >>> round(arrival([50.0, 100.0, 75.0], [False, True, False])["median"])
    75
    >>> form.pairs_needed(sd=form.spread(0.05), level=1 - 0.05 / 79)
    33

    The planning rule is that of a ratio of times. Runs at the cap only draw pairs towards zero, so
    that the spread of a pilot without them is on the safe side; above 20 % of them no number of
    pairs tells a size.

    Args:
        metric: A curve, [[update, score], ...], in order.
        threshold: The score to reach. cap: T* where it isn't reached.
    """

    name: ClassVar[str] = "time-to-target"
    metric: str
    threshold: float
    cap: float

    def theta(self, values: Array) -> Array:
        return differences(np.minimum(values, self.cap), log=True)

    def contrasts(self, arms: Sequence[Metrics | None]) -> list[Contrast]:
        times = np.array([[self._arrival(arm)] for arm in arms])
        return [
            Contrast(
                values=tuple(float(t) for t in np.minimum(times[:, 0], self.cap)),
                theta=float(self.theta(times)[0]),
                censored=tuple(bool(t) for t in times[:, 0] > self.cap),
            )
        ]

    def _arrival(self, arm: Metrics | None) -> float:
        """Return the first update at which a finite score reaches the threshold."""
        curve = arm.get(self.metric) if arm else None
        for update, score in curve if isinstance(curve, list | tuple) else ():
            if self.threshold <= number(score) < math.inf:
                return number(update)
        return math.inf


def arrival(times: Sequence[float], censored: Sequence[bool]) -> dict[str, float]:
    """Return what describes an arm's times: share arrived, median, mean up to the cap.

    The median is Kaplan and Meier's: the first time by which at most half of the runs are still on
    their way, infinite if more never arrive. Every run is watched up to the same cap, so that their
    estimate is the share of runs itself, and the mean up to the cap is that of min(T, cap).
    Descriptive: no verdict reads it.
    """
    known = sorted(math.inf if c else t for t, c in zip(times, censored, strict=True))
    n = len(known)
    median = next((t for i, t in enumerate(known) if n - (i + 1) <= n / 2), math.inf)
    return {
        "share": sum(t < math.inf for t in known) / n,
        "median": median,
        "mean": math.fsum(times) / n,
    }
