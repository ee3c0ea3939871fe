"""The probability that a claim settles by each look, and with which group, by counting paths.

The spread of contrasts gives the probability that a pair is beyond an edge. A statement about the
median is established at a look if few enough pairs are exceptions. Its probability follows from the
distribution of the number of exceptions, which is propagated from look to look. If a group needs
two statements, the joint distribution of both numbers is propagated.
"""

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ablations.records.plans import Chance, Prospect
from ablations.rule import Group, Pairs, Table, Zones
from ablations.rule.table import Exceptions, chance_to_establish

Beyond = Callable[[float, int], float]  # P(pair beyond an edge); +1 for above it, -1 for below
Statement = tuple[float, int]
NEGLIGIBLE = 1e-3  # probabilities below this are left out of plans


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How contrasts scatter about their median.

    Args:
        sd: Standard deviation of normal contrasts.
        lost: Share of pairs without a finite contrast; they are exceptions on every side.
    """

    sd: float
    lost: float = 0.0

    def beyond(self, truth: float) -> Beyond:
        """Return the chance that a pair lies beyond an edge, if the median is `truth`."""

        def chance(edge: float, side: int) -> float:
            distance = side * (truth - edge)
            if self.sd == 0:
                return (1 - self.lost) * (distance > 0)
            normal = math.erfc(-distance / self.sd / math.sqrt(2)) / 2  # normal distribution
            return (1 - self.lost) * normal

        return chance


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way in which a claim can settle: statements that must all be established.

    Args:
        group: Group of the resulting word.
        statements: One or two statements.
    """

    group: Group
    statements: tuple[Statement, ...]


def ways(zones: Zones) -> Iterator[Way]:
    """Yield the ways in which a claim can settle; two can come true together only by an error."""
    if zones.nearly_all is not None:
        yield Way(group=Group.HOLDS, statements=((zones.nearly_all, 1),))
        yield Way(group=Group.FAILS, statements=((zones.nearly_all, -1),))
        return
    assert zones.null is not None
    w = zones.null
    if zones.two_sided:
        yield Way(group=Group.HOLDS, statements=((w, 1),))
        yield Way(group=Group.HOLDS, statements=((-w, -1),))
        yield Way(group=Group.FAILS, statements=((-w, 1), (w, -1)))
        return
    weak = w if zones.band is None else zones.band[0]
    yield Way(group=Group.FAILS, statements=((w, -1),))
    yield Way(group=Group.HOLDS, statements=((weak, 1),))
    if weak > w:
        yield Way(group=Group.PARTLY, statements=((w, 1), (weak, -1)))


def chances(zones: Zones, table: Table, beyond: Beyond) -> tuple[Chance, ...]:
    """Return the chance of each group by each look.

    Args:
        zones: Zones of the claim.
        table: Table of its family.
        beyond: The chance that a pair lies beyond an edge.
    """
    found = {group: dict.fromkeys(table.looks, 0.0) for group in Group}
    for way in ways(zones):
        for look, chance in _by_look(way, zones, table, beyond).items():
            found[way.group][look] = min(1.0, found[way.group][look] + chance)
    return tuple(
        Chance(
            look=look,
            holds=found[Group.HOLDS][look],
            partly=found[Group.PARTLY][look],
            fails=found[Group.FAILS][look],
        )
        for look in table.looks
    )


def together(parts: Sequence[Sequence[Chance]]) -> tuple[Chance, ...]:
    """Return the chances of a conjunction, as if its parts were independent.

    It holds if all parts hold and fails if one fails; it is partly true if no part is open and
    none fails, and not all hold.
    """
    found = []
    for row in zip(*parts, strict=True):
        holds = math.prod(chance.holds for chance in row)
        fails = 1 - math.prod(1 - chance.fails for chance in row)
        partly = math.prod(chance.holds + chance.partly for chance in row) - holds
        found.append(Chance(look=row[0].look, holds=holds, partly=partly, fails=fails))
    return tuple(found)


def prospects(
    zones: Sequence[Zones], spreads: Sequence[Spread], table: Table
) -> tuple[Prospect, ...]:
    """Return the expected results of the looks for a claim that is true, null, or reversed.

    Args:
        zones: Zones of each statement of the claim.
        spreads: Spreads of their contrasts.
        table: Table of the family.
    """
    found = []
    truths = [_truths(z, spread) for z, spread in zip(zones, spreads, strict=True)]
    for name in truths[0]:
        parts = [
            chances(z, table, spread.beyond(truth.get(name, 0.0)))
            for z, spread, truth in zip(zones, spreads, truths, strict=True)
        ]
        effect = zones[0].value(truths[0][name])
        found.append(Prospect(truth=name, effect=effect, chances=together(parts)))
    return tuple(found)


def needed(found: Sequence[Chance], power: float) -> int | None:
    """Return the pairs by which a claim holds with probability `power`, None if no look does."""
    return next((chance.look for chance in found if chance.holds >= power), None)


def documented(zones: Zones, sd: float = 0.0) -> float:
    """Return the effect that is planned for, the claimed direction positive.

    - With a band: its centre, or the weak edge plus w if it has no upper end.
    - If only a direction is claimed: 2 w.
    - If the claim is that nothing is lost: 0.
    - If runs are claimed to be reliable: three standard deviations beyond the edge.
    """
    if zones.nearly_all is not None:
        return 0.0 if zones.margin is not None else zones.nearly_all + (3 * sd or 1.0)
    assert zones.null is not None
    if zones.band is None:
        return 2 * zones.null
    weak, strong = zones.band
    return (weak + strong) / 2 if strong < math.inf else weak + zones.null


def ahead(pairs: Pairs, zones: Zones, table: Table, look: int) -> float:
    """Return the probability that a claim settles by a further look, at the observed shares.

    A share is estimated as (k + 1) / (n + 2), so that an outcome that wasn't observed isn't ruled
    out.

    Args:
        pairs: The present pairs, a single sample.
        zones: Zones of the claim.
        table: Table of its family.
        look: Number of pairs at that look.
    """
    chance = 0.0
    for way in ways(zones):
        each = 1.0
        for edge, side in way.statements:
            hits = int(pairs.beyond(edge, side, zones.rounding).sum())
            exceptions = _exceptions((edge, side), zones, table)
            share, seen = (hits + 1) / (pairs.n + 2), (pairs.n, pairs.n - hits)
            later = chance_to_establish(exceptions, share, seen)
            each *= max((float(p) for n, p in later.items() if n <= look), default=0.0)
        chance += each
    return min(1.0, chance)


def _truths(zones: Zones, spread: Spread) -> Mapping[str, float]:
    effect = documented(zones, spread.sd)
    if zones.nearly_all is not None:
        return {"as documented": effect, "the opposite": 2 * zones.nearly_all - effect}
    if zones.two_sided:
        return {"as documented": effect, "no effect": 0.0}
    return {"as documented": effect, "no effect": 0.0, "the opposite": -effect}


def _exceptions(statement: Statement, zones: Zones, table: Table) -> Exceptions:
    shares = zones.nearly_all is not None and statement[1] > 0
    return table.shares if shares else table.exceptions


def _by_look(way: Way, zones: Zones, table: Table, beyond: Beyond) -> Mapping[int, float]:
    """Return the probability that a way of settling has come true by each look."""
    single = [
        _established(statement, zones, table, beyond(*statement)) for statement in way.statements
    ]
    if len(single) == 1:
        return single[0]
    if min(one[table.looks[-1]] for one in single) < NEGLIGIBLE:
        return dict.fromkeys(table.looks, 0.0)
    first, second = (beyond(*statement) for statement in way.statements)
    known = beyond(way.statements[0][0], 1) + beyond(way.statements[0][0], -1)
    return _both(tuple(table.exceptions.items()), first, second, known)


def _established(
    statement: Statement, zones: Zones, table: Table, share: float
) -> Mapping[int, float]:
    found, latest = {}, 0.0
    reached = chance_to_establish(_exceptions(statement, zones, table), share)
    for look in table.looks:  # a look without a rule for shares keeps the earlier probability
        latest = float(reached.get(look, latest))
        found[look] = latest
    return found


@functools.lru_cache(maxsize=1024)
def _both(
    exceptions: tuple[tuple[int, int], ...], first: float, second: float, known: float
) -> Mapping[int, float]:
    """Return the probability that two opposite statements are both established by each look.

    A pair with a known contrast lies beyond at least one of the two edges.

    Args:
        exceptions: The exceptions of the table, by look.
        first: Probability that a pair is beyond the first edge.
        second: Probability that a pair is beyond the second edge.
        known: Probability that its contrast is known.
    """
    most = max(c for _, c in exceptions) + 1
    # step[i, j]: probability that a pair adds i exceptions to the first statement, j to the second
    step = np.array([[first + second - known, known - second], [known - first, 1 - known]])
    step = np.clip(step, 0, 1)
    neither = np.zeros((most, most))
    neither[0, 0] = 1
    waiting = [np.zeros(most), np.zeros(most)]  # states in which only one statement is established
    chances = [1 - first, 1 - second]
    found, both, n = {}, 0.0, 0
    for look, c in exceptions:
        more, n = look - n, look
        neither = _walk(neither, step, more)[:most, :most]
        waiting = [
            _walk(w, np.array([1 - p, p]), more)[:most]
            for w, p in zip(waiting, chances, strict=True)
        ]
        both += neither[: c + 1, : c + 1].sum()
        waiting[0][c + 1 :] += neither[c + 1 :, : c + 1].sum(axis=1)
        waiting[1][c + 1 :] += neither[: c + 1, c + 1 :].sum(axis=0)
        neither[: c + 1, :] = 0
        neither[:, : c + 1] = 0
        for w in waiting:
            both += w[: c + 1].sum()
            w[: c + 1] = 0
        found[look] = float(both)
    return found


def _walk(state: np.ndarray, step: np.ndarray, times: int) -> np.ndarray:
    """Return the distribution of counts after `times` more pairs, by Fourier convolution."""
    axes = tuple(range(state.ndim))
    shape = tuple(size + times for size in state.shape)
    there = np.fft.rfftn(state, shape, axes) * np.fft.rfftn(step, shape, axes) ** times
    return np.clip(np.fft.irfftn(there, shape, axes), 0, None)
