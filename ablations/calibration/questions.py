"""The tests that are calibrated, of the kinds that claims use, and their true effects."""

from collections.abc import Mapping
from dataclasses import dataclass

from ablations.rule.zones import Zones
from ablations.specs.contrasts import main_effect
from ablations.specs.tests import (
    Both,
    Difference,
    Factorial,
    NotWorse,
    OneRatio,
    OneSample,
    Ratio,
    Reliable,
    Test,
    TimeToTarget,
    Trend,
)

SHARE = 0.75  # "nearly all" means a share of pairs above this
STEPS = 5  # half a null zone / scale of the noise; for wide noise, its inverse
FAR_OUT = 50  # distance beyond an edge, in scales of the noise, that no noise hides


@dataclass(frozen=True, kw_only=True)
class Place:
    """A true effect.

    Args:
        name: Name for readers.
        medians: The median of each contrast, the claimed direction positive; of claims about nearly
            all pairs the edge.
        share: The share of pairs beyond it.
        sides: Statements that are barely false there, each on one side of an edge.
        wide: Whether the noise is wide against the zones. At 0 it is: else the null zone's other
            edge decides first.
    """

    name: str
    medians: tuple[float, ...]
    share: float = 0.5
    sides: int = 2
    wide: bool = False


_NULL, _WHY = 0.05, "it is made up"
_levels = (0.0, 1.0)
_first = main_effect(_levels, _levels, of=0)
_second = main_effect(_levels, _levels, of=1)
_difference, _sum = (
    Factorial(
        factors=tuple(b + sign * a for a, b in zip(_first, _second, strict=True)),
        null=_NULL,
        because=_WHY,
    )
    for sign in (-1, 1)
)

TESTS: Mapping[str, Test] = {
    "ratio, about": Ratio(
        fewer=True, about=(0.6, 0.8), null=_NULL, because=_WHY, band_because=_WHY
    ),
    "ratio, at least": Ratio(at_least=1.5, null=_NULL, because=_WHY, band_because=_WHY),
    "difference": Difference(null=_NULL, because=_WHY),
    "difference, about": Difference(
        about=(0.05, 0.15), null=_NULL, because=_WHY, band_because=_WHY
    ),
    "trend": Trend(levels=(1.0, 2.0, 4.0), fewer=True, null=_NULL, because=_WHY),
    "factorial": Factorial(factors=_second, null=_NULL, because=_WHY),
    "either side": Factorial(factors=_second, either_side=True, null=_NULL, because=_WHY),
    "time to target": TimeToTarget(
        fewer=True, at_least=0.5, null=_NULL, because=_WHY, band_because=_WHY
    ),
    "one sample": OneSample(constant=0.5, null=_NULL, because=_WHY),
    "printed range": OneRatio(about=(10.0, 50.0), null=_NULL, because=_WHY, band_because=_WHY),
    "both": Both(parts=(_difference, _sum), reads=((0, 1, 2, 3), (0, 1, 2, 3))),
    "not worse": NotWorse(margin=0.05, because=_WHY, fewer=True),
    "reliable": Reliable(above=0.9, because=_WHY),
}


def parts(test: Test) -> tuple[Test, ...]:
    """Return the statements of a test, each of which is a member of the family."""
    return test.parts if isinstance(test, Both) else (test,)


def scale(zones: Zones, *, wide: bool = False) -> float:
    """Return the scale of the noise, small against the zones unless it is to be wide."""
    size = zones.null if zones.null is not None else abs(zones.nearly_all or 0.0)
    return size * STEPS if wide else size / STEPS


def edges(test: Test) -> tuple[Place, ...]:
    """Return the places at each edge, where words are barely false."""
    zones = test.zones
    if zones.nearly_all is not None:
        edge = (zones.nearly_all,)
        return (
            Place(name="median", medians=edge, sides=1),
            Place(name="three quarters", medians=edge, share=SHARE, sides=1),
        )
    assert zones.null is not None
    w = zones.null
    if len(parts(test)) == 2:
        far = far_out(test).medians[0]
        return (
            Place(name="w, w", medians=(w, w), sides=4),
            Place(name="w, far", medians=(w, far)),
            Place(name="far, w", medians=(far, w)),
        )
    names = {-w: "-w", 0.0: "0", w: "w"}
    if zones.band is not None:
        names.update({zones.band[1]: "strong", zones.band[0]: "weak"})
    return tuple(  # no word says that the median is below 0, unless a two-sided effect is claimed
        Place(
            name=names[e],
            medians=(e,),
            sides=1 if e == 0 and not zones.two_sided else 2,
            wide=e == 0,
        )
        for e in zones.edges
    )


def far_out(test: Test) -> Place:
    """Return a place where the claim clearly holds."""
    zones = test.zones
    if zones.nearly_all is not None:
        at = zones.nearly_all + FAR_OUT * scale(zones)
    elif zones.band is not None and not zones.at_least:
        at = sum(zones.band) / 2
    else:
        assert zones.null is not None
        at = (zones.null if zones.band is None else zones.band[0]) + FAR_OUT * scale(zones)
    return Place(name="far out", medians=(at,) * len(parts(test)))
