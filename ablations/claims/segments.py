"""Segments against architecture: one measurement for two documents' claims."""

from ablations.claims.arms_amulgent import E1, E4, F1, F2, F4, HALF, L1, L2, L4, LEVELS
from ablations.metrics.scores import Accuracy
from ablations.specs.claim import Reading, Statistical, product
from ablations.specs.contrasts import interaction, main_effect
from ablations.specs.tests import Both, Factorial

_LEVELS, _DOUBLINGS = (0.0, 1.0), (0.0, 1.0, 2.0)
_POINT = "a point on unknown cells is the smallest difference that a reader would notice"


def _beyond(sign: int, doublings: tuple[float, ...] = _DOUBLINGS) -> Factorial:
    """The effect of the segments beyond that of the architecture, taken with a sign."""
    segments, architecture = (main_effect(_LEVELS, doublings, of=of) for of in (1, 0))
    weights = tuple(s - sign * a for s, a in zip(segments, architecture, strict=True))
    return Factorial(factors=weights, null=0.01, because=_POINT)


_LESS, _PLUS = (_beyond(sign, (0.0, 2.0)) for sign in (1, -1))  # at one segment and at four
_DEPENDS = Factorial(
    factors=interaction(_LEVELS, _DOUBLINGS), null=0.01, because=_POINT, either_side=True
)
_ALL = tuple(range(6))
_FLOPS = (0, 2, 6, 7)
_READING = (
    "The effect of segments is the slope of accuracy on unknown cells over their doublings, from "
    "one to four. That of the architecture is the mean difference, whichever is better, between "
    "two levels of one layer each and one level with both layers. The latter has as many "
    "parameters (less an initial state), makes one pass a segment and computes a third of the "
    "blocks. Segments matter more if their effect exceeds that of the architecture, with either "
    "sign, by a point: both statements have to hold. All models take equal updates, with detached "
    "segments and the previous answer fed back. 4×4 sudokus stand in for boards that need more "
    "than two cores, so the direction is tested and figures don't transfer."
)


def dominating(name: str, more: str) -> Statistical:
    """Return the claim that segments matter more than architecture.

    Args:
        name: Id of the claim.
        more: Further text for its reading.
    """
    return Statistical(
        id=name,
        reading=f"{_READING} {more}",
        cells=product((L1, L2, L4, F1, F2, F4, E1, E4), LEVELS, Accuracy()),
        test=Both(parts=(_beyond(1), _beyond(-1)), reads=(_ALL, _ALL)),
        beside=(
            Reading("one segment to two, two levels", test=HALF, cells=(0, 1)),
            Reading("one level less two, at four segments", test=HALF, cells=(2, 5)),
            Reading("segments less architecture, at equal operations", test=_LESS, cells=_FLOPS),
            Reading("segments plus architecture, at equal operations", test=_PLUS, cells=_FLOPS),
            Reading("how much more segments do for one level", test=_DEPENDS, cells=_ALL),
        ),
    )
