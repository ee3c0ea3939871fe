"""`factorial`: main effects and interaction of two factors, a contrast per seed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ablations.forms.base import Contrast, Metrics, Statistical, single
from ablations.statistics import Array, trend


@dataclass(frozen=True, kw_only=True)
class Factorial(Statistical):
    """θ = mean of a contrast over the cells of a two-factor design, one a seed.

    The arms are the cells, the first factor's levels outside: (a₀, b₀), (a₀, b₁), …, (a₁, b₀), ….

    >>> from ablations.records import Zones
    >>> zones = Zones(null=0.05, null_reason="5 points")
    >>> cells = [{"score": s} for s in (0.5, 0.75, 0.5, 0.5)]  # segments 1 and 2: H/L, then flat
    >>> weights = interaction((0, 1), (0, 1))
    >>> form = Factorial(metric="score", weights=weights, zones=zones)
    >>> [c.theta for c in form.contrasts(cells)]
    [-0.25]
    >>> architecture, segments = (main_effect((0, 1), (0, 1), of=i) for i in (0, 1))
    >>> more = tuple(s - a for s, a in zip(segments, architecture))  # segments matter more
    >>> [c.theta for c in Factorial(metric="score", weights=more, zones=zones).contrasts(cells)]
    [0.25]
    >>> form.spread(0.01), form.pairs_needed(sd=form.spread(0.01), level=1 - 0.05 / 79)
    (0.02, 21)

    The planning rule: sd √(Σw²): an interaction of two factors with two levels each spreads twice
    as much as a score, a main effect as much as a score.

    Args:
        metric: The score. weights: One an arm, summing to nothing; from `main_effect`,
            `interaction`, or a combination of them that was fixed beforehand.
    """

    name: ClassVar[str] = "factorial"
    metric: str
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse weights that aren't a contrast: a mistake in a spec."""
        assert abs(math.fsum(self.weights)) < 1e-9 and any(self.weights), self.weights

    def theta(self, values: Array) -> Array:
        return combination(self._weights(), values)

    def contrasts(self, arms: Sequence[Metrics | None]) -> list[Contrast]:
        values = tuple(single(arm, self.metric) for arm in arms)
        return [Contrast(values=values, theta=float(combination(self._weights(), values)))]

    def _weights(self) -> Array:
        return np.array(self.weights)


def main_effect(first: Sequence[float], second: Sequence[float], *, of: int) -> tuple[float, ...]:
    """Return the weights of a factor's effect from its lowest to its highest level.

    It is the least-squares slope over the factor's levels times their range, averaged over the
    other factor's levels.

    Args:
        first, second: The levels of both factors. of: Whose effect, 0 or 1.
    """
    sides = [_effect(first), _effect(second)]
    other = 1 - of
    sides[other] = np.full(len(sides[other]), 1 / len(sides[other]))
    return tuple(float(w) for w in np.outer(*sides).ravel())


def interaction(first: Sequence[float], second: Sequence[float]) -> tuple[float, ...]:
    """Return the weights of how much the second factor's effect grows with the first factor."""
    return tuple(float(w) for w in np.outer(_effect(first), _effect(second)).ravel())


def combination(weights: Array, values: Array | Sequence[float]) -> Array:
    """Return Σ weightᵢ · valueᵢ over the arms, (arms, ...) to (...); NaN for values not finite.

    Summed arm by arm, so that one seed and many give the same digits.
    """
    x = np.asarray(values, dtype=np.float64)
    assert len(x) == len(weights), (len(x), len(weights))
    usable = np.isfinite(x).all(axis=0)
    total = np.zeros(x.shape[1:])
    for weight, arm in zip(weights, np.where(usable, x, 0.0), strict=True):
        total = total + weight * arm
    return np.where(usable & np.isfinite(total), total, math.nan)


def _effect(levels: Sequence[float]) -> Array:
    return trend(levels) * (max(levels) - min(levels))
