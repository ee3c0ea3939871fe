"""Document amulgent: separate Q heads, and exploration that adapts."""

from dataclasses import replace

from ablations.claims.arms_amulgent import HALTING, Q1, Q2, Q3
from ablations.metrics.base import Metric
from ablations.metrics.costs import HaltingEntropy
from ablations.metrics.gradients import TrunkNorm
from ablations.metrics.halting import AnswerRegret, StepEntropy
from ablations.metrics.scores import Accuracy
from ablations.specs.arms import Arm
from ablations.specs.claim import Cell, Reading, Statistical
from ablations.specs.protocols import Evaluate, Forced, Protocol, QGradients, Train
from ablations.specs.tests import Difference, Ratio

_HALTS = (
    "As coded, each halting step starts again from the same state, so that the answer is the same "
    "wherever the model halts, and halting is rewarded whatever the answer. No decision could then "
    "be better than another. So here states are carried on from step to step, and the reward is 1 "
    "if the whole board is right and 0 otherwise, less 0.01 for each step. Targets and losses are "
    "the document's, from the batch's own halting steps. Boards are 4×4 sudokus in equal thirds of "
    "5, 8 and 11 clues; the model takes at most four steps. "
)
_HEADS = (
    "Two linear heads are the same as one linear map with two rows, so only the loss differs: it "
    "is that of the larger Q value alone, or of both values, each with its own target. "
)
_STEPS = Forced(steps=4)
_LESS = Difference(null=0.005, because="half the cost of a step is negligible", fewer=True)
_EARLY = replace(HALTING, training=replace(HALTING.training, updates=50))


def _cell(arm: Arm, protocol: Protocol, metric: Metric, label: str = "") -> Cell:
    return Cell(f"{arm.label}{label and ', '}{label}", arm, protocol, metric)


def _gradient(label: str, after: Train, *, separate: bool) -> Cell:
    """The same arm and experiences; only whose loss is differentiated differs."""
    return Cell(label, Q2, QGradients(after=after, separate=separate), TrunkNorm())


CLAIMS = (
    Statistical(
        id="qheads-split",
        reading=(
            "We read deciding better as less regret: the reward at the best step of each held-out "
            f"board, minus the reward at the step where the model stops. {_HALTS}{_HEADS}Both arms "
            "explore alike."
        ),
        arms=(Q1, Q2),
        protocol=Evaluate(after=HALTING, mode=_STEPS),
        metric=AnswerRegret(),
        test=_LESS,
        beside=(
            Reading(
                "accuracy on unknown cells after all steps",
                Accuracy(),
                Difference(
                    null=0.005, because="half a point is the smallest difference worth noticing"
                ),
            ),
        ),
    ),
    Statistical(
        id="qheads-exploration",
        reading=(
            "To balance exploration and exploitation, a model has to stop at varying steps. The "
            "arms are therefore compared by the entropy of the step at which samples halt in "
            "training, in windows of 25 updates. Where all samples halt at the same step, nothing "
            f"is explored. Whether the variety pays is also shown, as regret. {_HALTS}{_HEADS}The "
            "explicit exploration is equal in both arms."
        ),
        cells=(
            _cell(Q1, HALTING, StepEntropy()),
            _cell(Q2, HALTING, StepEntropy()),
            *(
                _cell(arm, Evaluate(after=HALTING, mode=_STEPS), AnswerRegret(), "regret")
                for arm in (Q1, Q2)
            ),
        ),
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
            "We read gradient flow as the norm of the Q loss's gradient in the shared trunk, which "
            "is all parameters except the heads'. One model is trained for 50 updates with "
            "separate losses and takes the same halting steps for both cells; only the loss that "
            "is differentiated differs. Since one of the losses has two terms and the other has "
            "one, each norm is divided by the sum of its terms' weights. The norms without this "
            "division, and those of the model at the end of training, are also shown. "
            f"{_HALTS}{_HEADS}"
        ).strip(),
        cells=(
            _gradient("one loss of the larger value", _EARLY, separate=False),
            _gradient("a loss for each head", _EARLY, separate=True),
            _gradient("one loss, trained", HALTING, separate=False),
            _gradient("two losses, trained", HALTING, separate=True),
        ),
        test=Ratio(null=0.1, because="10 % of a norm is less than the random variation of a batch"),
        beside=(
            Reading("norms of the losses as they are", TrunkNorm(per_term=False)),
            Reading("at the end of training", cells=(2, 3)),
        ),
        unskilled=("one loss of the larger value", "a loss for each head"),  # early in training
    ),
    Statistical(
        id="exploration-curriculum",
        reading=(
            "We read improved learning as a higher accuracy on unknown cells of held-out boards "
            "after equal updates, where the model's decisions to halt are obeyed. As coded, "
            "exploration looks ahead from a sample's current step: it draws a later step, so that "
            "the minimum number of steps is small at first and grows with the steps taken. It is "
            "compared with a fixed minimum of two steps. Both arms explore with probability 0.1 "
            "and have separate losses. A schedule over training is another interpretation, which "
            f"neither the text nor the code describes. {_HALTS}"
        ).strip(),
        cells=(
            _cell(Q3, HALTING, Accuracy()),
            _cell(Q2, HALTING, Accuracy()),
            *(
                _cell(arm, Evaluate(after=HALTING, mode=_STEPS), AnswerRegret(), "regret")
                for arm in (Q3, Q2)
            ),
        ),
        test=Difference(
            null=0.005, because="half a point is the smallest difference worth noticing"
        ),
        beside=(
            Reading("boards answered exactly", Accuracy(cells="exact")),
            Reading("regret of the stops", test=_LESS, cells=(2, 3)),
        ),
    ),
)
