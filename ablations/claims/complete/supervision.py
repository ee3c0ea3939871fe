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
        section="Architecture Features, Advanced Training; Key Innovations Implemented",
        reading=(
            '"Loss applied to intermediate states" is the mean of the losses after each of four '
            "segments, against the loss after the last one alone. Both arms have the same forward "
            "pass, one-step gradient and detached segments, as documented, and one optimiser step "
            "per batch; convergence is counted in updates to "
            f"{ARRIVED:.0%} of unknown cells right on validation boards (at most {_UPDATES}, "
            "looked at every 25, averaged over two of them). Transformer levels as in act-v1, on "
            "the board as one vector, stand in for the document's own recursion, which halts per "
            "position (as `recipes.complete` does, which came later). "
            f"The boards are {SUDOKU_MIX}; the best trivial baseline has 79 %. {SEGMENTED_CHOSEN} "
            "On 8×8 mazes, which came before, an arm "
            "doesn't beat it. Supervised segments cost a backward pass each: equal updates "
            "favour them."
        ),
        arms=(LAST, EVEN),
        protocol=SEGMENTED,
        metric=Arrival(threshold=ARRIVED, cap=float(_UPDATES), smooth=2),
        test=TimeToTarget(
            null=0.1,
            because="under 10 % fewer updates don't pay for the extra backward passes",
            fewer=True,
        ),
        beside=(
            Reading(
                label="accuracy on unknown cells at the end",
                metric=Accuracy(),
                test=Difference(null=0.005, because="half a point is the least worth noticing"),
            ),
        ),
        cost=6.0,
    ),
)
