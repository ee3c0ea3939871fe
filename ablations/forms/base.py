"""What all forms share: an estimator over arms, one interval, one planning rule."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ablations import power, statistics
from ablations.records import Json, Zones
from ablations.statistics import Array, Interval, Values
from ablations.verdict import resolution

Metrics = Mapping[str, Json]


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
class Statistical(Form):
    """θ over pairs, its zones fixed beforehand.

    Args:
        zones: The null zone, and the band where a figure is documented.
        symmetry: Why the contrasts are symmetric about θ by construction, "" if nothing but the
            sample speaks for it: the verdict then reads an interval that leaves room for a skew
            which the sample doesn't show (`statistics.widening`). They are where the noise is alike
            in all arms and θ's weights come in pairs of opposite sign.
    """

    zones: Zones
    symmetry: str = ""

    @abstractmethod
    def theta(self, values: Array) -> Array:
        """Return the contrasts of pairs: (arms, ...) to (...), NaN where there is none."""

    @abstractmethod
    def contrasts(self, arms: Sequence[Metrics | None]) -> list[Contrast]:
        """Return the pairs of one seed; an arm that diverged is None."""

    def spread(self, sd: float, correlation: float = 0.0) -> float:
        """Return the standard deviation of a contrast, planned from that of one arm's values.

        Var θ = sd² ((1 - ρ) Σwᵢ² + ρ (Σwᵢ)²) for θ = Σ wᵢ · valueᵢ, in the contrast's own unit
        (logarithms for a log-ratio).

        Args:
            sd: Standard deviation of one arm over seeds.
            correlation: ρ, between any two arms of a seed.
        """
        w = self._weights()
        within, shared = float(w @ w), float(w.sum()) ** 2
        return sd * math.sqrt((1 - correlation) * within + correlation * shared)

    def interval(self, thetas: Values, level: float) -> Interval:
        """Return Student's interval of θ."""
        return statistics.interval(thetas, level)

    def pairs_needed(self, sd: float, level: float, share: float = 0.8) -> int:
        """Return the pairs that tell apart what the zones ask for, with this power.

        That is half the band's width, or w where there is no band of finite width.

        Args:
            sd: Standard deviation of a contrast, from `spread` or from pilot seeds.
            level: Of the interval.
            share: The power.
        """
        aim = resolution(self.zones)
        return power.pairs_needed(sd, aim, level, share, symmetric=bool(self.symmetry))

    def detectable(self, sd: float, n: int, level: float, share: float = 0.8) -> float:
        """Return the distance from an edge that n pairs tell apart with this power."""
        symmetric = bool(self.symmetry)
        return power.minimum_detectable(sd, n, level, share, symmetric=symmetric)

    def _weights(self) -> Array:
        """Return the weight of each arm in θ."""
        return np.array([-1.0, 1.0])


def difference(baseline: float, treatment: float, log: bool) -> float:
    """Return log(treatment / baseline) or treatment − baseline; NaN where it isn't defined."""
    return float(differences(np.array([[baseline], [treatment]]), log)[0])


def differences(values: Array, log: bool) -> Array:
    """Return the log-ratios or differences of pairs: (2, ...) to (...).

    A log-ratio is defined for finite positive values alone, a difference for finite ones; elsewhere
    it is NaN.
    """
    usable = np.isfinite(values).all(axis=0)
    if log:
        usable &= (values > 0).all(axis=0)
    baseline, treatment = np.where(usable, values, 1.0)
    with np.errstate(over="ignore", divide="ignore"):  # what overflows is no contrast
        found: Array = np.log(treatment / baseline) if log else treatment - baseline
    return np.where(usable & np.isfinite(found), found, math.nan)


def numbers(arm: Metrics | None, metric: str) -> list[float]:
    """Return an arm's value or values; NaN for an arm, a metric or an entry that isn't there."""
    if arm is None:
        return [math.nan]
    value = arm.get(metric, math.nan)
    values = value if isinstance(value, list | tuple) else [value]
    return [number(v) for v in values] or [math.nan]


def single(arm: Metrics | None, metric: str) -> float:
    """Return an arm's one value, NaN if it has none or several."""
    values = numbers(arm, metric)
    return values[0] if len(values) == 1 else math.nan


def number(value: Json) -> float:
    """Return a value as a number, NaN if it isn't one."""
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if numeric else math.nan
