"""The research that the documents cite: refinement segments, with two modules or one."""

from ablations.claims.arms_amulgent import F2, F4, L2, L4, LEVELS
from ablations.claims.segments import dominating
from ablations.metrics.scores import Accuracy
from ablations.specs.claim import Reading, Statistical
from ablations.specs.tests import Difference

_TEST = Difference(
    null=0.01, because="a gain of one point is the least that is worth twice the cost"
)

CLAIMS = (
    dominating(
        "outer-loop-dominates",
        "The gain from one loop to two and the difference between architectures, for which "
        "figures in points are printed, are shown beside.",
    ),
    Statistical(
        id="segments-pathfinding",
        reading=(
            "More segments in training are interpreted as four segments instead of two, after "
            "equal numbers of updates. The verdict is on two levels (the printed 4×2 variant); "
            "one level is shown beside. Segments are detached in both. The printed figures are of "
            "20×20 boards. Here, 4×4 sudokus in equal thirds of 5, 8 and 11 clues stand in for "
            "them, so that the figures are shown and the direction is tested. The metric is "
            "accuracy on unknown cells of held-out boards."
        ),
        arms=(L2, L4, F2, F4),
        protocol=LEVELS,
        metric=Accuracy(),
        test=_TEST,
        beside=(
            Reading("one level", cells=(2, 3)),
            Reading("boards answered exactly", Accuracy(cells="exact")),
        ),
    ),
)
