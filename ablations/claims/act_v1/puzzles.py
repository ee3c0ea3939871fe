"""Document act-v1: puzzle identities, the optimiser of their table, and positions."""

from dataclasses import replace

from ablations.claims.arms_act_v1 import (
    ADAM_PUZZLES,
    LEARNED,
    PUZZLES,
    RECALLED,
    ROTARY,
    tokens,
)
from ablations.metrics.costs import Parameters
from ablations.metrics.curves import ValidationScore
from ablations.metrics.scores import Accuracy
from ablations.metrics.shares import Held
from ablations.specs.arms import Arm, vary
from ablations.specs.claim import Cell, Reading, Statistical
from ablations.specs.protocols import Check, Evaluate, Protocol, Train
from ablations.specs.tests import Difference, OneSample

_ARM = Arm("puzzle table", tokens(puzzles=True))
_RULE = Check(function="ablations.claims.exact.puzzles:sign_rule")
_EXACT = Reading("whole boards", Accuracy(cells="exact"))
_TASK = (
    "A board has eight tokens: two interleaved sequences modulo 7, with one element of each asked "
    "for. It also has one of eight identities, which permutes the elements of its whole answer. "
    "The number of updates was chosen on pilot seed 1000, for the arm with right identities and "
    "sign-SGD alone. There this arm is far better than the trivial methods, and its table is still "
    "learning."
)
# On pilot seeds 1000 to 1004, validation accuracy at 0.03, 0.1, 0.3 and 1 is 0.768, 0.783, 0.772
# and 0.705 for AdamW, and 0.773, 0.781, 0.778 and 0.712 for sign-SGD. Below, both are worse.
_TUNED = 0.1
_VALIDATIONS = PUZZLES.training.updates // PUZZLES.training.evaluate_every


def _tuned(protocol: Train) -> Train:
    return replace(protocol, training=replace(protocol.training, puzzle_rate=_TUNED))


def _cell(label: str, protocol: Protocol) -> Cell:
    return Cell(label, _ARM, protocol, Accuracy())


CLAIMS = (
    Statistical(
        id="puzzle-identity",
        reading=(
            'We read "Use when tasks have distinct identities" as: a model that is told which task '
            "a board belongs to has a higher accuracy on unknown cells than one that is told the "
            "same identity for all boards. Both arms have the same table, and an update touches "
            "only as many rows as its batch names. The outcome depends on the task: identities "
            "can't help where the input already tells the task, and must help where it doesn't. "
            'The document speaks of "task-specific context", so here the identity carries '
            f"information that the input lacks. {_TASK} The accuracy of the trained model when it "
            "is given the blank identity, or another one, is also shown. The claim "
            "puzzle-id-dependence tests what identities do where the input tells them."
        ),
        cells=(
            _cell("one identity for all", replace(PUZZLES, identities="shared")),
            _cell("right identity", PUZZLES),
            _cell("asked with the blank one", Evaluate(after=PUZZLES, identities="blank")),
            _cell("asked with another one", Evaluate(after=PUZZLES, identities="random")),
        ),
        test=Difference(
            null=0.02, because="two points are the smallest gain worth a table and its optimiser"
        ),
        beside=(
            _EXACT,
            Reading("against being asked with the blank identity", cells=(2, 1)),
            Reading("against being asked with another identity", cells=(3, 1)),
        ),
        unskilled=("one identity for all",),
    ),
    Statistical(
        id="puzzle-signsgd",
        reading=(
            'We read "SignSGD works well for sparse updates" as a comparison with the usual '
            "choice: AdamW on the rows in use, with separate moments and step counts for each row. "
            "The rest of the model is trained by AdamW in both arms. For each of the two "
            "optimisers, the table's learning rate is the best of seven from 0.001 to 1, by "
            f"validation on pilot seeds; both came out at {_TUNED:g}. (The first version used "
            f"{PUZZLES.training.puzzle_rate:g} for both, and sign-SGD was better. At that rate the "
            "table had learned little, which favours a faster rule. Neither rate had been tuned, "
            "so this version replaces the first one, with its own seeds and its own place in the "
            "family of tests.) How fast a table learns is also shown, by the mean of all "
            "validations. An exact check, also shown, tests whether the rule is the documented "
            "one: rows in use move against the sign of their summed gradient and others don't "
            "move, whether a batch comes at once or in parts. (The optimiser's tests check that "
            "two processes take one common step.) Boards and updates are those of puzzle-identity."
        ),
        cells=(
            _cell("AdamW on the table", _tuned(ADAM_PUZZLES)),
            _cell("sign-SGD on the table", _tuned(PUZZLES)),
            Cell("the rule of sign-SGD", _ARM, _RULE, Held()),
        ),
        test=Difference(null=0.01, because="a point is the smallest gain worth a second optimiser"),
        beside=(
            _EXACT,
            Reading("validation accuracy, mean over training", ValidationScore(last=_VALIDATIONS)),
            Reading(
                "share of exact checks of the rule that hold",
                test=OneSample(null=0.99, because="a rule is broken if one check fails"),
                cells=(2,),
            ),
        ),
        block=4,  # block 2 has the seeds of the first version
    ),
    Statistical(
        id="positions-rope",
        reading=(
            'The document calls rotary positions "recommended" over learned ones. We read this as '
            "a higher accuracy on unknown cells. The recommendation comes with no figure and no "
            "task. Boards here are lists of four items, and the item at a named place is asked "
            "for, so that only an item's position counts. Six positions leave little room for a "
            "difference, but are what can be learned on two CPU cores. The number of updates was "
            "chosen on pilot seed 1000, with learned positions alone. Learned positions add "
            "parameters, whose number is also shown."
        ),
        arms=vary(
            LEARNED,
            {"learned positions": {}, "rotary positions": ROTARY},
        ),
        protocol=RECALLED,
        metric=Accuracy(),
        test=Difference(null=0.01, because="a point is the smallest gain worth a recommendation"),
        beside=(
            _EXACT,
            Reading(
                "parameters",
                Parameters(),
                Difference(
                    null=1.0,
                    because="numbers of parameters are exact, so one parameter counts",
                    fewer=True,
                ),
            ),
        ),
    ),
)
