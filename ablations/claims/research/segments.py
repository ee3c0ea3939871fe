"""The research that the documents cite: refinement segments, with two modules or one."""

from ablations.claims.arms_amulgent import F2, F4, L2, L4, LEVELS
from ablations.claims.segments import dominating
from ablations.metrics.scores import Accuracy
from ablations.specs.claim import Reading, Statistical
from ablations.specs.tests import Difference

_EXACT = Reading("boards answered exactly", Accuracy(cells="exact"))

CLAIMS = (
    dominating(
        "outer-loop-dominates",
        "The gain from one loop to two and the difference between architectures, for which "
        "figures in points are printed, are shown beside.",
    ),
    Statistical(
        id="segments-pathfinding",
        reading=(
            "More segments in training are read as four instead of two, detached from each other, "
            "after equal numbers of updates. The verdict is on two levels, the printed 4×2 "
            "variant. The printed figures are of 20×20 boards; here, 4×4 sudokus with 5, 8 and 11 "
            "clues stand in for them, so that the direction is tested, by accuracy on unknown "
            "cells."
        ),
        arms=(L2, L4, F2, F4),
        protocol=LEVELS,
        metric=Accuracy(),
        test=Difference(null=0.01, because="one point is the least that is worth twice the cost"),
        beside=(Reading("one level", cells=(2, 3)), _EXACT),
    ),
)
