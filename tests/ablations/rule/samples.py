"""Random samples and claims for the tests of the rule."""

import math

import numpy as np
from hypothesis import strategies as st

from ablations.rule import zones
from ablations.rule.pairs import Pairs

WHY = {"because": "for a test"}
# Claims: zones of the rule, and the same for the second implementation. Edges are whole numbers, as
# are most values, so that pairs often lie on an edge.
CLAIMS = [
    (zones.difference(null=2, **WHY), {"null": 2}),
    (zones.difference(null=2, about=(4, 6), **WHY), {"null": 2, "band": (4, 6)}),
    (zones.difference(null=2, about=(2, 3), **WHY), {"null": 2, "band": (2, 3)}),
    (zones.difference(null=2, at_least=4, **WHY), {"null": 2, "band": (4, math.inf)}),
    (zones.either_side(null=2, **WHY), {"null": 2, "two_sided": True}),
    (zones.not_worse(margin=2, **WHY), {"edge": -2}),
    (zones.reliable(above=3, **WHY), {"edge": 3}),
]
SIZES = {1: (0, 7, 8, 16, 20, 26, 40, 45), 9: (15, 16, 26, 40, 60), 89: (16, 26, 40, 60, 120, 130)}


def drawn(rng, n):
    """Return pairs of a random kind: (low, high, mean_value, failed)."""
    centre = rng.choice([-6.0, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 8])
    x = np.round(centre + rng.choice([0.0, 0.5, 1, 3]) * rng.standard_normal(n), rng.integers(2))
    if rng.random() < 0.3:  # pairs from different distributions: looks may contradict each other
        x[rng.choice([n // 2, 8, 16]) :] += rng.choice([-9, 9])
    low, high = x.copy(), x.copy()
    which = rng.choice(5, size=n, p=rng.choice([[1, 0, 0, 0, 0], [0.8, 0.05, 0.05, 0.05, 0.05]]))
    low[(which == 1) | (which == 2)] = -math.inf  # unknown, or known to lie below
    high[(which == 1) | (which == 3)] = math.inf
    worst = rng.choice([0, 0, 20])
    mean_value = np.where(which == 0, x, math.nan)
    mean_value[which == 4] = -worst if worst else math.nan
    low[which == 4] = high[which == 4] = -math.inf
    outlier = rng.random(n) < rng.choice([0, 0, 0.1])
    mean_value[outlier] += rng.choice([-99, 99])  # a mean that contradicts the median
    failed = rng.random((n, 2)) < rng.choice([0, 0, 0.2, 0.4], size=2)
    return low, high, mean_value, failed


def pairs_of(low, high, mean_value, failed):
    return Pairs.within(low, high, mean_value=mean_value, failed=failed)


def rows_of(low, high, mean_value, failed):
    columns = zip(low.tolist(), high.tolist(), mean_value.tolist(), failed.tolist(), strict=True)
    return [{"low": a, "high": b, "mean": m, "fails": f} for a, b, m, f in columns]


seeds = st.integers(0, 2**32 - 1)
claims = st.sampled_from([made for made, _ in CLAIMS])
