"""What adaptive halting costs in accuracy, and what training with several steps gains."""

from ablations.claims.arms_act_v1 import HALTING, LEVELS, levels
from ablations.claims.ledger import figure
from ablations.metrics.costs import Cycles
from ablations.metrics.scores import Accuracy, HaltedAccuracy
from ablations.specs.arms import Arm, vary
from ablations.specs.claim import Cell, Reading, Statistical
from ablations.specs.protocols import Evaluate, Forced, Greedy
from ablations.specs.tests import Difference, NotWorse, Ratio

_BOARDS = (
    "Boards are 4×4 sudokus as one vector. Models are act-v1's with at most four halting steps."
)
_UNKNOWN = (
    "The verdict is on accuracy on unknown cells. Accuracy on whole boards, which scatters three "
    "times as much between runs, is shown beside it."
)
_NOTICED = "a reader would notice a difference of two points"
_EXACT = Reading("whole boards", Accuracy(cells="exact"))
_ONCE = Arm("trained with 1 step", levels(steps=1))
_OFTEN = Arm("trained with 8 steps", levels(steps=8))
_ARM = Arm("act-v1", LEVELS)
_LEAST = figure("train-many-infer-one").least / 100

CLAIMS = (
    Statistical(
        id="act-training",
        reading=(
            '"Within a few points" of a fixed number of steps is interpreted as less than two '
            "points worse in nearly every run. The fixed model never halts before its last step: "
            "the biases of its Q values prevent it, and the Q losses have zero weight. Both "
            "models take equal numbers of updates, each of one halting step. The adaptive model "
            "replaces boards that halt by fresh ones and therefore sees more boards, which is "
            f"part of what is compared. In evaluation both take all steps. {_BOARDS} {_UNKNOWN}"
        ),
        arms=vary(
            LEVELS,
            {
                "fixed steps": {"objective.weight": 0.0, "model.halting.biases": (-5.0, 5.0)},
                "adaptive steps": {},
            },
        ),
        protocol=HALTING,
        metric=Accuracy(),
        test=NotWorse(margin=0.02, because=_NOTICED),
        beside=(_EXACT,),
    ),
    Statistical(
        id="act-continue-loss",
        reading=(
            "A model trained without the loss on Q(continue) is compared with one trained with "
            "it. The loss can be left out if that costs less than two points of accuracy in "
            "nearly every run. It takes a second forward pass; a model without it halts where "
            "Q(halt) is above zero. The paper leaves the loss out of one tiny network. Here it is "
            f"left out of act-v1's two levels, the model that has it. {_BOARDS} {_UNKNOWN}"
        ),
        arms=vary(
            LEVELS,
            {
                "with the continue loss": {},
                "without it": {
                    "objective.continue_loss": False,
                    "model.halting.against_continue": False,
                },
            },
        ),
        protocol=HALTING,
        metric=Accuracy(),
        test=NotWorse(margin=0.02, because=_NOTICED),
        beside=(_EXACT,),
    ),
    Statistical(
        id="act-evaluation",
        reading=(
            "One trained model answers the same boards twice: with all of its steps, and halting "
            "where Q(halt) exceeds Q(continue). With halting, a board's answer is that of the "
            "step at which it halts. Losing no accuracy is interpreted as less than one point "
            "worse in nearly every run. The margin is narrower than between runs, since the same "
            "weights give both answers. If no board halts before the last step, the answers are "
            "identical and the claim can't be decided. The numbers of steps are shown beside. "
            f"{_BOARDS} {_UNKNOWN}"
        ),
        cells=(
            Cell("all steps", _ARM, Evaluate(after=HALTING), HaltedAccuracy()),
            Cell(
                "halting", _ARM, Evaluate(after=HALTING, mode=Greedy(halt=True)), HaltedAccuracy()
            ),
        ),
        test=NotWorse(
            margin=0.01, because="a difference of one point between answers of one model is noticed"
        ),
        beside=(
            _EXACT,
            Reading(
                "halting steps",
                Cycles(),
                Ratio(
                    null=0.05,
                    because="a saving below a twentieth of the steps doesn't count",
                    fewer=True,
                ),
            ),
        ),
    ),
    Statistical(
        id="train-many-infer-one",
        reading=(
            "Training with 16 halting steps and with 1 is scaled to 8 and 1. Both models are "
            "evaluated with one step. They are trained for equal numbers of updates, each of one "
            "step. With 8 steps, a board stays for up to 8 updates, so that the model sees fewer "
            "fresh boards. The reported figure counts whole tasks, so that whole boards are "
            "counted here; it is a lower bound of the gain in points. Accuracy on unknown cells "
            "is shown beside, and so is the accuracy of the model trained with 8 steps if it is "
            "evaluated with all of them. Boards are 4×4 sudokus as one vector, and the model is "
            "act-v1's."
        ),
        cells=(
            Cell(
                _ONCE.label,
                _ONCE,
                Evaluate(after=HALTING, mode=Forced(steps=1)),
                Accuracy(cells="exact"),
            ),
            Cell(
                _OFTEN.label,
                _OFTEN,
                Evaluate(after=HALTING, mode=Forced(steps=1)),
                Accuracy(cells="exact"),
            ),
            Cell(
                "trained and evaluated with 8 steps",
                _OFTEN,
                Evaluate(after=HALTING, mode=Forced(steps=8)),
                Accuracy(cells="exact"),
            ),
        ),
        test=Difference(
            null=0.02,
            because="two points of whole boards exceed the scatter between runs",
            at_least=_LEAST,
            band_because="the reported gain is a lower bound",
        ),
        beside=(
            Reading("unknown cells", Accuracy()),
            Reading("all eight steps against one", cells=(1, 2)),
        ),
        unskilled=(_ONCE.label,),
    ),
)
