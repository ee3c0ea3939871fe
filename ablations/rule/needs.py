"""The number of pairs that would settle a claim, by counting paths from the present pairs."""

from collections.abc import Iterator

from ablations.rule.interval import established
from ablations.rule.pairs import Pairs
from ablations.rule.table import POWER, Table, chance_to_establish
from ablations.rule.zones import Zones

Statement = tuple[float, int]  # an edge, and +1 for above it, -1 for below it


def further(pairs: Pairs, zones: Zones, table: Table) -> int | None:
    """Return the pairs that would settle a claim at the observed shares, with 80 % power.

    The number includes the present pairs. None if even the last look wouldn't, or without pairs.
    """
    if pairs.n == 0:
        return None
    outcomes = [
        [_chances(pairs, statement, zones, table) for statement in statements]
        for statements in _settling(zones)
    ]
    for look in table.looks:
        misses = [sum(1 - part.get(look, 0.0) for part in outcome) for outcome in outcomes]
        if look > pairs.n and 1 - min(misses) >= POWER:
            return look
    return None


def _settling(zones: Zones) -> Iterator[tuple[Statement, ...]]:
    """Yield the statements that settle a claim together, one tuple a way to do so."""
    if zones.nearly_all is not None:
        yield ((zones.nearly_all, 1),)
        yield ((zones.nearly_all, -1),)
        return
    assert zones.null is not None
    w = zones.null
    if zones.two_sided:
        yield ((w, 1),)
        yield ((-w, -1),)
        yield (-w, 1), (w, -1)
        return
    yield ((w, -1),)
    weak = w if zones.band is None else zones.band[0]
    yield ((weak, 1),)
    if weak > w:
        yield (w, 1), (weak, -1)


def _chances(pairs: Pairs, statement: Statement, zones: Zones, table: Table) -> dict[int, float]:
    """Return the chance that a statement is established by each further look."""
    edge, side = statement
    beyond = pairs.beyond(edge, side, zones.rounding)
    shares = zones.nearly_all is not None and side > 0
    exceptions = table.shares if shares else table.exceptions
    if established(beyond, exceptions):
        return dict.fromkeys(table.looks, 1.0)
    hits = int(beyond.sum())
    chances = chance_to_establish(exceptions, hits / pairs.n, (pairs.n, pairs.n - hits))
    found, latest = {}, 0.0
    for look in table.looks:  # a look that can't tell about shares leaves what was before
        latest = float(chances.get(look, latest))
        found[look] = latest
    return found
