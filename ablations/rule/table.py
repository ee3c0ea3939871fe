"""The exceptions that a statement may have at each look, with its error and its power.

"The median of x is above a" is established at a look if at most c of its n pairs have x ≤ a. If the
median is a or less, each pair exceeds a with probability at most 1/2, for every distribution and
whatever the earlier pairs were. Therefore counting the paths of a fair coin bounds the probability
that any look errs. "More than three quarters of all pairs are above a" is tested in the same way,
with a coin of probability 3/4.
"""

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np

from hrm.errors import UserError

Exceptions = Mapping[int, int]  # pairs at a look -> exceptions that a statement may have there

FAMILY_ERROR = Fraction(1, 20)  # chance of any false statement in a whole report, at most
MEDIAN = Fraction(1, 2)  # the share of pairs that a statement about the typical pair is about
SHARE = Fraction(3, 4)  # the share that a statement about nearly all pairs is about
POWER = 0.8

LADDER: Exceptions = MappingProxyType({16: 0, 26: 3, 40: 8, 60: 15, 120: 38, 240: 90})
SHARE_TABLE: Exceptions = MappingProxyType({40: 0, 60: 3, 120: 13})


@dataclass(frozen=True, kw_only=True)
class Table:
    """The rule for one size of family.

    Args:
        exceptions: Pairs at each look, and the exceptions that a statement about the median may
            have there.
        shares: The same for statements about three quarters of all pairs.
        members: Statistical claims that may share the error of 5 %.
    """

    exceptions: Exceptions
    shares: Exceptions
    members: int

    @property
    def looks(self) -> tuple[int, ...]:
        """The numbers of pairs at which a claim may be looked at."""
        return tuple(self.exceptions)

    def reached(self, n: int) -> tuple[int, ...]:
        """Return the looks that n pairs reach."""
        return tuple(look for look in self.looks if look <= n)


TABLES = (
    Table(
        exceptions=MappingProxyType({8: 0, 16: 2, 26: 6, 40: 13}),
        shares=MappingProxyType({16: 0, 26: 1, 40: 3}),
        members=1,
    ),
    Table(
        exceptions=MappingProxyType({16: 1, 26: 5, 40: 9, 60: 18}),
        shares=MappingProxyType({26: 0, 40: 2, 60: 5}),
        members=9,
    ),
    Table(exceptions=LADDER, shares=SHARE_TABLE, members=89),
)


def table_for(members: int) -> Table:
    """Return the table for a family with a number of members.

    Raises:
        UserError: If there are none, or more than the largest table allows.
    """
    for table in TABLES:
        if 1 <= members <= table.members:
            return table
    raise UserError(
        f"{members} statistical claims can't share an error of {float(FAMILY_ERROR):.0%}; allowed "
        f"are 1 to {TABLES[-1].members}; judge fewer claims together, or split them into families"
    )


def error(exceptions: Exceptions, share: Fraction | float = MEDIAN) -> Fraction | float:
    """Return the probability that a barely false statement is established at any look.

    Args:
        exceptions: The exceptions of a table, by look.
        share: The share of pairs beyond the edge at which the statement is barely false, such as
            one half for the median. A Fraction gives an exact probability.
    """
    chance: Fraction | float = chance_to_establish(exceptions, share)[max(exceptions)]
    return chance


def chance_to_establish(
    exceptions: Exceptions, share: Fraction | float, seen: tuple[int, int] = (0, 0)
) -> dict[int, Any]:
    """Return the chance that a statement is established by each look, at that look or before.

    Args:
        exceptions: The exceptions of a table, by look.
        share: The chance that a pair lies beyond the edge; a Fraction gives exact chances.
        seen: Pairs there are already, and exceptions among them; looks up to them are left out.
    """
    n, start = seen
    later = {look: c for look, c in exceptions.items() if look > n}
    most = max(later.values(), default=0)
    exact = isinstance(share, Fraction)
    # state[k]: the chance of k exceptions so far and of nothing established
    state = np.zeros(most + 1, dtype=object if exact else np.float64)
    if start <= most:
        state[start] = Fraction(1) if exact else 1.0
    reached: dict[int, Any] = {}
    established: Any = Fraction(0) if exact else 0.0
    for look, c in later.items():
        state = np.convolve(state, _binomial(look - n, 1 - share, most))[: most + 1]
        established = established + state[: c + 1].sum()
        state[: c + 1] = 0
        reached[look], n = established, look
    return reached


def share_needed(exceptions: Exceptions, look: int, power: float = POWER) -> float:
    """Return the share of pairs that must lie beyond an edge to be established by a look.

    Args:
        exceptions: The exceptions of a table, by look.
        look: One of its looks.
        power: The chance of being established at this look or before.
    """
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        enough = chance_to_establish(exceptions, middle)[look] >= power
        low, high = (low, middle) if enough else (middle, high)
    return high


@functools.lru_cache(maxsize=4096, typed=True)  # 0.5 equals the Fraction
def _binomial(n: int, p: Fraction | float, most: int) -> Any:
    """Return the chances of 0 to `most` successes in n trials."""
    exact = isinstance(p, Fraction)
    chances = [
        math.comb(n, k) * p**k * (1 - p) ** (n - k) if k <= n else 0 * p for k in range(most + 1)
    ]
    return np.array(chances, dtype=object if exact else np.float64)
