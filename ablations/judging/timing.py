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
ALARM = 0.05  # probability that any series of a report is said to drift if none does
SERIES = 20  # most series in a report: contrasts of claims and of controls; a test counts them
_DRIFT = "contrasts drift"


def faults(
    measured: Sequence[float], twins: Sequence[float], zones: Zones, table: Table
) -> tuple[str, ...]:
    """Return the faults of a timing claim, as sentences.

    Args:
        measured: Its contrasts, in the order in which their processes were started.
        twins: log(time of the twin / time of the baseline) of the pairs that the claim reads, in
            their order.
        zones: Zones of the claim.
        table: Table of the claim's family.
    """
    found = (drift(measured), twin_differs(twins, zones, table))
    return tuple(fault for fault in found if fault)


def lag1(contrasts: Sequence[float]) -> float:
    """Return the correlation of neighbours, Σ (xᵢ − x̄)(xᵢ₊₁ − x̄) / Σ (xᵢ − x̄)².

    Values that aren't finite are left out. It is 0 if all values are equal.

    Args:
        contrasts: Contrasts in the order of measurement.
    """
    x = np.array([value for value in contrasts if math.isfinite(value)])
    if len(x) < 2:
        return 0.0
    x -= x.mean()
    total = float(x @ x)
    return float(x[1:] @ x[:-1]) / total if total > 0 else 0.0


def most_lag(n: int) -> float:
    """Return the largest correlation of neighbours at which n contrasts don't count as drifting.

    For independent normal contrasts, the correlation has mean −1/n and variance
    (n − 2)² / (n² (n − 1)) (Moran, 1948). With a limit of 0.3 for every n, 6 % of series of 16
    contrasts would exceed it by chance, and most reports of twenty series would have a false alarm.
    The limit is therefore the larger of 0.3 and the value that a series exceeds with probability
    5 % / 20: 0.57 for 16 contrasts, 0.48 for 26, 0.34 for 60, and 0.3 from 80 on.

    Args:
        n: Number of contrasts in the series.
    """
    if n < 3:
        return 1.0
    deviation = (n - 2) / (n * math.sqrt(n - 1))
    return max(MOST_LAG, NormalDist().inv_cdf(1 - ALARM / SERIES) * deviation - 1 / n)


def drift(contrasts: Sequence[float]) -> str:
    """Return the fault of contrasts that drift during the measurement, "" if they don't.

    Args:
        contrasts: Contrasts in the order of measurement.
    """
    n = sum(map(math.isfinite, contrasts))
    found, most = lag1(contrasts), most_lag(n)
    if found <= most:
        return ""
    return (
        f"{_DRIFT}: neighbours in the order of measurement have a correlation of {found:.2f}; for "
        f"{n} independent ones more than {most:.2f} is unlikely"
    )


def drifts(fault: str) -> bool:
    """Return whether a fault is that of `drift`."""
    return fault.startswith(_DRIFT)


def tolerance(zones: Zones) -> float:
    """Return the allowed difference of a twin: the null zone, or a quarter of the band if smaller.

    A quarter of the band is (strong − weak) / 4. For a claim about nearly all pairs it is the edge.
    """
    edge = zones.null if zones.null is not None else abs(zones.nearly_all or 0.0)
    width = math.inf if zones.band is None else zones.band[1] - zones.band[0]
    return min(edge, width / 4)


def twin_differs(twins: Sequence[float], zones: Zones, table: Table) -> str:
    """Return the fault of a twin whose times differ from the baseline's, "" if they don't.

    The interval of the twins' median, by the claim's own rule and number of pairs, must contain 0,
    or lie within the tolerance on both sides. Otherwise equal code has different times, by more
    than the claim tolerates.

    Args:
        twins: log(time of the twin / time of the baseline), one per pair.
        zones: Zones of the claim.
        table: Table of the claim's family.
    """
    found = intervals(Pairs.exact(np.asarray(twins, dtype=np.float64)).many(), table)
    low, high = float(found.low[-1, 0]), float(found.high[-1, 0])
    within = tolerance(zones)
    if low <= 0 <= high or (-within <= low and high <= within):
        return ""
    return (
        f"equal code differs in time: a second build of the baseline takes {math.exp(low):.4f} to "
        f"{math.exp(high):.4f} times as long, which is beyond the "
        f"{100 * math.expm1(within):.2g} % allowed"
    )
