"""Document complete: deep supervision."""

from ablations.claims.arms_research import ARRIVED, EVEN, LAST, SEGMENTED, SEGMENTED_CHOSEN
from ablations.metrics.curves import Arrival
from ablations.metrics.scores import Accuracy
from ablations.specs.claim import Reading, Statistical
from ablations.specs.tests import Difference, TimeToTarget

_HALF = Difference(null=0.005, because="half a point is the smallest difference worth noticing")

CLAIMS = (
    Statistical(
        id="deep-supervision",
        reading=(
            'We read "Loss applied to intermediate states" as the mean of the losses after each of '
            "four segments, against the loss after the last one alone. One-step gradients and "
            "detached segments are as documented, with one optimiser step per batch. Convergence "
            f"is the number of updates until {ARRIVED:.0%} of unknown cells are right. This "
            "favours supervised segments, since each needs a backward pass. Levels as in act-v1, "
            "on 4×4 sudokus as one vector, stand in for the document's recursion, which halts per "
            f"position. {SEGMENTED_CHOSEN} On 8×8 mazes, tried before, an arm doesn't beat that "
            "method."
        ),
        arms=(LAST, EVEN),
        protocol=SEGMENTED,
        metric=Arrival(threshold=ARRIVED, cap=float(SEGMENTED.training.updates), smooth=2),
        test=TimeToTarget(
            null=0.1, because="saving a tenth doesn't pay for the extra backward passes", fewer=True
        ),
        beside=(Reading("accuracy on unknown cells at the end", Accuracy(), _HALF),),
    ),
)
