"""The statistics behind every verdict: arrays in, numbers out.

A claim's values are one contrast per pair (a log-ratio or a difference), and θ is their mean.
Student's t gives the interval; `ablations.flips` has the test that must agree with it. Both need
symmetry of some kind. A bound on the sample's skewness withholds verdicts where it is plainly
missing, and `widening` says how much wider an interval must hold where nothing but the sample
speaks for symmetry.

Everything takes one sample, (n,), or many at once, (..., n): the engine and its calibration run the
same code. Sums over one sample are correctly rounded (`math.fsum`), so that neither the order of
the pairs nor the machine changes a digit.

Nothing here knows claims, zones or words: see `ablations.verdict`.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Values = Sequence[float] | Array

rounding = 1e-10  # values closer than this, relative to their size, differ by rounding alone


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A two-sided confidence interval for a mean.

    Args:
        estimate: The mean (NaN without values).
        low, high: The interval's ends, -inf and inf for fewer than two values.
        n: How many values.
        sd: Their standard deviation (n - 1 in the denominator), inf for fewer than two.
        level: The confidence level, 0.95 for 95 %.
    """

    estimate: float
    low: float
    high: float
    n: int
    sd: float
    level: float


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Moments of each sample in (..., n): arrays of the leading shape.

    Args:
        mean, sd: With n - 1 in the denominator of sd; 0 for equal values.
        skewness: g₁ = m₃ / m₂^(3/2).
        kurtosis: g₂ = m₄ / m₂² - 3, the excess over the normal distribution's.
    """

    mean: Array
    sd: Array
    skewness: Array
    kurtosis: Array


def moments(values: Values) -> Moments:
    """Return the moments over the last axis.

    Values that differ by rounding alone have neither skewness nor kurtosis; equal ones have exactly
    their value as mean, and no spread.

    Args:
        values: (..., n) with n ≥ 2.

    Raises:
        ValueError: If a value isn't finite.
    """
    x = finite(values)
    n = x.shape[-1]
    assert n >= 2, x.shape
    low, high = x.min(axis=-1), x.max(axis=-1)
    mean = np.where(low == high, low, _total(x) / n)
    c = x - mean[..., None]
    sd = np.sqrt(_total(c * c) / (n - 1))
    shapeless = high - low <= rounding * np.maximum(np.abs(low), np.abs(high))
    c /= np.where(shapeless, 1.0, np.maximum(high - mean, mean - low))[..., None]
    squares = c * c
    m2 = np.where(shapeless, 1.0, _total(squares) / n)
    return Moments(
        mean=mean,
        sd=sd,
        skewness=np.where(shapeless, 0.0, _total(squares * c) / n / m2**1.5),
        kurtosis=np.where(shapeless, 0.0, _total(squares * squares) / n / m2**2 - 3),
    )


def interval(values: Values, level: float) -> Interval:
    """Return Student's two-sided interval, mean ± t(n - 1, (1 + level)/2) · sd/√n.

    Equal values give the interval that is their value; fewer than two give the whole line.

    Args:
        values: (n,), one contrast per pair.
        level: Confidence level, in (0, 1).

    Raises:
        ValueError: If a value isn't finite: such pairs are results, to be counted by the caller.
    """
    x = finite(values)
    n = len(x)
    if n < 2:
        mean = float(x[0]) if n else math.nan
        return Interval(estimate=mean, low=-math.inf, high=math.inf, n=n, sd=math.inf, level=level)
    found = moments(x)
    mean, sd = float(found.mean), float(found.sd)
    half = critical(n, level) * sd / math.sqrt(n)
    return Interval(estimate=mean, low=mean - half, high=mean + half, n=n, sd=sd, level=level)


def skewness_bound(n: int) -> float:
    """Return the |g₁| beyond which n values look skewed: two standard errors under normality.

    2 √(6(n - 2) / ((n + 1)(n + 3))), the 95 % quantile of |g₁| of normal values at every n from 12
    to 40, to two digits; infinite for fewer than three values.
    """
    return 2 * math.sqrt(6 * (n - 2) / ((n + 1) * (n + 3))) if n > 2 else math.inf


def skewed(values: Values) -> Bools:
    """Return whether each sample looks too skewed to trust the t interval and the sign flips.

    It does beyond `skewness_bound`. This protects at 40 pairs and hardly at 12, as the calibration
    shows: a false verdict comes from just those samples that haven't met the long tail, and they
    look symmetric. At a level of 1 - α, n pairs can miss up to 1 - α^(1/n) of a distribution with a
    probability that counts: 46 % at n = 12, 31 % at 20 and 17 % at 40, for α = 0.05/79. No check of
    the sample can mend that. Contrasts that are symmetric by construction can; for all others there
    is `widening`.

    Raises:
        ValueError: If a value isn't finite.
    """
    x = finite(values)
    n = x.shape[-1]
    if n < 3:
        return np.zeros(x.shape[:-1], dtype=bool)
    return np.asarray(np.abs(moments(x).skewness) > skewness_bound(n))


def widening(n: int, symmetric: bool) -> float:
    """Return how many times as wide as Student's the interval is that a verdict reads.

    1 where the contrasts are symmetric by construction, else max(1.4, 3.4 - n/20): 2.8 at 12 pairs,
    2.4 at 20, 1.8 at 32, 1.4 from 40 on. That is what it takes until a false verdict comes no more
    often than the level says, though a lognormal tail (σ = 1) or one pair in twenty that lies six
    standard deviations out may be there unseen. By simulation at α = 0.05/79, the skewness checked,
    the lognormal needs 2.60, 2.17, 1.61 and 1.26 at 12, 20, 32 and 40 pairs, the outliers 1.20 to
    1.30 at 12 to 60. `ablations calibrate` measures what follows.
    """
    return 1.0 if symmetric else max(1.4, 3.4 - n / 20)


@functools.cache
def critical(n: int, level: float) -> float:
    """Return Student's two-sided critical value for n values."""
    assert 0 < level < 1 and n >= 2, (level, n)
    from scipy import special  # half a second of import that listing commands shouldn't wait for

    return -float(special.stdtrit(n - 1, (1 - level) / 2))


def trend(levels: Sequence[float]) -> Array:
    """Return the weights of the linear contrast: weights @ scores is the slope per unit of level.

    w = (x - x̄) / Σ(x - x̄)², the least-squares slope of one seed's scores over the levels.

    Args:
        levels: (k,), at least two different ones.

    Raises:
        ValueError: If all levels are equal or one isn't finite: there is no slope.
    """
    x = finite(levels)
    if len(x) < 2 or x.min() == x.max():
        raise ValueError(f"a trend needs two different levels, got {list(levels)}")
    c: Array = x - x.mean()
    return c / float(c @ c)


def mcnemar(b: int, c: int) -> float:
    """Return the exact two-sided p-value of McNemar's test.

    Args:
        b, c: Pairs in which only the first, and only the second, arm has the property. Under the
            hypothesis b is binomial(b + c, ½), and p = min(1, 2 P(X ≤ min(b, c))).
    """
    assert b >= 0 and c >= 0, (b, c)
    n = b + c
    return min(1.0, 2 * sum(math.comb(n, k) for k in range(min(b, c) + 1)) / (1 << n))


def clopper_pearson(hits: int, trials: int, confidence: float = 0.975) -> tuple[float, float]:
    """Return exact one-sided bounds for a rate, each at this confidence.

    The lower one is the β(hits, trials - hits + 1) quantile at 1 - confidence, the upper one the
    β(hits + 1, trials - hits) quantile at the confidence.
    """
    assert 0 <= hits <= trials and trials > 0, (hits, trials)
    from scipy import special

    low = special.betaincinv(hits, trials - hits + 1, 1 - confidence) if hits else 0.0
    high = special.betaincinv(hits + 1, trials - hits, confidence) if hits < trials else 1.0
    return float(low), float(high)


def finite(values: Values) -> Array:
    """Return the values as an array.

    Raises:
        ValueError: If one isn't finite, with how many aren't.
    """
    x = np.asarray(values, dtype=np.float64)
    if not np.isfinite(x).all():
        raise ValueError(f"{(~np.isfinite(x)).sum()} of {x.size} values aren't finite")
    return x


def _total(x: Array) -> Array:
    """Return the sums over the last axis: correctly rounded for one sample, fast for many."""
    return np.asarray(math.fsum(x) if x.ndim == 1 else x.sum(axis=-1))
