"""Tests: form one contrast per pair from the values of a claim's cells, and define its zones.

A test reads cells in the order in which the claim lists them, the baseline first. Contrasts have
their natural direction; zones know the claimed one (`ablations.rule.zones`). Arithmetic is interval
arithmetic, so that a censored or diverged run bounds the contrast as far as possible. A run that
diverged counts against a claim about a single cell.
"""

import math
import statistics
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ablations.metrics.value import Value
from ablations.rule import zones
from ablations.rule.zones import Zones
from ablations.specs.contrasts import (
    Contrast,
    Range,
    combined,
    finite,
    logarithm,
    opposed,
    shifted,
    slope,
)

__all__ = [
    "Both",
    "Contrast",
    "Difference",
    "Factorial",
    "Linear",
    "NotWorse",
    "OneRatio",
    "OneSample",
    "Ratio",
    "Reliable",
    "Spread",
    "Test",
    "TimeToTarget",
    "Timing",
    "Trend",
]


@dataclass(frozen=True, kw_only=True)
class Test(ABC):
    """Base class of tests: how contrasts are formed, and the zones with which they are compared."""

    __test__ = False  # pytest collects classes of this name
    name: ClassVar[str]

    def __post_init__(self) -> None:
        """Refuse impossible zones at construction.

        Raises:
            UserError: As `ablations.rule.zones`.
        """
        assert self.zones.because, f"{type(self).__name__} doesn't say why its zones are that wide"

    @property
    @abstractmethod
    def zones(self) -> Zones:
        """The zones, which are fixed beforehand."""

    @property
    @abstractmethod
    def cells(self) -> int:
        """The number of cells that are read."""

    @property
    def form(self) -> str:
        """The form of the test as the ledger names it, such as "ratio"."""
        return self.name

    @property
    def places(self) -> int:
        """The number of decided statements, each of which counts in the family of tests."""
        return 1

    @abstractmethod
    def contrast(self, values: Sequence[Value]) -> Contrast:
        """Return the contrast of one pair, from the values of its cells."""


@dataclass(frozen=True, kw_only=True)
class Linear(Test):
    """Tests whose contrast is Σ weightᵢ · valueᵢ, of logarithms where a ratio is claimed.

    Args:
        null: The smallest effect worth having: a share for ratios (0.05 is 5 %), otherwise in the
            unit of the metric.
        because: Reason for that size.
        fewer: Whether the claim is that the contrast is negative.
        about: The band around a documented figure, or the printed range: two ratios, or two
            differences in their natural direction.
        at_least: The documented figure of an "at least", instead of `about`.
        band_because: Source of the band.
    """

    logarithmic: ClassVar[bool] = False
    null: float
    because: str
    fewer: bool = False
    about: Range | None = None
    at_least: float | None = None
    band_because: str = ""

    def __post_init__(self) -> None:
        """Refuse a band without a reason, or a reason without a band."""
        super().__post_init__()
        banded = self.about is not None or self.at_least is not None
        assert banded == bool(self.band_because), self

    @property
    def zones(self) -> Zones:
        make = zones.ratio if self.logarithmic else zones.difference
        return make(
            null=self.null,
            because=self.because,
            fewer=self.fewer,
            about=self.about,
            at_least=self.at_least,
        )

    @property
    def cells(self) -> int:
        return len(self.weights)

    @property
    @abstractmethod
    def weights(self) -> tuple[float, ...]:
        """The weights of the cells, in order."""

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
    """x = log(time of the treatment / time of the baseline), in turns within a fresh process.

    The metric of the cells is the ratio of each arm's time to that of the baseline
    (`metrics.timing.TimeRatio`). It is 1 for the baseline, so that x is the treatment's median over
    rounds of the log-ratio within a round.
    """

    name: ClassVar[str] = "timing"


@dataclass(frozen=True, kw_only=True)
class OneSample(Linear):
    """x = value − constant.

    A run that diverged counts against the claim, since there is no other arm.

    Args:
        constant: The value to compare with.
    """

    name: ClassVar[str] = "one-sample"
    constant: float = 0.0

    @property
    def weights(self) -> tuple[float, ...]:
        return (1.0,)

    def contrast(self, values: Sequence[Value]) -> Contrast:
        origin = math.log(self.constant) if self.logarithmic else self.constant
        return opposed(shifted(super().contrast(values), -origin), self.zones.sign)


@dataclass(frozen=True, kw_only=True)
class OneRatio(OneSample):
    """x = log(value / constant): against a constant, or a printed range of the value itself.

    A printed range of 10 to 50 ms is `about=(10, 50)` with the constant 1. A run that diverged
    counts against what is claimed.
    """

    logarithmic: ClassVar[bool] = True
    constant: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Trend(Linear):
    """x = the least-squares slope of the values over ordered levels.

    Weights are wᵢ = (lᵢ − l̄) / Σ(l − l̄)².

    Args:
        levels: One level per cell, in order.
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
        factors: One weight per cell, from `main_effect`, `interaction`, or a sum of these.
        either_side: Whether an effect of either sign is claimed ("it depends").
    """

    name: ClassVar[str] = "factorial"
    factors: tuple[float, ...]
    either_side: bool = False

    def __post_init__(self) -> None:
        """Refuse weights that aren't a contrast: a mistake in a spec."""
        super().__post_init__()
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
        margin: The smallest loss that matters.
        because: Reason for that size.
        fewer: Whether smaller values are better; then the claim is that x < margin.
        weights: One weight per cell, if the baseline is a mean of several cells: (−½, −½, 1).
    """

    name: ClassVar[str] = "non-inferior"
    margin: float
    because: str
    fewer: bool = False
    weights: tuple[float, ...] = (-1.0, 1.0)

    def __post_init__(self) -> None:
        """Refuse weights that aren't a contrast: a mistake in a spec."""
        super().__post_init__()
        assert abs(math.fsum(self.weights)) < 1e-9 and any(self.weights), self.weights

    @property
    def zones(self) -> Zones:
        return zones.not_worse(margin=self.margin, because=self.because, fewer=self.fewer)

    @property
    def cells(self) -> int:
        return len(self.weights)

    def contrast(self, values: Sequence[Value]) -> Contrast:
        return combined(self.weights, values)


@dataclass(frozen=True, kw_only=True)
class Reliable(Test):
    """x = value; the claim is that x > above in nearly every run.

    Args:
        above: The value that a reliable run exceeds.
        because: Reason for that value.
        fewer: Whether smaller values are better; then the claim is that x < above.
    """

    name: ClassVar[str] = "one-sample"
    above: float
    because: str
    fewer: bool = False

    @property
    def zones(self) -> Zones:
        return zones.reliable(above=self.above, because=self.because, fewer=self.fewer)

    @property
    def cells(self) -> int:
        return 1

    def contrast(self, values: Sequence[Value]) -> Contrast:
        return opposed(combined((1.0,), values), self.zones.sign)


REPLICAS = 3  # of a seed, in `Spread`


@dataclass(frozen=True, kw_only=True)
class Spread(OneRatio):
    """x = log(s / constant), s = the standard deviation of a seed's three replicas ÷ √(ln 2).

    The squared deviations of three normal replicas are σ² times a chi-square of two degrees of
    freedom, whose median is 2 ln 2; so the median of s over seeds is σ. If a replica diverged, or
    is known only up to an interval, the spread is unknown.
    """

    @property
    def weights(self) -> tuple[float, ...]:
        return (1.0,) * REPLICAS

    def contrast(self, values: Sequence[Value]) -> Contrast:
        assert len(values) == REPLICAS, values
        log = math.nan
        if all(value.known for value in values):
            deviation = statistics.stdev(value.low for value in values)
            log = logarithm(deviation / math.sqrt(math.log(2)) / self.constant)
        low, high = (log, log) if math.isfinite(log) else (-math.inf, math.inf)
        return Contrast(values=tuple(values), low=low, high=high, mean=finite(log))


@dataclass(frozen=True, kw_only=True)
class Both(Test):
    """A conjunction: it holds if every part holds, and fails if one fails.

    Each part counts in the family of tests.

    Args:
        parts: The tests.
        reads: For each part, the indices of its cells among those of the claim.
    """

    name: ClassVar[str] = "both"
    parts: tuple[Test, ...]
    reads: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        """Refuse parts that read another number of cells than they are given."""
        super().__post_init__()
        assert [part.cells for part in self.parts] == [len(reads) for reads in self.reads], self

    @property
    def zones(self) -> Zones:
        return self.parts[0].zones

    @property
    def form(self) -> str:
        return self.parts[0].form

    @property
    def cells(self) -> int:
        return 1 + max(max(reads) for reads in self.reads)

    @property
    def places(self) -> int:
        return sum(part.places for part in self.parts)

    def contrast(self, values: Sequence[Value]) -> Contrast:
        return self.contrasts(values)[0]

    def contrasts(self, values: Sequence[Value]) -> tuple[Contrast, ...]:
        """Return the contrast of each part."""
        return tuple(
            part.contrast([values[i] for i in reads])
            for part, reads in zip(self.parts, self.reads, strict=True)
        )
