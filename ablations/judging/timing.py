"""Faults of timing claims: contrasts that drift, or a twin of the baseline that differs from it.

Both rules were fixed before any claim was timed. A third rule drops single processes while they are
measured if other processes used too much of the core (`ablations.protocols.time`). Its limit was
chosen by trial processes on a busy machine, before any claim was timed, and hasn't changed since.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from ablations.rule.interval import intervals
from ablations.rule.pairs import Pairs
from ablations.rule.table import Table
from ablations.rule.zones import Zones

MOST_LAG = 0.3
ALARM = 0.05  # the chance that any series of a report is taken to drift if none does
SERIES = 20  # that a report may show: claims' contrasts and controls'; a test counts them
_DRIFT = "contrasts drift"


def faults(
    measured: Sequence[float], twins: Sequence[float], zones: Zones, table: Table
) -> tuple[str, ...]:
    """Return what makes a timing claim INVALID, one sentence each.

    Args:
        measured: Its contrasts, in the order in which their processes were started.
        twins: log(time of the twin / time of the baseline) of its pairs, in the pairs' order, as
            many as the claim reads.
        zones: The claim's.
        table: The claim's.
    """
    found = (drift(measured), twin_differs(twins, zones, table))
    return tuple(fault for fault in found if fault)


def lag1(contrasts: Sequence[float]) -> float:
    """Return the correlation of neighbours, Σ (xᵢ − x̄)(xᵢ₊₁ − x̄) / Σ (xᵢ − x̄)².

    Values that aren't finite are left out. It is 0 where nothing varies.

    Args:
        contrasts: In order of measurement.
    """
    x = np.array([value for value in contrasts if math.isfinite(value)])
    if len(x) < 2:
        return 0.0
    x -= x.mean()
    total = float(x @ x)
    return float(x[1:] @ x[:-1]) / total if total > 0 else 0.0


def most_lag(n: int) -> float:
    """Return the correlation of neighbours up to which n contrasts don't drift.

    Independent normal contrasts have a correlation of mean −1/n and variance
    (n − 2)² / (n² (n − 1)) (Moran, 1948). Of series of 16 contrasts 6 % exceed 0.3 by chance, so
    that in a report of twenty series a false alarm would be the rule. Hence 0.3, or where that is
    more, what a series exceeds with a chance of 5 % / 20: 0.57 for 16 contrasts, 0.48 for 26, 0.34
    for 60, 0.3 from 80 on.

    Args:
        n: Contrasts of one series.
    """
    if n < 3:
        return 1.0
    deviation = (n - 2) / (n * math.sqrt(n - 1))
    return max(MOST_LAG, NormalDist().inv_cdf(1 - ALARM / SERIES) * deviation - 1 / n)


def drift(contrasts: Sequence[float]) -> str:
    """Return the fault of contrasts that depend on when they were measured, "" if they don't.

    Args:
        contrasts: In order of measurement.
    """
    n = sum(map(math.isfinite, contrasts))
    found, most = lag1(contrasts), most_lag(n)
    if found <= most:
        return ""
    return (
        f"{_DRIFT}: neighbours in order of measurement correlate by {found:.2f}; {n} that don't "
        f"depend on it would hardly by more than {most:.2f}"
    )


def drifts(fault: str) -> bool:
    """Return whether a fault is that of `drift`."""
    return fault.startswith(_DRIFT)


def tolerance(zones: Zones) -> float:
    """Return how much a twin may differ: the null zone, or a quarter of the band if that is less.

    The band's quarter is (strong − weak) / 4; a claim about nearly all pairs has its edge instead.
    """
    edge = zones.null if zones.null is not None else abs(zones.nearly_all or 0.0)
    width = math.inf if zones.band is None else zones.band[1] - zones.band[0]
    return min(edge, width / 4)


def twin_differs(twins: Sequence[float], zones: Zones, table: Table) -> str:
    """Return the fault of equal code that differs, "" if it doesn't.

    The interval of the twins' median, by the claim's own rule and at its own number of pairs, must
    hold 0 (open) or lie within the tolerance on either side (no effect). Anything else says that
    equal code differs, and by more than the claim could bear.

    Args:
        twins: log(time of the twin / time of the baseline), one a pair.
        zones: The claim's.
        table: The claim's.
    """
    found = intervals(Pairs.exact(np.asarray(twins, dtype=np.float64)).many(), table)
    low, high = float(found.low[-1, 0]), float(found.high[-1, 0])
    within = tolerance(zones)
    if low <= 0 <= high or (-within <= low and high <= within):
        return ""
    return (
        f"equal code differs: the baseline built twice takes {math.exp(low):.4f} to "
        f"{math.exp(high):.4f} of its own time, beyond the {100 * math.expm1(within):.2g} % allowed"
    )
