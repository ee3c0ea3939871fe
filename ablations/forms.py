"""Forms: how a claim's runs become one contrast per pair.

Every statistical form estimates θ, the mean over pairs of a log-ratio or of a difference; the
interval and the verdict are the same for all of them (`statistics`, `verdict`). A form is given the
metrics of one seed, one mapping per arm, baseline first.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ablations.records import Check, Json, Zones
from ablations.statistics import trend

Metrics = Mapping[str, Json]
Derive = Callable[[Sequence[Sequence[Metrics]], float], tuple[tuple[Check, ...], str]]


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """One pair: each arm's value for the reader, θ's summand, and which arms were cut off at a cap.

    The contrast is NaN where an arm has no value.
    """

    values: tuple[float, ...]
    theta: float
    censored: tuple[bool, ...] = ()


class Form(ABC):
    """How a claim is decided."""

    name: ClassVar[str]


@dataclass(frozen=True, kw_only=True)
class Exact(Form):
    """Equality: the workload makes the checks."""

    name: ClassVar[str] = "exact"


@dataclass(frozen=True, kw_only=True)
class Consistency(Form):
    """The document's own numbers recomputed from their parts, or from another measurement.

    Args:
        derive: Makes the checks from the metrics of all seeds, at the level of all intervals; None
            where the workload makes them. What the measurement can't decide it says in the second
            value returned.
    """

    name: ClassVar[str] = "consistency"
    derive: Derive | None = None


@dataclass(frozen=True, kw_only=True)
class Statistical(Form):
    """θ over pairs, its zones fixed beforehand."""

    zones: Zones

    @abstractmethod
    def contrasts(self, arms: Sequence[Metrics | None]) -> list[Contrast]:
        """Return the pairs of one seed; an arm that diverged is None."""


@dataclass(frozen=True, kw_only=True)
class Paired(Statistical):
    """θ = mean of log(treatment / baseline), or of treatment − baseline.

    Args:
        metric: A number, or a list of numbers whose i-th of one arm pairs with the i-th of the
            other (fresh processes in one block).
    """

    name: ClassVar[str] = "ratio"
    metric: str

    def contrasts(self, arms: Sequence[Metrics | None]) -> list[Contrast]:
        columns = [_numbers(arm, self.metric) for arm in arms]
        pairs = max(len(c) for c in columns)
        columns = [c if len(c) == pairs else [math.nan] * pairs for c in columns]
        return [
            Contrast(values=values, theta=difference(values[0], values[1], self.zones.log))
            for values in zip(*columns, strict=True)
        ]


@dataclass(frozen=True, kw_only=True)
class Ratio(Paired):
    """θ = mean log(treatment / baseline)."""


@dataclass(frozen=True, kw_only=True)
class Timing(Paired):
    """θ = mean log(treatment / baseline) over pairs of fresh processes."""

    name: ClassVar[str] = "timing"


@dataclass(frozen=True, kw_only=True)
class Quality(Paired):
    """θ = mean (treatment − baseline) of a score."""

    name: ClassVar[str] = "quality"


@dataclass(frozen=True, kw_only=True)
class Trend(Statistical):
    """θ = mean slope of a score over ordered levels, one least-squares slope a seed.

    Args:
        metric: The score. levels: One number an arm, in the arms' order.
    """

    name: ClassVar[str] = "trend"
    metric: str
    levels: tuple[float, ...]

    def contrasts(self, arms: Sequence[Metrics | None]) -> list[Contrast]:
        values = tuple(_numbers(arm, self.metric)[0] for arm in arms)
        weights = trend(self.levels)
        return [Contrast(values=values, theta=float(sum(weights * values)))]


@dataclass(frozen=True, kw_only=True)
class TimeToTarget(Statistical):
    """θ = mean log(T*_treatment / T*_baseline), T* the updates to a threshold, or the cap.

    A run that never arrives, or diverges, counts at the cap and as censored.

    Args:
        metric: A curve, [[update, score], ...], in order.
        threshold: The score to reach. cap: T* where it isn't reached.
    """

    name: ClassVar[str] = "time-to-target"
    metric: str
    threshold: float
    cap: float

    def contrasts(self, arms: Sequence[Metrics | None]) -> list[Contrast]:
        times = [self._arrival(arm) for arm in arms]
        values = tuple(min(t, self.cap) for t in times)
        return [
            Contrast(
                values=values,
                theta=difference(values[0], values[1], log=True),
                censored=tuple(t > self.cap for t in times),
            )
        ]

    def _arrival(self, arm: Metrics | None) -> float:
        curve = arm.get(self.metric, []) if arm else []
        return next((float(u) for u, score in curve if score >= self.threshold), math.inf)


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
        first = _numbers(arms[self.arms[0]], self.baseline or self.metric)
        second = _numbers(arms[self.arms[1]], self.metric)
        return [difference(a, b, self.log) for a, b in zip(first, second, strict=False)]


def difference(baseline: float, treatment: float, log: bool) -> float:
    """Return log(treatment / baseline) or treatment − baseline; NaN where it isn't defined."""
    if not log:
        return treatment - baseline
    if not (baseline > 0 and treatment > 0):
        return math.nan
    return math.log(treatment / baseline)


def about(ratio: float, factor: float = 1.25) -> tuple[float, float]:
    """Return the band of log-ratios around a documented ratio, × or ÷ `factor`, claimed side up."""
    center = abs(math.log(ratio))
    return center - math.log(factor), center + math.log(factor)


def between(first: float, second: float) -> tuple[float, float]:
    """Return the band of log-ratios between two documented ratios, claimed side up."""
    weak, strong = sorted(abs(math.log(r)) for r in (first, second))
    return weak, strong


def _numbers(arm: Metrics | None, metric: str) -> list[float]:
    if arm is None:
        return [math.nan]
    value = arm.get(metric, math.nan)
    values = value if isinstance(value, list | tuple) else [value]
    return [float(v) for v in values]
