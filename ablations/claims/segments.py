"""Segments against architecture: one measurement for two documents' claims."""

from ablations.claims.arms_amulgent import E1, E4, F1, F2, F4, L1, L2, L4, LEVELS
from ablations.metrics.scores import Accuracy
from ablations.specs.claim import Reading, Statistical, product
from ablations.specs.contrasts import interaction, main_effect
from ablations.specs.tests import Both, Difference, Factorial

_LEVELS, _DOUBLINGS, _ENDS = (0.0, 1.0), (0.0, 1.0, 2.0), (0.0, 2.0)
_POINT = "a point on unknown cells is the smallest difference that a reader would notice"
_HALF = Difference(null=0.005, because="half a point is the smallest difference worth noticing")


def _beyond(sign: int, doublings: tuple[float, ...] = _DOUBLINGS) -> Factorial:
    """The effect of the segments beyond that of the architecture, taken with a sign."""
    segments, architecture = (main_effect(_LEVELS, doublings, of=of) for of in (1, 0))
    weights = tuple(s - sign * a for s, a in zip(segments, architecture, strict=True))
    return Factorial(factors=weights, null=0.01, because=_POINT)


_ALL = tuple(range(6))
_FLOPS = (0, 2, 6, 7)
READING = (
    "We compare the effect of segments with that of the architecture, in six models: two "
    "architectures at 1, 2 and 4 segments. One architecture has two levels of one layer each. The "
    "other has one level with both layers, one pass a segment, and as many parameters (except for "
    "the second level's initial state, a vector). The effect of segments is the slope over their "
    "doublings, from one to four. The effect of the architecture is the mean difference between "
    "the two, whichever is better. Segments matter more if their effect exceeds that of the "
    "architecture, taken with either sign, by a point. These are two statements, and both have to "
    "hold. Two levels compute three times as many blocks a segment, so one level with three "
    "passes, and thus equal operations, is also shown, at one segment and at four. All models are "
    "trained for equal updates, with segments detached from each other and the previous answer fed "
    "back. 4×4 sudokus as one vector stand in for boards that need more than two cores, so figures "
    "don't transfer, and the direction is tested."
)


def dominating(name: str, more: str) -> Statistical:
    """Return the claim that segments matter more than architecture.

    Args:
        name: Id of the claim.
        more: Further text for its reading.
    """
    return Statistical(
        id=name,
        reading=f"{READING} {more}",
        cells=product((L1, L2, L4, F1, F2, F4, E1, E4), LEVELS, Accuracy()),
        test=Both(parts=(_beyond(1), _beyond(-1)), reads=(_ALL, _ALL)),
        beside=(
            Reading("one segment to two, two levels", test=_HALF, cells=(0, 1)),
            Reading("one level less two, at four segments", test=_HALF, cells=(2, 5)),
            Reading(
                "segments less architecture, at equal operations",
                test=_beyond(1, _ENDS),
                cells=_FLOPS,
            ),
            Reading(
                "segments plus architecture, at equal operations",
                test=_beyond(-1, _ENDS),
                cells=_FLOPS,
            ),
            Reading(
                "how much more segments do for one level",
                test=Factorial(
                    factors=interaction(_LEVELS, _DOUBLINGS),
                    null=0.01,
                    because=_POINT,
                    either_side=True,
                ),
                cells=_ALL,
            ),
        ),
    )
