"""Document complete: deep supervision."""

from ablations.claims.arms_research import ARRIVED, EVEN, LAST, SEGMENTED, SEGMENTED_CHOSEN
from ablations.claims.boards import SUDOKU_MIX
from ablations.metrics.curves import Arrival
from ablations.metrics.scores import Accuracy
from ablations.specs.claim import Reading, Statistical
from ablations.specs.tests import Difference, TimeToTarget

_UPDATES = SEGMENTED.training.updates

CLAIMS = (
    Statistical(
        id="deep-supervision",
        reading=(
            'We read "Loss applied to intermediate states" as the mean of the losses after each of '
            "four segments, and compare it with the loss after the last segment alone. Both arms "
            "have the same forward pass, one-step gradient and detached segments, as documented, "
            "and one optimiser step per batch. Convergence is measured as the number of updates "
            f"until {ARRIVED:.0%} of unknown cells are right on validation boards (at most "
            f"{_UPDATES}, evaluated every 25, averaged over two evaluations). Transformer levels "
            "as in act-v1, on the board as one vector, stand in for the document's own recursion, "
            "which halts per position (as does `recipes.complete`, which was added later). The "
            f"boards are {SUDOKU_MIX}; the best trivial method reaches 79 %. {SEGMENTED_CHOSEN} On "
            "8×8 mazes, which were tried before, an arm doesn't beat the best trivial method. Each "
            "supervised segment costs a backward pass, so equal updates favour supervising every "
            "segment."
        ),
        arms=(LAST, EVEN),
        protocol=SEGMENTED,
        metric=Arrival(threshold=ARRIVED, cap=float(_UPDATES), smooth=2),
        test=TimeToTarget(
            null=0.1,
            because="saving under 10 % of the updates doesn't pay for the extra backward passes",
            fewer=True,
        ),
        beside=(
            Reading(
                "accuracy on unknown cells at the end",
                Accuracy(),
                Difference(
                    null=0.005, because="half a point is the smallest difference worth noticing"
                ),
            ),
        ),
    ),
)
