"""The statistics behind every verdict: arrays in, numbers out.

A claim's values are one contrast per pair (a log-ratio or a difference), and θ is their mean.
Student's t gives the interval; the exact sign-flip test, which needs symmetry but no normality, has
to agree before zero counts as excluded; a bound on the sample's skewness withholds verdicts where
the symmetry that both rest on is in doubt. Sums are correctly rounded (`math.fsum`) and terms are
sorted: the order of the pairs never changes a digit.

Nothing here knows claims, zones or words: see `ablations.verdict`.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Values = Sequence[float] | Array

rounding = 1e-10  # values closer than this, relative to their size, differ by rounding alone
exact_up_to = 44  # pairs up to which every sign flip is counted
drawn_flips = 2**18  # random sign flips beyond that


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


def interval(values: Values, level: float) -> Interval:
    """Return Student's two-sided interval, mean ± t(n - 1, (1 + level)/2) · sd/√n.

    Equal values give the interval that is their value; fewer than two give the whole line.

    Args:
        values: (n,), one contrast per pair.
        level: Confidence level, in (0, 1).

    Raises:
        ValueError: If a value isn't finite: such pairs are results, to be counted by the caller.
    """
    x = _finite(values)
    assert 0 < level < 1, level
    n = len(x)
    if n < 2:
        mean = float(x[0]) if n else math.nan
        return Interval(estimate=mean, low=-math.inf, high=math.inf, n=n, sd=math.inf, level=level)
    if x.min() == x.max():
        mean = float(x[0])
        return Interval(estimate=mean, low=mean, high=mean, n=n, sd=0.0, level=level)
    mean = math.fsum(x) / n
    sd = math.sqrt(math.fsum((x - mean) ** 2) / (n - 1))
    half = _critical(n, level) * sd / math.sqrt(n)
    return Interval(estimate=mean, low=mean - half, high=mean + half, n=n, sd=sd, level=level)


def sign_flip(values: Values, shift: float = 0.0) -> float:
    """Return the two-sided sign-flip p-value of "the values are symmetric about `shift`".

    p = #{s in {-1, 1}ⁿ : |Σ sᵢ dᵢ| ≥ |Σ dᵢ|} / 2ⁿ with d = values - shift; never below 2^(1 - n),
    and 1 for no values. The distribution over flips is symmetric, so that half of p is the
    one-sided p-value in the direction of the mean.

    Up to 44 pairs all flips are counted, without listing them (meet in the middle): the sums of
    each half of the terms are sorted, and for every sum of one half a binary search counts the sums
    of the other that reach the total, in O(n 2^(n/2)): 0.1 s at n = 40, 0.5 s at 44. Beyond
    that, 2^18 flips are drawn by a generator of fixed seed and p = (1 + hits) / (1 + draws), which
    is valid for any number of draws.

    Sums that differ by rounding alone, 1e-10 of Σ(|values| + |shift|), count as equal: a tie makes
    p larger, never smaller.

    Raises:
        ValueError: If a value isn't finite.
    """
    x = _finite(values)
    d = x - shift
    d = d[np.argsort(np.abs(d), kind="stable")]
    tie = rounding * math.fsum(np.abs(x) + abs(shift))
    reach = abs(math.fsum(d)) - tie
    if reach <= 0:
        return 1.0
    if len(d) > exact_up_to:
        return _drawn_sign_flip(d, reach)
    left, right = _signed_sums(d[::2]), _signed_sums(d[1::2])
    hits = len(left) * len(right) - int(np.searchsorted(right, reach - left).sum())
    return 2 * hits / (1 << len(d))


def skewed(values: Values) -> bool:
    """Return whether the values look too skewed to trust the t interval and the sign flips.

    The rule: the sample's skewness g₁ = m₃ / m₂^(3/2) is more than two of its standard errors under
    normality, √(6(n - 2) / ((n + 1)(n + 3))), away from zero. Two standard errors are the 95 %
    quantile of |g₁| at every n from 12 to 40, to two digits. Values that differ by rounding alone,
    and fewer than three, aren't skewed.

    Measured by `measure_skewness_check` in tests/ablations/test_statistics.py, at the level
    1 - 0.05/65, with 200,000 replicates (100,000 at n = 40) and n as the seed. Share withheld:

        n     normal  uniform  t₃    lognormal σ=½  exponential  lognormal σ=1
        12    .048    .014     .25   .30            .44          .63
        20    .049    .008     .34   .50            .70          .87
        40    .048    .003     .47   .82            .96          .99

    Wrong exclusions of the true mean by t and sign flips together, as multiples of the nominal
    rate, before → after the check:

        n     normal       t₃           lognormal σ=½  exponential  lognormal σ=1
        12    0.36 → 0.35  0.10 → 0.10  2.4 → 2.4      5.6 → 5.3    15 → 15
        20    0.83 → 0.77  0.32 → 0.27  5.5 → 4.8      9.5 → 5.4    30 → 15
        40    0.86 → 0.79  0.51 → 0.38  4.8 → 2.3      7.8 → 0.7    26 → 1.2

    So it protects at 40 pairs and hardly at 12: a false exclusion happens in just those samples
    that haven't met the long tail, and they look symmetric. No check of the sample can mend that;
    contrasts that are symmetric by construction (pairs, logarithms) can.

    Raises:
        ValueError: If a value isn't finite.
    """
    x = _finite(values)
    n = len(x)
    if n < 3 or np.ptp(x) <= rounding * np.abs(x).max():
        return False
    c = x - math.fsum(x) / n
    c = c / np.abs(c).max()
    g1 = (math.fsum(c**3) / n) / (math.fsum(c**2) / n) ** 1.5
    return bool(abs(g1) > 2 * math.sqrt(6 * (n - 2) / ((n + 1) * (n + 3))))


def fewest_pairs(level: float) -> int:
    """Return the smallest n at which the sign-flip test can reject: 2^(1 - n) ≤ 1 - level."""
    return max(2, math.ceil(1 - math.log2(1 - level)))


def minimum_detectable(sd: float, n: int, level: float, power: float = 0.8) -> float:
    """Return the distance of the mean from an edge that n pairs tell apart with this power.

    From the noncentral t distribution: the least δ with P(t(n - 1, √n δ/sd) > critical value) =
    power. At the level 1 - 0.05/65 and power .8 that is 1.63 sd at n = 12, 1.30 at 16, 1.11 at 20,
    0.82 at 32. It leaves out what the sign-flip test costs beyond its floor; with it, normal values
    at these distances have power .52 (all twelve signs must agree), .75, .77 and .78 (simulated).

    Args:
        sd: Standard deviation of the contrasts, ≥ 0.
        n: Pairs.
        level: Confidence level of the interval.
        power: Probability to tell the distance apart, in (0.5, 1).

    Returns:
        The distance in the contrast's unit; inf where the sign-flip test can't reject at all.
    """
    assert sd >= 0 and 0.5 < power < 1, (sd, power)
    if n < fewest_pairs(level):
        return math.inf
    from scipy import special

    noncentrality = special.nctdtrinc(n - 1, 1 - power, _critical(n, level))
    return float(noncentrality) * sd / math.sqrt(n)


def pairs_needed(sd: float, distance: float, level: float, power: float = 0.8) -> int:
    """Return the fewest pairs that tell the mean apart from an edge at `distance`, with this power.

    The least n, at least `fewest_pairs(level)`, whose `minimum_detectable` distance is at most
    `distance`. Above 100,000 pairs the normal approximation is returned, right to 0.1 %.

    Args:
        sd: Standard deviation of the contrasts, ≥ 0 and finite.
        distance: > 0, in the same unit.
        level: Confidence level of the interval.
        power: Probability to tell the distance apart.
    """
    assert distance > 0 and 0 <= sd < math.inf, (sd, distance)
    from scipy import special

    # Student's t needs a little more than the normal distribution: count up from there.
    normal = float(special.ndtri((1 + level) / 2) + special.ndtri(power))
    n = max(fewest_pairs(level), math.ceil((normal * sd / distance) ** 2))
    while n <= 100_000 and minimum_detectable(sd, n, level, power) > distance:
        n += 1
    return n


def trend(levels: Sequence[float]) -> Array:
    """Return the weights of the linear contrast: weights @ scores is the slope per unit of level.

    w = (x - x̄) / Σ(x - x̄)², the least-squares slope of one seed's scores over the levels.

    Args:
        levels: (k,), at least two different ones.

    Raises:
        ValueError: If all levels are equal or one isn't finite: there is no slope.
    """
    x = _finite(levels)
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


def _finite(values: Values) -> Array:
    x = np.asarray(values, dtype=np.float64)
    assert x.ndim == 1, x.shape
    if not np.isfinite(x).all():
        raise ValueError(f"{(~np.isfinite(x)).sum()} of {len(x)} values aren't finite")
    return x


@functools.cache
def _critical(n: int, level: float) -> float:
    """Return Student's two-sided critical value for n values."""
    from scipy import special  # half a second of import that listing commands shouldn't wait for

    return -float(special.stdtrit(n - 1, (1 - level) / 2))


def _signed_sums(d: Array) -> Array:
    """Return the 2^len(d) sums Σ ± dᵢ, sorted."""
    sums = np.zeros(1)
    for x in d:
        sums = np.concatenate([sums - x, sums + x])
    return np.sort(sums)


def _drawn_sign_flip(d: Array, reach: float) -> float:
    generator = np.random.default_rng(0)  # equal values, equal p-value
    chunk, hits = 2**14, 0
    for _ in range(drawn_flips // chunk):
        signs = generator.choice(np.array([-1.0, 1.0]), size=(chunk, len(d)))
        hits += int((np.abs(signs @ d) >= reach).sum())
    return (1 + hits) / (1 + drawn_flips)
