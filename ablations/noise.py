"""Made-up measurements with a known truth: what the calibration draws.

Noise stands in one arm alone, where nothing makes a pair's contrast symmetric, or in all arms
alike, where the difference of two draws is symmetric whatever their shape. Each form turns arms
into contrasts by its own estimator; contrasts are then given mean 0 and variance 1.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ablations.forms import (
    Factorial,
    NonInferior,
    OneSample,
    Quality,
    Ratio,
    Statistical,
    TimeToTarget,
    Timing,
    Trend,
    main_effect,
)
from ablations.records import Zones
from ablations.statistics import Array

Shape = Callable[[np.random.Generator, tuple[int, ...]], Array]

ONE, ALL = "one arm", "all arms"
scale = 0.2  # of the noise in a logarithm
cadence, start, cap = 25.0, 300.0, 600.0  # of the times to a target


def normal(rng: np.random.Generator, size: tuple[int, ...]) -> Array:
    """Standard normal."""
    return rng.standard_normal(size)


def student(rng: np.random.Generator, size: tuple[int, ...]) -> Array:
    """Student's t with 3 degrees of freedom, over √3: heavy tails on both sides."""
    return rng.standard_t(3, size) / math.sqrt(3)


def lognormal(rng: np.random.Generator, size: tuple[int, ...]) -> Array:
    """The exponential of a standard normal: a heavy tail on one side, skewness 6.2."""
    return np.exp(rng.standard_normal(size)) / math.sqrt((math.e - 1) * math.e)


def outliers(rng: np.random.Generator, size: tuple[int, ...]) -> Array:
    """Normal, but for one value in twenty that lies six standard deviations out, on one side."""
    share, distance = 0.05, 6.0
    far = distance * (rng.random(size) < share)
    variance = 1 + share * (1 - share) * distance**2
    return (rng.standard_normal(size) + far) / math.sqrt(variance)


def ties(rng: np.random.Generator, size: tuple[int, ...]) -> Array:
    """Normal, rounded to a grid of two standard deviations: five values in eight are equal."""
    found: Array = np.rint((rng.standard_normal(size) - 0.5) / 2)
    return found


shapes: Mapping[str, Shape] = {
    "normal": normal,
    "t3": student,
    "lognormal": lognormal,
    "outliers": outliers,
    "ties": ties,
}


@dataclass(frozen=True, kw_only=True)
class World:
    """A form with arms whose noise it can be given.

    Args:
        form: Its estimator is the form's own.
        arms: How many it takes.
        measured: From noise, (arms, ...), to what is measured in each arm.
    """

    form: Statistical
    arms: int
    measured: Callable[[Array], Array] = np.asarray

    def draw(
        self, shape: Shape, varies: str, rng: np.random.Generator, size: tuple[int, int]
    ) -> Array:
        """Return contrasts, (samples, n), with mean 0 and variance 1 over all of them.

        Args:
            shape: The noise.
            varies: `ONE` for noise in the last arm alone, `ALL` for the same in every arm.
            rng: Where randomness comes from.
            size: (samples, n).
        """
        assert varies in (ONE, ALL) and (varies == ONE or self.arms > 1), varies
        noise = np.zeros((self.arms, *size))
        for arm in range(self.arms) if varies == ALL else [self.arms - 1]:
            noise[arm] = shape(rng, size)
        x = self.form.theta(self.measured(noise))
        assert np.isfinite(x).all(), self.form
        standard: Array = (x - x.mean()) / x.std()
        return standard


def _times(noise: Array) -> Array:
    """Updates until a target, looked at now and then: ties, and a cap that cuts the slowest."""
    times: Array = start * np.exp(scale * noise)
    times[1:] /= math.e
    looked: Array = np.ceil(times / cadence) * cadence
    return looked


def _zones(log: bool = False, margin: bool = False) -> Zones:
    return Zones(
        null=1.0, null_reason="the calibration's own zones are in `places`", log=log, margin=margin
    )


def _ratio(noise: Array) -> Array:
    found: Array = np.exp(scale * noise)
    return found


worlds: Mapping[str, World] = {
    world.form.name: world
    for world in (
        World(form=Ratio(metric="", zones=_zones(log=True)), arms=2, measured=_ratio),
        World(form=Timing(metric="", zones=_zones(log=True)), arms=2, measured=_ratio),
        World(
            form=TimeToTarget(metric="", threshold=0.0, cap=cap, zones=_zones(log=True)),
            arms=2,
            measured=_times,
        ),
        World(form=Quality(metric="", zones=_zones()), arms=2),
        World(form=NonInferior(metric="", zones=_zones(margin=True)), arms=2),
        World(form=Trend(metric="", levels=(0.0, 1.0, 2.0), zones=_zones()), arms=3),
        World(
            form=Factorial(
                metric="", weights=main_effect((0, 1), (0, 1, 2, 3), of=1), zones=_zones()
            ),
            arms=8,
        ),
        World(form=OneSample(metric="", zones=_zones()), arms=1),
    )
}
