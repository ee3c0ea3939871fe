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
            "four segments, against the loss after the last one alone, with one-step gradients and "
            "detached segments as documented, and one optimiser step per batch. Convergence is the "
            f"number of updates until {ARRIVED:.0%} of unknown cells are right, not counting that "
            "supervised segments need more backward passes. Levels as in act-v1, on 4×4 sudokus as "
            "one vector, stand in for the document's recursion, which halts per position. "
            f"{SEGMENTED_CHOSEN} On 8×8 mazes, tried before, an arm doesn't beat the best trivial "
            "method."
        ),
        arms=(LAST, EVEN),
        protocol=SEGMENTED,
        metric=Arrival(threshold=ARRIVED, cap=float(SEGMENTED.training.updates), smooth=2),
        test=TimeToTarget(
            null=0.1, because="saving less doesn't pay for the extra backward passes", fewer=True
        ),
        beside=(Reading("accuracy on unknown cells at the end", Accuracy(), _HALF),),
    ),
)
