"""Tests: from the values of a claim's cells to one contrast a pair, and the zones it is held to.

A test reads cells in the order in which the claim lists them, the baseline first. Contrasts are in
their natural direction; the claimed one is the zones' (`ablations.rule.zones`). Arithmetic is that
of intervals, so that a censored or diverged run bounds the contrast as far as it can.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ablations.metrics.value import Value
from ablations.rule import zones
from ablations.rule.zones import Zones

Range = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """What one pair says: an interval that holds the contrast, a point where it is known.

    Args:
        values: Of the cells, in order.
        low, high: The ends; infinite where nothing bounds the contrast.
        mean: What a mean over pairs reads; NaN where there is no such number.
    """

    values: tuple[Value, ...]
    low: float
    high: float
    mean: float

    @property
    def failed(self) -> tuple[bool, ...]:
        """Which cells' runs diverged or never arrived."""
        return tuple(value.failed for value in self.values)


@dataclass(frozen=True, kw_only=True)
class Test(ABC):
    """How a claim's contrasts are formed, and what they are held to."""

    __test__ = False  # pytest collects classes of this name
    name: ClassVar[str]

    @property
    @abstractmethod
    def zones(self) -> Zones:
        """What was fixed beforehand."""

    @abstractmethod
    def contrast(self, values: Sequence[Value]) -> Contrast:
        """Return the contrast of one pair, from the values of its cells."""


@dataclass(frozen=True, kw_only=True)
class Linear(Test):
    """Tests whose contrast is Σ weightᵢ · valueᵢ, of logarithms where a ratio is claimed.

    Args:
        null: The smallest effect worth having: a share for ratios (0.05 is 5 %), else in the
            metric's unit.
        because: Why that size.
        fewer: Whether the claim is that the contrast falls.
        about: The band around a documented figure, or the printed range: two ratios, or two
            differences in their natural direction. at_least: The figure of an "at least" instead.
        band_because: Where the band comes from.
    """

    logarithmic: ClassVar[bool] = False
    null: float
    because: str
    fewer: bool = False
    about: Range | None = None
    at_least: float | None = None
    band_because: str = ""

    @property
    def zones(self) -> Zones:
        make = zones.ratio if self.logarithmic else zones.difference
        return make(
            null=self.null,
            because=self.because,
            fewer=self.fewer,
            about=self.about,
            at_least=self.at_least,
            band_because=self.band_because,
        )

    @property
    @abstractmethod
    def weights(self) -> tuple[float, ...]:
        """One weight a cell."""

    def contrast(self, values: Sequence[Value]) -> Contrast:
        return combined(self.weights, values, logarithmic=self.logarithmic)


@dataclass(frozen=True, kw_only=True)
class Difference(Linear):
    """x = treatment − baseline."""

    name: ClassVar[str] = "quality"

    @property
    def weights(self) -> tuple[float, ...]:
        return (-1.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class Ratio(Linear):
    """x = log(treatment / baseline)."""

    name: ClassVar[str] = "ratio"
    logarithmic: ClassVar[bool] = True

    @property
    def weights(self) -> tuple[float, ...]:
        return (-1.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class TimeToTarget(Ratio):
    """x = log(arrival of the treatment / arrival of the baseline), censored at the metric's cap."""

    name: ClassVar[str] = "time-to-target"


@dataclass(frozen=True, kw_only=True)
class Timing(Ratio):
    """x = log(time of the treatment / time of the baseline), by turns within a fresh process.

    The cells' metric reads each arm's time over the baseline's (`metrics.timing.TimeRatio`), which
    is 1 for the baseline. So x is the median over rounds of the log-ratio within a round.
    """

    name: ClassVar[str] = "timing"


@dataclass(frozen=True, kw_only=True)
class OneSample(Linear):
    """x = value − constant.

    Args:
        constant: What values are compared with.
    """

    name: ClassVar[str] = "one-sample"
    constant: float = 0.0

    @property
    def weights(self) -> tuple[float, ...]:
        return (1.0,)

    def contrast(self, values: Sequence[Value]) -> Contrast:
        return shifted(super().contrast(values), -self.constant)


@dataclass(frozen=True, kw_only=True)
class OneRatio(Linear):
    """x = log(value / constant): against a constant, or a printed range of the value itself.

    A printed range of 10 to 50 ms is `about=(10, 50)` with the constant 1.

    Args:
        constant: What values are compared with.
    """

    name: ClassVar[str] = "one-sample"
    logarithmic: ClassVar[bool] = True
    constant: float = 1.0

    @property
    def weights(self) -> tuple[float, ...]:
        return (1.0,)

    def contrast(self, values: Sequence[Value]) -> Contrast:
        return shifted(super().contrast(values), -math.log(self.constant))


@dataclass(frozen=True, kw_only=True)
class Trend(Linear):
    """x = the least-squares slope of the values over ordered levels.

    Weights are wᵢ = (lᵢ − l̄) / Σ(l − l̄)².

    Args:
        levels: One a cell, in the cells' order.
    """

    name: ClassVar[str] = "trend"
    levels: tuple[float, ...]

    @property
    def weights(self) -> tuple[float, ...]:
        return slope(self.levels)


@dataclass(frozen=True, kw_only=True)
class Factorial(Linear):
    """x = a contrast over the cells of a two-factor design, the first factor's levels outside.

    Args:
        factors: Weights, one a cell, from `main_effect`, `interaction`, or a sum of them.
        either_side: Whether an effect of either sign is claimed ("it depends").
    """

    name: ClassVar[str] = "factorial"
    factors: tuple[float, ...]
    either_side: bool = False

    def __post_init__(self) -> None:
        """Refuse weights that aren't a contrast: a mistake in a spec."""
        assert abs(math.fsum(self.factors)) < 1e-9 and any(self.factors), self.factors

    @property
    def zones(self) -> Zones:
        if self.either_side:
            return zones.either_side(null=self.null, because=self.because)
        return super().zones

    @property
    def weights(self) -> tuple[float, ...]:
        return self.factors


@dataclass(frozen=True, kw_only=True)
class NotWorse(Test):
    """x = treatment − baseline; the claim is that x > −margin in nearly every pair.

    Args:
        margin: The loss that would be noticed.
        because: Why that size.
    """

    name: ClassVar[str] = "non-inferior"
    margin: float
    because: str

    @property
    def zones(self) -> Zones:
        return zones.not_worse(margin=self.margin, because=self.because)

    def contrast(self, values: Sequence[Value]) -> Contrast:
        return combined((-1.0, 1.0), values)


@dataclass(frozen=True, kw_only=True)
class Reliable(Test):
    """x = value; the claim is that x > above in nearly every run.

    Args:
        above: What a reliable run exceeds.
        because: Why that value.
    """

    name: ClassVar[str] = "one-sample"
    above: float
    because: str

    @property
    def zones(self) -> Zones:
        return zones.reliable(above=self.above, because=self.because)

    def contrast(self, values: Sequence[Value]) -> Contrast:
        return combined((1.0,), values)


@dataclass(frozen=True, kw_only=True)
class Spread(OneRatio):
    """x = log(s / constant), s the standard deviation of a seed's replicas over √ln 2.

    The median over seeds of three normal replicas' standard deviation is σ √ln 2, so that s has the
    median σ. A replica that diverged makes the spread unknown.
    """

    def contrast(self, values: Sequence[Value]) -> Contrast:
        assert len(values) == 3, "the factor √ln 2 belongs to three replicas"
        numbers = [value.low if value.known else math.nan for value in values]
        mean = math.fsum(numbers) / 3
        spread = math.sqrt(math.fsum((x - mean) ** 2 for x in numbers) / 2 / math.log(2))
        log = math.log(spread / self.constant) if spread > 0 else math.nan
        low, high = (-math.inf, math.inf) if math.isnan(log) else (log, log)
        return Contrast(values=tuple(values), low=low, high=high, mean=log)


@dataclass(frozen=True, kw_only=True)
class Both(Test):
    """A conjunction: it holds if every part holds, and fails if one fails. Each part is a member.

    Args:
        parts: Tests. reads: For each part, the places of its cells among the claim's.
    """

    name: ClassVar[str] = "factorial"
    parts: tuple[Test, ...]
    reads: tuple[tuple[int, ...], ...]

    @property
    def zones(self) -> Zones:
        return self.parts[0].zones

    def contrast(self, values: Sequence[Value]) -> Contrast:
        return self.contrasts(values)[0]

    def contrasts(self, values: Sequence[Value]) -> tuple[Contrast, ...]:
        """Return the contrast of each part."""
        return tuple(
            part.contrast([values[i] for i in reads])
            for part, reads in zip(self.parts, self.reads, strict=True)
        )


# -- weights --------------------------------------------------------------------------------------
def slope(levels: Sequence[float]) -> tuple[float, ...]:
    """Return the weights of a least-squares slope over these levels."""
    middle = math.fsum(levels) / len(levels)
    total = math.fsum((level - middle) ** 2 for level in levels)
    assert total > 0, levels
    return tuple((level - middle) / total for level in levels)


def main_effect(first: Sequence[float], second: Sequence[float], *, of: int) -> tuple[float, ...]:
    """Return the weights of one factor's effect, from its lowest to its highest level.

    It is the least-squares slope over the factor's levels times their range, averaged over the
    levels of the other factor.

    Args:
        first: The levels of the first factor.
        second: The levels of the second factor.
        of: Whose effect, 0 or 1.
    """
    sides = [_effect(first), _effect(second)]
    sides[1 - of] = (1 / len(sides[1 - of]),) * len(sides[1 - of])
    return tuple(a * b for a in sides[0] for b in sides[1])


def interaction(first: Sequence[float], second: Sequence[float]) -> tuple[float, ...]:
    """Return the weights of how much the second factor's effect grows with the first factor."""
    return tuple(a * b for a in _effect(first) for b in _effect(second))


def _effect(levels: Sequence[float]) -> tuple[float, ...]:
    reach = max(levels) - min(levels)
    return tuple(weight * reach for weight in slope(levels))


# -- intervals ------------------------------------------------------------------------------------
def combined(
    weights: Sequence[float], values: Sequence[Value], *, logarithmic: bool = False
) -> Contrast:
    """Return Σ weightᵢ · valueᵢ, or of the values' logarithms, as an interval.

    Ends that are infinite on both sides at once leave the contrast unknown on that side, as where
    both arms diverged.
    """
    assert len(weights) == len(values), (weights, values)
    low, high, mean = 0.0, 0.0, 0.0
    for weight, value in zip(weights, values, strict=True):
        if weight:
            ends = [
                weight * _logarithm(end) if logarithmic else weight * end
                for end in (value.low, value.high)
            ]
            low, high = low + min(ends, key=_low_first), high + max(ends, key=_high_last)
            mean += weight * (_logarithm(value.mean) if logarithmic else value.mean)
    return Contrast(
        values=tuple(values),
        low=-math.inf if math.isnan(low) else low,
        high=math.inf if math.isnan(high) else high,
        mean=mean,
    )


def shifted(contrast: Contrast, by: float) -> Contrast:
    """Return a contrast moved along its axis."""
    return Contrast(
        values=contrast.values,
        low=contrast.low + by,
        high=contrast.high + by,
        mean=contrast.mean + by,
    )


def _logarithm(x: float) -> float:
    """Return log x, NaN where there is none."""
    return math.log(x) if x > 0 else math.nan


def _low_first(end: float) -> float:
    return -math.inf if math.isnan(end) else end


def _high_last(end: float) -> float:
    return math.inf if math.isnan(end) else end
