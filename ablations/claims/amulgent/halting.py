"""Document amulgent: separate Q heads, and exploration that adapts."""

from dataclasses import replace

from ablations.claims.arms_amulgent import EXACTLY, HALF, HALTING, ON_CELLS, Q1, Q2, Q3
from ablations.claims.boards import SUDOKU_MIX
from ablations.metrics.costs import HaltingEntropy
from ablations.metrics.gradients import TrunkNorm
from ablations.metrics.halting import AnswerRegret, StepEntropy
from ablations.metrics.scores import Accuracy
from ablations.specs.arms import Arm
from ablations.specs.claim import Cell, Reading, Statistical, product
from ablations.specs.protocols import Evaluate, Forced, QGradients, Train
from ablations.specs.tests import Difference, Ratio

_HALTS = (
    "As coded, each halting step starts from the same state and is rewarded whatever the answer, "
    "so that no decision could be better than another. Here states are carried on for at most four "
    "steps, and the reward is 1 if the whole board is right and 0 otherwise, less 0.01 a step. "
    "Targets and losses are the document's."
)
_HEADS = (
    f"{_HALTS} Two linear heads are one linear map with two rows, so only the loss differs: that "
    f"of the larger Q value, or of both, each with its own target. Boards are {SUDOKU_MIX}."
)
_LESS = Difference(null=0.005, because="half the cost of a step is negligible", fewer=True)
_EARLY = replace(HALTING, training=replace(HALTING.training, updates=50))
_EVALUATED = Evaluate(after=HALTING, mode=Forced(steps=4))
_LOSSES = ("one loss of the larger value", "a loss for each head")


def _regret(arm: Arm) -> Cell:
    return Cell(f"{arm.label}, regret", arm, _EVALUATED, AnswerRegret())


def _gradients(after: Train, labels: tuple[str, str]) -> tuple[Cell, ...]:
    """The same arm and experiences; only whose loss is differentiated differs."""
    both = (QGradients(after=after, separate=separate) for separate in (False, True))
    return tuple(Cell(x, Q2, each, TrunkNorm()) for x, each in zip(labels, both, strict=True))


CLAIMS = (
    Statistical(
        id="qheads-split",
        reading=(
            "We read deciding better as less regret: the reward at the best step of each held-out "
            f"board, minus the reward at the step where the model stops. {_HEADS}"
        ),
        arms=(Q1, Q2),
        protocol=_EVALUATED,
        metric=AnswerRegret(),
        test=_LESS,
        beside=(Reading("accuracy on unknown cells after all steps", Accuracy(), HALF),),
    ),
    Statistical(
        id="qheads-exploration",
        reading=(
            "To balance exploration and exploitation, a model has to stop at varying steps: if all "
            "samples halt at the same step, nothing is explored. We compare the entropy of the "
            "halting steps in training, in windows of 25 updates. Explicit exploration is the same "
            f"in both arms. {_HEADS}"
        ),
        cells=(*product((Q1, Q2), HALTING, StepEntropy()), _regret(Q1), _regret(Q2)),
        test=Difference(
            null=0.05, because="it is a 28th of the entropy of four equally frequent steps"
        ),
        beside=(
            Reading("regret of the stops in evaluation", test=_LESS, cells=(2, 3)),
            Reading("entropy of the stops in evaluation, in bits", HaltingEntropy()),
        ),
    ),
    Statistical(
        id="qheads-gradient-flow",
        reading=(
            "We read gradient flow as the norm of the Q loss's gradient in all parameters but the "
            "heads'. One model, trained with separate losses for 50 updates (too few for skill), "
            "takes the same halting steps for both cells. Since one loss has two terms, each norm "
            f"is divided by the sum of its terms' weights. {_HEADS}"
        ),
        cells=(
            *_gradients(_EARLY, _LOSSES),
            *_gradients(HALTING, ("one loss, trained", "two losses, trained")),
        ),
        test=Ratio(null=0.1, because="10 % of a norm is less than the random variation of a batch"),
        beside=(
            Reading("norms of the losses as they are", TrunkNorm(per_term=False)),
            Reading("at the end of training", cells=(2, 3)),
        ),
        unskilled=_LOSSES,  # early in training
    ),
    Statistical(
        id="exploration-curriculum",
        reading=(
            f"We read improved learning as higher {ON_CELLS} after equal updates, where decisions "
            "to halt are obeyed. As coded, exploration draws a step later than the sample's "
            "current one, so that the minimum number of steps is small at first and grows with the "
            "steps taken. We compare this with a fixed minimum of two steps. A schedule over "
            f"training is another interpretation, which neither text nor code describes. {_HALTS}"
        ),
        cells=(*product((Q3, Q2), HALTING, Accuracy()), _regret(Q3), _regret(Q2)),
        test=HALF,
        beside=(EXACTLY, Reading("regret of the stops", test=_LESS, cells=(2, 3))),
    ),
)
