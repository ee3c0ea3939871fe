"""Intervals for the median of pairs, and for the share of pairs beyond an edge.

At a look with n pairs and c allowed exceptions, the interval of the median is [x₍c+1₎, x₍n−c₎]: the
median is above every a that all but at most c pairs exceed. The intervals of all looks hold
simultaneously with the error of the table. Therefore their intersection is used, which later looks
can only narrow.
"""

import math
from dataclasses import dataclass

import numpy as np

from ablations.rule.pairs import Array, Bools, Pairs
from ablations.rule.table import Exceptions, Table


@dataclass(frozen=True, kw_only=True, eq=False)
class Intervals:
    """The intervals of many samples after each look.

    Args:
        looks: (looks,), with 0 first, before any look, when nothing is known.
        low: (looks, samples), lower ends of the intersections up to each look.
        high: (looks, samples), upper ends; below `low` if an intersection is empty.
    """

    looks: tuple[int, ...]
    low: Array
    high: Array


def intervals(pairs: Pairs, table: Table) -> Intervals:
    """Return the intervals of samples, (samples, n), after each look that they reach."""
    looks = (0, *table.reached(pairs.n))
    low = np.full((len(looks), len(pairs.low)), -math.inf)
    high = np.full_like(low, math.inf)
    for i, n in enumerate(looks[1:], start=1):
        c = table.exceptions[n]
        ends = np.partition(pairs.low[:, :n], [c, n - 1 - c], axis=1)
        last = ends if pairs.known else np.partition(pairs.high[:, :n], n - 1 - c, axis=1)
        np.maximum(low[i - 1], ends[:, c], out=low[i])
        np.minimum(high[i - 1], last[:, n - 1 - c], out=high[i])
    return Intervals(looks=looks, low=low, high=high)


def share_reached(beyond: Bools, table: Table, looks: tuple[int, ...]) -> Bools:
    """Return (looks, samples), whether three quarters are beyond an edge, at that look or before.

    Args:
        beyond: (samples, n), which pairs are.
        table: Not every look of the table can tell about shares.
        looks: As `intervals` returns them.
    """
    found = np.zeros((len(looks), len(beyond)), dtype=bool)
    for i, n in enumerate(looks[1:], start=1):
        found[i] = found[i - 1]
        if n in table.shares:
            found[i] |= n - beyond[:, :n].sum(axis=1) <= table.shares[n]
    return found


def established(beyond: Bools, exceptions: Exceptions) -> int:
    """Return the latest look at which one sample establishes a statement, 0 if none does.

    Args:
        beyond: (n,), which pairs lie wholly beyond the edge.
        exceptions: The table's exceptions for such statements.
    """
    found = [
        look
        for look, c in exceptions.items()
        if look <= len(beyond) and look - int(beyond[:look].sum()) <= c
    ]
    return max(found, default=0)
