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
    "As coded, each halting step starts again from the same state, so that all stops give one "
    "answer, and halting is rewarded whatever the answer: nothing could be decided well or badly. "
    "So states are carried on, and the reward is whether the whole board is right, less 0.01 for "
    "each step; targets and losses are the document's, from the batch's own halting steps. "
    "4×4 sudokus in equal thirds of 5, 8 and 11 clues, at most four steps. "
)
_HEADS = (
    "Two linear heads are one linear map with two rows: what differs is the loss, of the larger Q "
    "value alone or of both, each with a target of its own. "
)
_STEPS = Forced(steps=4)
_LESS = Difference(null=0.005, because="half of what a step costs isn't felt", fewer=True)
_EARLY = replace(HALTING, training=replace(HALTING.training, updates=50))


def _cell(arm: Arm, protocol: Protocol, metric: Metric, label: str = "") -> Cell:
    return Cell(
        label=f"{arm.label}{label and ', '}{label}", arm=arm, protocol=protocol, metric=metric
    )


def _gradient(label: str, after: Train, *, separate: bool) -> Cell:
    """The same arm and experiences; only whose loss is differentiated differs."""
    return Cell(
        label=label,
        arm=Q2,
        protocol=QGradients(after=after, separate=separate),
        metric=TrunkNorm(),
    )


CLAIMS = (
    Statistical(
        id="qheads-split",
        section="2. Enhanced Adaptive Computation Time, Separate Halt/Continue Q-Values",
        reading=(
            "Deciding better is read as less regret: what the best step of each held-out board "
            "would have earned, beyond the step at which the model stops. "
            f"{_HALTS}{_HEADS}Both arms explore alike."
        ),
        arms=(Q1, Q2),
        protocol=Evaluate(after=HALTING, mode=_STEPS),
        metric=AnswerRegret(),
        test=_LESS,
        beside=(
            Reading(
                label="accuracy on unknown cells after all steps",
                metric=Accuracy(),
                test=Difference(null=0.005, because="half a point is the least worth noticing"),
            ),
        ),
        cost=2.0,
    ),
    Statistical(
        id="qheads-exploration",
        section="2. Enhanced Adaptive Computation Time, Separate Halt/Continue Q-Values",
        reading=(
            "A balance of exploration and exploitation needs stops that vary: read is the entropy "
            "of the step at which samples halt in training, in windows of 25 updates. Where all "
            "halt alike, nothing is explored. Whether the variety pays stands beside, as regret. "
            f"{_HALTS}{_HEADS}The explicit exploration is equal in both arms."
        ),
        cells=(
            _cell(Q1, HALTING, StepEntropy()),
            _cell(Q2, HALTING, StepEntropy()),
            *(
                _cell(arm, Evaluate(after=HALTING, mode=_STEPS), AnswerRegret(), "regret")
                for arm in (Q1, Q2)
            ),
        ),
        test=Difference(null=0.05, because="a 28th of the entropy of four equal shares"),
        beside=(
            Reading(label="regret of the stops in evaluation", test=_LESS, cells=(2, 3)),
            Reading(label="entropy of the stops in evaluation, in bits", metric=HaltingEntropy()),
        ),
        cost=2.0,
    ),
    Statistical(
        id="qheads-gradient-flow",
        section="2. Enhanced Adaptive Computation Time, Enhanced Q-Learning",
        reading=(
            "Gradient flow is read as the norm of the Q values' gradient that reaches the shared "
            "trunk, all parameters but the heads'. One model, trained for 50 updates with separate "
            "losses, takes the same halting steps for both cells; only the loss that is "
            "differentiated differs. Two terms are more than one, so each norm is divided by the "
            "sum of its terms' weights; the raw norms, and the model at the end of training, stand "
            f"beside. {_HALTS}{_HEADS}"
        ).strip(),
        cells=(
            _gradient("one loss of the larger value", _EARLY, separate=False),
            _gradient("a loss for each head", _EARLY, separate=True),
            _gradient("one loss, trained", HALTING, separate=False),
            _gradient("two losses, trained", HALTING, separate=True),
        ),
        test=Ratio(null=0.1, because="10 % of a norm is less than a batch's chance"),
        beside=(
            Reading(label="norms of the losses as they are", metric=TrunkNorm(per_term=False)),
            Reading(label="at the end of training", cells=(2, 3)),
        ),
        unskilled=("one loss of the larger value", "a loss for each head"),  # it is at the start
        cost=1.5,
    ),
    Statistical(
        id="exploration-curriculum",
        section="2. Enhanced Adaptive Computation Time, Separate Halt/Continue Q-Values",
        reading=(
            "As coded, exploration looks ahead from where a sample is: a later step is drawn, so "
            "that minima are short at first and grow with the steps taken. It is compared with a "
            "fixed minimum of two steps, both with probability 0.1 and separate losses; what "
            "improves learning is read as accuracy on unknown cells of held-out boards at equal "
            "updates, halting obeyed. A schedule over training is another reading, which neither "
            f"text nor code describes. {_HALTS}"
        ).strip(),
        cells=(
            _cell(Q3, HALTING, Accuracy()),
            _cell(Q2, HALTING, Accuracy()),
            *(
                _cell(arm, Evaluate(after=HALTING, mode=_STEPS), AnswerRegret(), "regret")
                for arm in (Q3, Q2)
            ),
        ),
        test=Difference(null=0.005, because="half a point is the least worth noticing"),
        beside=(
            Reading(label="boards answered exactly", metric=Accuracy(cells="exact")),
            Reading(label="regret of the stops", test=_LESS, cells=(2, 3)),
        ),
        cost=2.0,
    ),
)
