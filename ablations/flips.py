"""The exact sign-flip test: which needs symmetry, but no normality.

Under "the values are symmetric about c", every assignment of signs to their distances from c is as
likely as the observed one, so that the p-value is a share of 2ⁿ sums. `sign_flip` gives it;
`rejects` only says whether it is at most α, for many samples, and counts where bounds don't tell.
"""

import math

import numpy as np
import numpy.typing as npt

from ablations.statistics import Array, Bools, Values, finite, rounding

exact_up_to = 44  # pairs up to which every sign flip is counted
drawn_flips = 2**18  # random sign flips beyond that
_quick = 2**24  # different sums up to which counting takes less time than brackets do
_grids = 2**11, 2**14, 2**17  # of the brackets, the next where one doesn't tell

Terms = list[tuple[float, int]]  # sizes, and how many terms have each
Ways = npt.NDArray[np.int64]


def sign_flip(values: Values, shift: float = 0.0) -> float:
    """Return the two-sided sign-flip p-value of "the values are symmetric about `shift`".

    p = #{s in {-1, 1}ⁿ : |Σ sᵢ dᵢ| ≥ |Σ dᵢ|} / 2ⁿ with d = values - shift; never below 2^(1 - n),
    and 1 for no values. The distribution over flips is symmetric, so that half of p is the
    one-sided p-value in the direction of the mean.

    Up to 44 pairs all flips are counted, without listing them (meet in the middle): the sums of
    each half of the terms are sorted, and for every sum of one half a binary search counts the sums
    of the other that reach the total, in O(n 2^(n/2)): 0.1 s at n = 40, 0.5 s at 44. Terms of equal
    size are flipped together, k of them in k + 1 ways, so that ties make it quicker. Beyond
    that, 2^18 flips are drawn by a generator of fixed seed and p = (1 + hits) / (1 + draws), which
    is valid for any number of draws.

    Sums that differ by rounding alone, 1e-10 of Σ(|values| + |shift|), count as equal: a tie makes
    p larger, never smaller. Zeros count on both sides, and so never help to reject.

    Raises:
        ValueError: If a value isn't finite.
    """
    d, reach = _terms(finite(values), shift)
    if reach <= 0:
        return 1.0
    if len(d) > exact_up_to:
        return _drawn(d, reach)
    (left, left_ways), (right, right_ways) = map(_signed_sums, _halves(d))
    below = np.concatenate([[0], np.cumsum(right_ways)])[np.searchsorted(right, reach - left)]
    hits = (1 << len(d)) - int((left_ways * below).sum())
    return 2 * hits / (1 << len(d))


def rejects(samples: Array, about: float, alpha: float) -> Bools:
    """Return for each sample whether `sign_flip(sample, about) ≤ alpha`.

    Flips are counted only where nothing quicker tells. Where all distances have one sign, p is
    2^(1 - n). In general p ≤ 2c Φ(-|Σd| / √Σd²) with c = 1/(4 Φ(-√2)), about 3.18 (Bentkus and
    Dzindzalieta, Bernoulli 21, 2015). Where there are many sums, the distribution of sums with
    every term rounded to a grid brackets p.

    Args:
        samples: (samples, n), finite.
        about: The centre under the hypothesis.
        alpha: The level of the test.
    """
    n = samples.shape[1]
    if n == 0 or 2.0 ** (1 - n) > alpha:
        return np.zeros(len(samples), dtype=bool)
    from scipy import special

    d = samples - about
    tie = 2 * rounding * (np.abs(samples) + abs(about)).sum(axis=1)
    reach = np.abs(d.sum(axis=1)) - tie
    far = -special.ndtri(2 * special.ndtr(-math.sqrt(2)) * alpha)
    one_sign = (d.min(axis=1) > tie) | (d.max(axis=1) < -tie)
    found: Bools = (reach > 0) & ((reach >= far * np.sqrt((d * d).sum(axis=1))) | one_sign)
    for row in np.flatnonzero((reach > 0) & ~found):
        found[row] = _rejects(samples[row], about, alpha)
    return found


def _rejects(sample: Array, about: float, alpha: float) -> bool:
    if len(sample) <= exact_up_to:
        d, reach = _terms(sample, about)
        _, times = np.unique(np.abs(d), return_counts=True)
        for cells in _grids if reach > 0 and np.prod(times + 1.0) > _quick else ():
            least, most = _bracket(d, reach, cells)
            if most <= alpha or least > alpha:
                return most <= alpha
    return sign_flip(sample, about) <= alpha


def _terms(x: Array, shift: float) -> tuple[Array, float]:
    """Return the distances from the shift, smallest first, and what a sum must reach."""
    assert x.ndim == 1, x.shape
    d = x - shift
    d = d[np.argsort(np.abs(d), kind="stable")]
    tie = rounding * math.fsum(np.abs(x) + abs(shift))
    return d, abs(math.fsum(d)) - tie


def _halves(d: Array) -> tuple[Terms, Terms]:
    """Return the terms in two halves that have about as many sums."""
    sizes, times = np.unique(np.abs(d), return_counts=True)
    halves: tuple[Terms, Terms] = ([], [])
    sums = [1, 1]
    for size, k in sorted(zip(sizes.tolist(), times.tolist(), strict=True), key=lambda x: -x[1]):
        smaller = sums.index(min(sums))
        halves[smaller].append((size, k))
        sums[smaller] *= k + 1
    return halves


def _signed_sums(terms: Terms) -> tuple[Array, Ways]:
    """Return the sums Σ ± dᵢ, sorted, and in how many ways each comes about."""
    sums, repeated = np.zeros(1), [(size, k) for size, k in terms if k > 1]
    for size in (size for size, k in terms if k == 1):
        sums = np.concatenate([sums - size, sums + size])
    ways = np.ones(len(sums), dtype=np.int64)
    if not repeated:
        return np.sort(sums), ways
    for size, k in repeated:
        sums = (sums[:, None] + size * np.arange(-k, k + 1, 2)).ravel()
        ways = (ways[:, None] * np.array([math.comb(k, i) for i in range(k + 1)])).ravel()
    order = np.argsort(sums)
    return sums[order], ways[order]


def _bracket(d: Array, reach: float, cells: int) -> tuple[float, float]:
    """Return bounds below and above the p-value.

    With each |dᵢ| rounded to a multiple kᵢ of a unit, a sum is off by n/2 units at most, and the
    distribution of Σ ± kᵢ takes n convolutions. The unit is Σ|dᵢ| over the number of cells.
    """
    unit = float(np.abs(d).sum()) / cells
    steps = np.rint(np.abs(d) / unit).astype(int)
    share = np.ones(1)
    for k in steps:
        wider = np.zeros(len(share) + 2 * k)
        wider[: len(share)] += share / 2
        wider[2 * k :] += share / 2
        share = wider
    middle, slack = int(steps.sum()), len(d) / 2
    ends = (math.ceil(reach / unit + slack), math.ceil(reach / unit - slack))
    least, most = (2 * float(share[max(0, middle + end) :].sum()) for end in ends)
    return least * (1 - 1e-9), most * (1 + 1e-9)


def _drawn(d: Array, reach: float) -> float:
    generator = np.random.default_rng(0)  # equal values, equal p-value
    chunk, hits = 2**14, 0
    for _ in range(drawn_flips // chunk):
        signs = generator.choice(np.array([-1.0, 1.0]), size=(chunk, len(d)))
        hits += int((np.abs(signs @ d) >= reach).sum())
    return (1 + hits) / (1 + drawn_flips)
