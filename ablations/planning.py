"""What a plan can tell: power and needs from a spread that none of its own runs gave.

Spreads come from pilot seeds, which no tier reaches and no verdict reads, stored or committed (see
`pilots`), else from what a spec assumes, else they are unknown. The chance of a word is that of
normal contrasts,

    P(word) = 0.95 E_S[P(low + h S ≤ mean ≤ high - h S)],    h = k t / √n

for a word that needs the interval, k times as wide as Student's, between `low` and `high`; S is
distributed as the sample's standard deviation, and 0.95 is the share of normal samples that don't
look skewed. The sign flips cost something only where they test the edge itself: there its distance
counts for less, as in `power.minimum_detectable`. Elsewhere they rarely cost a point.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ablations import family, pilots
from ablations.forms import External
from ablations.power import fewest_pairs, flips_cost, unskewed
from ablations.records import Planning, Word, Zones
from ablations.specs import Claim
from ablations.statistics import critical, widening
from ablations.store import Store
from ablations.verdict import fewest_values, most_pairs
from ablations.wording import in_words

least_chance = 0.5  # of every word below which a plan can't decide anything
common = 0.8, 0.9
_nodes = 64  # of the quadrature over the spread
_most = 700.0  # of a logarithm that is shown as a ratio


def planning(claim: Claim, seeds: int, store: Store | None, device: str = "cpu") -> Planning | None:
    """Return what so many seeds can tell of a claim.

    None for claims without statistics, and for those that nobody plans to run here.
    """
    form = claim.statistics
    if form is None or isinstance(claim.form, External):
        return None
    zones, n = form.zones, seeds * claim.pairs
    sd, source, faults = spread(claim, store, device)
    power = None if sd is None else _Power(zones=zones, sd=sd, symmetric=bool(form.symmetry))
    least = math.inf if sd is None else form.detectable(sd, n, family.level())
    refusal, pairs = _refusal(n, power, faults)
    return Planning(
        sd=sd,
        source=source,
        pairs=n,
        detectable=(math.exp(least) if zones.log else least) if least < _most else None,
        effect=in_words(zones.sign * documented(zones), zones),
        power=None if power is None else power.confirmed(n),
        pairs_80=None if power is None else needed(power.confirmed, common[0]),
        pairs_90=None if power is None else needed(power.confirmed, common[1]),
        refusal=refusal,
        could=pairs and math.ceil(pairs / claim.pairs),
    )


@dataclass(frozen=True, kw_only=True)
class _Power:
    """Chances by number of pairs, at a spread that is known."""

    zones: Zones
    sd: float
    symmetric: bool

    def confirmed(self, n: int) -> float:
        """Return the chance of CONFIRMED at the documented effect."""
        return self._chance(n, Word.CONFIRMED, documented(self.zones))

    def settled(self, n: int) -> float:
        """Return the chance of the likeliest word, each at a truth at which it should come."""
        return max(self._chance(n, *hope) for hope in _hopes(self.zones))

    def _chance(self, n: int, word: Word, truth: float) -> float:
        return chance(word, truth, self.zones, n, self.sd, family.level(), self.symmetric)


def _refusal(n: int, power: _Power | None, faults: Sequence[str]) -> tuple[str, int | None]:
    """Return why n pairs can't decide anything, "" if they can, and the pairs that could."""
    if faults:
        return f"its pilots show that it can't be decided: {'; '.join(faults)}", None
    fewest = max(fewest_pairs(family.level()), fewest_values)
    could = fewest if power is None else needed(power.settled, common[0])
    if n < fewest:
        return f"{n} pairs can't reject anything: at this level it takes {fewest}", could
    if power is None or power.settled(n) >= least_chance:
        return "", None
    aim = (
        "twice the least effect worth having"
        if power.zones.band is None
        else "the documented effect"
    )
    aim = "a loss of twice the margin" if power.zones.margin else aim
    return (
        f"at a spread of {power.sd:.3g}, {n} pairs leave open even {aim}: the likeliest word has a "
        f"chance of {power.settled(n):.0%}"
    ), could


def spread(
    claim: Claim, store: Store | None, device: str = "cpu"
) -> tuple[float | None, str, tuple[str, ...]]:
    """Return the standard deviation of a claim's contrasts, where it comes from, and faults.

    Pilots come first (the store's, else the committed ones), then what the spec assumes. Faults are
    why the pilots themselves would have been INVALID.
    """
    found, source = pilots.known(claim, store, device)
    few = found is None or len(found.seeds) < fewest_values  # to call an arm hopeless
    faults = () if found is None or few else found.faults
    if faults:  # a spread of runs that learnt nothing, or never arrive, tells nothing
        return None, "unknown: the pilots couldn't be decided themselves", faults
    if found is not None and found.sd is not None:
        return found.sd, source, ()
    if claim.assumed is not None:
        return claim.assumed.sd, f"assumed: {claim.assumed.reason}", ()
    return None, f"unknown: {source}", ()


def documented(zones: Zones) -> float:
    """Return the effect that power is planned for, the claimed direction positive.

    It is the band's centre; beyond the weak edge by w where the band has no other end; twice w
    where a direction alone is claimed; nothing where the claim is that nothing is lost.
    """
    if zones.margin:
        return 0.0
    if zones.band is None:
        return 2 * zones.null
    weak, strong = max(zones.band[0], zones.null), zones.band[1]
    return (weak + strong) / 2 if strong < math.inf else weak + zones.null


def chance(
    word: Word, truth: float, zones: Zones, n: int, sd: float, level: float, symmetric: bool
) -> float:
    """Return the chance that n normal pairs give a word, the claimed direction positive.

    Args:
        word: CONFIRMED, NO EFFECT or CONTRADICTED. truth: θ.
        sd: Of a contrast. level: Of the interval. symmetric: Whether by construction.
    """
    low, high = (edge - truth for edge in _span(word, zones))
    if n < max(fewest_pairs(level), fewest_values):
        return 0.0
    if sd == 0:
        return float(low <= 0 <= high)
    from scipy import special

    nodes, weights = np.polynomial.legendre.leggauss(_nodes)
    share = (nodes + 1) / 2
    spreads = np.sqrt(special.chdtri(n - 1, 1 - share) / (n - 1))
    half = widening(n, symmetric) * critical(n, level) * spreads
    scale, most = math.sqrt(n) / sd, 1.0
    if symmetric and (zones.margin or word is not Word.CONFIRMED):  # the flips test these edges
        allowed = math.floor((1 - level) * 2.0 ** (min(n, 60) - 1))
        if allowed == 1:  # all signs must agree
            most = float(special.ndtr(min(-low, high) / sd) ** n)
        else:
            scale /= 1 + flips_cost[0] / n + flips_cost[1] / allowed
    inside = special.ndtr(high * scale - half) - special.ndtr(low * scale + half)
    return unskewed * min(most, float(weights @ np.clip(inside, 0, 1) / 2))


def needed(power: Callable[[int], float], share: float) -> int | None:
    """Return the fewest pairs with this power, which grows with pairs; None if out of reach."""
    low, high = 0, 2
    while power(high) < share:
        if high >= most_pairs:
            return None
        low, high = high, min(2 * high, most_pairs)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if power(middle) < share else (low, middle)
    return high


def _span(word: Word, zones: Zones) -> tuple[float, float]:
    """Return where the interval must lie for a word."""
    w = zones.null
    if word is Word.CONTRADICTED:
        return -math.inf, -w
    if word is Word.NO_EFFECT:
        return -w, w
    assert word is Word.CONFIRMED, word
    if zones.margin:
        return -w, math.inf
    weak, strong = (-math.inf, math.inf) if zones.band is None else zones.band
    return max(w, weak), math.inf if zones.at_least else strong


def _hopes(zones: Zones) -> Iterator[tuple[Word, float]]:
    """Yield the words that a plan may hope for, each with a truth at which it should come."""
    effect = documented(zones)
    yield Word.CONFIRMED, effect
    yield Word.CONTRADICTED, -max(effect, 2 * zones.null)
    if not zones.margin:
        yield Word.NO_EFFECT, 0.0
