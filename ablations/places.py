"""Where the calibration plants the truth, and which words are false there.

In units of the noise's standard deviation, with zones so wide that every interval fits into them:
a null zone of [-8, 8], a band from 24 to 40. At an edge a word counts as false if it is on either
side of it, however near: half of the interval's misses fall on each side.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ablations.records import Word, Zones

null, weak, strong = 8.0, 24.0, 40.0
centre = (weak + strong) / 2
_near = 1e-9
hair = Zones(null=1e-6, null_reason="narrower than intervals are")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A truth and the zones it is held against.

    Args:
        name: For a reader. zones: What a claim would have fixed. truth: θ.
        false: The words that are wrong here.
    """

    name: str
    zones: Zones
    truth: float
    false: tuple[Word, ...]


def places(margin: bool) -> tuple[Place, ...]:
    """Return the places for claims that nothing is lost, or for all others."""
    return tuple(_margins() if margin else _effects())


def says(word: Word, truth: float, zones: Zones) -> bool:
    """Return whether what a word says is so: its meaning, not the rule that leads to it."""
    low, high = (zones.null, zones.null) if zones.band is None else zones.band
    valued = truth > zones.null
    match word:
        case Word.CONTRADICTED:
            return truth < -zones.null
        case Word.NO_EFFECT:
            return abs(truth) <= zones.null
        case Word.CONFIRMED if zones.margin:
            return truth > -zones.null
        case Word.CONFIRMED:
            return valued and low <= truth and (truth <= high or not _about(zones))
        case Word.EXCEEDED:
            return valued and _about(zones) and truth > high
        case Word.WEAKER:
            return valued and zones.band is not None and truth < low
        case Word.DIRECTION_ONLY:
            return truth > 0
        case _:
            return True


def on_edge(place: Place, word: Word) -> bool:
    """Return whether a word is so on one side of the truth, however near, and not on the other."""
    return len({says(word, place.truth + side, place.zones) for side in (-_near, _near)}) == 2


def _about(zones: Zones) -> bool:
    return zones.band is not None and not zones.at_least


def _effects() -> Iterator[Place]:
    direction = Zones(null=null, null_reason="wider than intervals are")
    about = replace(direction, band=(weak, strong))
    least = replace(about, at_least=True)
    narrow = replace(hair, null=0.2)
    yield _place("no effect", about, 0.0)
    yield _place("half the effect", about, centre / 2)
    yield _place("lower edge of the null zone", about, -null)
    yield _place("upper edge of the null zone", about, null)
    yield _place("weak edge of the band", about, weak)
    yield _place("strong edge of the band", about, strong)
    yield _place("middle of the band", about, centre)
    yield _place("wrong sign", about, -centre)
    yield _place("weak edge, at least", least, weak)
    yield _place("no effect, direction claimed", direction, 0.0)
    yield _place("edge of the null zone, direction claimed", direction, null)
    yield _place("no effect, narrow null zone", narrow, 0.0)
    yield _place("no effect, no null zone to speak of", hair, 0.0)


def _margins() -> Iterator[Place]:
    zones = Zones(null=null, null_reason="the calibration's", margin=True)
    yield _place("no effect", zones, 0.0)
    yield _place("half the margin", zones, -null / 2)
    yield _place("the margin", zones, -null)
    yield _place("beyond the margin", zones, -2 * null)


def _place(name: str, zones: Zones, truth: float) -> Place:
    sides = (truth - _near, truth, truth + _near)
    false = tuple(w for w in Word if not all(says(w, side, zones) for side in sides))
    return Place(name=name, zones=zones, truth=truth, false=false)
