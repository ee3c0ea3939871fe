"""What adaptive halting costs in accuracy, and what training with several steps gains."""

from ablations.claims.arms_act_v1 import HALTING, LEVELS, levels
from ablations.claims.ledger import figure
from ablations.metrics.costs import Cycles
from ablations.metrics.scores import Accuracy, HaltedAccuracy
from ablations.specs.arms import Arm, vary
from ablations.specs.claim import Cell, Reading, Statistical
from ablations.specs.protocols import Evaluate, Forced, Greedy
from ablations.specs.tests import Difference, NotWorse, Ratio

_BOARDS = "Boards are 4×4 sudokus as one vector, models act-v1's with at most four halting steps."
_UNKNOWN = (
    "Unknown cells carry the verdict, since whole boards, which stand beside, scatter three times "
    "as much between runs."
)
_NOTICED = "two points are what a reader would notice"
_EXACT = Reading(label="whole boards", metric=Accuracy(cells="exact"))
_ONCE = Arm(label="trained with 1 step", part=levels(steps=1))
_OFTEN = Arm(label="trained with 8 steps", part=levels(steps=8))
_ARM = Arm(label="act-v1", part=LEVELS)
_LEAST = figure("train-many-infer-one").least / 100

CLAIMS = (
    Statistical(
        id="act-training",
        section="ARC Prize, analysis of HRM (2025): adaptive computation",
        reading=(
            '"Within a few points" of a fixed number of steps is read as not two points worse in '
            "nearly every run. The fixed model never halts before its last step: Q values are "
            "rigged by their biases, and their losses have no weight. Both take equal numbers of "
            "updates, each of one halting step. The adaptive model replaces boards that halt by "
            "fresh ones, and so sees more of them, which is part of what is compared. In "
            f"evaluation both take all steps. {_BOARDS} {_UNKNOWN}"
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
        cost=4.0,
    ),
    Statistical(
        id="act-continue-loss",
        section="Less is More (arXiv 2510.04871), section 4 and table 1",
        reading=(
            "Without the loss on Q(continue), which takes a second forward pass, a model halts "
            "where Q(halt) is above zero. Left out, it is to cost no two points of accuracy in "
            "nearly every run. The paper leaves it out of one tiny network; here it is left out "
            f"of act-v1's two levels, which are what has it. {_BOARDS} {_UNKNOWN}"
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
        cost=4.0,
    ),
    Statistical(
        id="act-evaluation",
        section="arXiv 2510.00355, halting in evaluation",
        reading=(
            "One trained model answers the same boards with all of its steps, and halting where "
            "Q(halt) exceeds Q(continue), each board's answer being that of the step where it "
            "halts. Losing nothing is read as not a point worse in nearly every run: the same "
            "weights answer, so that a narrower margin than between runs can be told. Where nobody "
            "halts before the last step, both answers are one and the claim can't be decided; "
            f"steps stand beside. {_BOARDS} {_UNKNOWN}"
        ),
        cells=(
            Cell(
                label="all steps",
                arm=_ARM,
                protocol=Evaluate(after=HALTING),
                metric=HaltedAccuracy(),
            ),
            Cell(
                label="halting",
                arm=_ARM,
                protocol=Evaluate(after=HALTING, mode=Greedy(halt=True)),
                metric=HaltedAccuracy(),
            ),
        ),
        test=NotWorse(margin=0.01, because="a point between answers of one model is noticed"),
        beside=(
            _EXACT,
            Reading(
                label="halting steps",
                metric=Cycles(),
                test=Ratio(null=0.05, because="steps that are saved by halting", fewer=True),
            ),
        ),
        cost=4.0,
    ),
    Statistical(
        id="train-many-infer-one",
        section="ARC Prize, analysis of HRM (2025): training with 16 segments, inference with 1",
        reading=(
            "Training with 16 halting steps and with 1 is scaled to 8 and 1; both models are then "
            "evaluated with one step. Updates are equal, and each is one step: with 8, a board "
            "stays for up to 8 updates, so that fewer fresh boards are seen. The figure counts "
            "whole tasks, hence whole boards here, and is a gain of at least so many points; "
            "unknown cells stand beside, and so does what all eight steps answer. Boards are 4×4 "
            "sudokus as one vector, the model act-v1's."
        ),
        cells=(
            Cell(
                label=_ONCE.label,
                arm=_ONCE,
                protocol=Evaluate(after=HALTING, mode=Forced(steps=1)),
                metric=Accuracy(cells="exact"),
            ),
            Cell(
                label=_OFTEN.label,
                arm=_OFTEN,
                protocol=Evaluate(after=HALTING, mode=Forced(steps=1)),
                metric=Accuracy(cells="exact"),
            ),
            Cell(
                label="trained and evaluated with 8 steps",
                arm=_OFTEN,
                protocol=Evaluate(after=HALTING, mode=Forced(steps=8)),
                metric=Accuracy(cells="exact"),
            ),
        ),
        test=Difference(
            null=0.02,
            because="two points of whole boards are beyond what runs scatter by",
            at_least=_LEAST,
            band_because="the reported gain, an at least",
        ),
        beside=(
            Reading(label="unknown cells", metric=Accuracy()),
            Reading(label="all eight steps against one", cells=(1, 2)),
        ),
        unskilled=(_ONCE.label,),
        cost=4.0,
    ),
)
