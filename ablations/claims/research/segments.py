"""The research that the documents cite: refinement segments, with two modules or one."""

from ablations.claims.arms_amulgent import F2, F4, L2, L4, LEVELS
from ablations.claims.segments import dominating
from ablations.metrics.scores import Accuracy
from ablations.specs.claim import Reading, Statistical
from ablations.specs.tests import Difference

_TEST = Difference(null=0.01, because="a point is the least worth a doubled cost")

CLAIMS = (
    dominating(
        "outer-loop-dominates",
        "ARC Prize Foundation, analysis of HRM: the outer loop; krychu/hrm, README",
        "The gain from one loop to two, and the difference between architectures, for which points "
        "are printed, stand beside.",
    ),
    Statistical(
        id="segments-pathfinding",
        section="krychu/hrm, README: training segments",
        reading=(
            "More segments in training are read as four instead of two, after equal updates, with "
            "two levels (the printed 4×2 variant); one level stands beside, both with detached "
            "segments. The printed figures are of 20×20 boards; 4×4 sudokus in equal thirds "
            "of 5, 8 and 11 clues stand in for them, so that figures are shown and the direction "
            "is tested. Compared is accuracy on unknown cells of held-out boards."
        ),
        arms=(L2, L4, F2, F4),
        protocol=LEVELS,
        metric=Accuracy(),
        test=_TEST,
        beside=(
            Reading(label="one level", cells=(2, 3)),
            Reading(label="boards answered exactly", metric=Accuracy(cells="exact")),
        ),
        cost=2.5,
    ),
)
