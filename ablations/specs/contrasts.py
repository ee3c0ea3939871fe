"""Contrasts of pairs, and the weights and interval arithmetic that form them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ablations.metrics.value import Value

Range = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """The contrast of one pair: an interval that contains it, or a single number if it is known.

    Args:
        values: Values of the cells, in order.
        low: Lower end of the interval; infinite if unbounded.
        high: Upper end of the interval; infinite if unbounded.
        mean: The number for a mean over pairs; NaN if there is none.
    """

    values: tuple[Value, ...]
    low: float
    high: float
    mean: float

    @property
    def failed(self) -> tuple[bool, ...]:
        """For each cell, whether its run diverged, timed out, or never reached the target."""
        return tuple(value.failed for value in self.values)


# -- weights --------------------------------------------------------------------------------------
def slope(levels: Sequence[float]) -> tuple[float, ...]:
    """Return the weights of a least-squares slope, wᵢ = (lᵢ − l̄) / Σ(l − l̄)², for levels l."""
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
        of: The factor whose effect it is, 0 or 1.
    """
    sides = [_effect(first), _effect(second)]
    sides[1 - of] = (1 / len(sides[1 - of]),) * len(sides[1 - of])
    return tuple(a * b for a in sides[0] for b in sides[1])


def interaction(first: Sequence[float], second: Sequence[float]) -> tuple[float, ...]:
    """Return the weights of the interaction of two factors.

    The contrast is the change of the second factor's effect over the range of the first factor.
    Its weights are the products of those of both effects, the first factor's levels outside.

    Args:
        first: The levels of the first factor.
        second: The levels of the second factor.
    """
    return tuple(a * b for a in _effect(first) for b in _effect(second))


def _effect(levels: Sequence[float]) -> tuple[float, ...]:
    reach = max(levels) - min(levels)
    return tuple(weight * reach for weight in slope(levels))


# -- intervals ------------------------------------------------------------------------------------
def combined(
    weights: Sequence[float], values: Sequence[Value], *, logarithmic: bool = False
) -> Contrast:
    """Return Σ weightᵢ · valueᵢ, or of the values' logarithms, as an interval.

    The logarithm of a negative number is unknown. Ends that are infinite on both sides at once
    leave the contrast unknown on that side, as where both arms diverged.

    Args:
        weights: One weight per value; a value with weight 0 isn't read.
        values: Values of the cells.
        logarithmic: Whether logarithms are combined.
    """
    assert len(weights) == len(values), (weights, values)
    read = _logarithms if logarithmic else _as_is
    low, high, mean = 0.0, 0.0, 0.0
    for weight, value in zip(weights, values, strict=True):
        if weight:
            ends = sorted(weight * end for end in read(value))
            low, high = low + ends[0], high + ends[1]
            mean += weight * (logarithm(value.mean) if logarithmic else value.mean)
    return Contrast(
        values=tuple(values),
        low=-math.inf if math.isnan(low) else low,
        high=math.inf if math.isnan(high) else high,
        mean=finite(mean),
    )


def shifted(contrast: Contrast, by: float) -> Contrast:
    """Return a contrast moved along its axis."""
    return replace(
        contrast, low=contrast.low + by, high=contrast.high + by, mean=contrast.mean + by
    )


def opposed(contrast: Contrast, sign: int) -> Contrast:
    """Return the contrast of a single cell; if its run diverged, as the worst one for the claim.

    Whether larger values of a metric are better doesn't determine the claimed direction: for a
    number of steps, fewer are better, but a claim may be that there are many.

    Args:
        contrast: The contrast; it is returned unchanged if no run diverged.
        sign: 1 if the claim is that the contrast is large, else -1.
    """
    end = math.copysign(math.inf, -sign)
    if not any(contrast.failed) or not contrast.low == contrast.high == -end:
        return contrast
    return replace(contrast, low=end, high=end, mean=math.nan)


def _as_is(value: Value) -> Range:
    return value.low, value.high


def _logarithms(value: Value) -> Range:
    """Return bounds of the logarithm of a value; infinite where an end is negative."""
    low, high = logarithm(value.low), logarithm(value.high)
    if math.isnan(high):
        return -math.inf, math.inf
    return -math.inf if math.isnan(low) else low, high


def logarithm(x: float) -> float:
    """Return log x: -∞ for 0, and for the -∞ of a run that diverged; NaN for negative numbers."""
    if x > 0:
        return math.log(x)
    return -math.inf if x in (0, -math.inf) else math.nan


def finite(x: float) -> float:
    """Return x, or NaN if x is infinite, for a mean over pairs."""
    return x if math.isfinite(x) else math.nan
