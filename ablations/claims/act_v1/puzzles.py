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

_ARM = Arm(label="puzzle table", part=tokens(puzzles=True))
_RULE = Check(function="ablations.claims.exact.puzzles:sign_rule")
_EXACT = Reading(label="whole boards", metric=Accuracy(cells="exact"))
_TASK = (
    "Boards are two interleaved sequences modulo 7, of which one element each is asked, in eight "
    "tokens; each board has one of eight identities, which permutes the elements of its whole "
    "answer. Updates were chosen on pilot seed 1000, on the arm with right identities and "
    "sign-SGD alone: there it is far beyond the trivial methods, and its table is still learning."
)
# On pilot seeds 1000 to 1004, validation accuracy at 0.03, 0.1, 0.3 and 1 is 0.768, 0.783, 0.772
# and 0.705 for AdamW, and 0.773, 0.781, 0.778 and 0.712 for sign-SGD. Below, both are worse.
_TUNED = 0.1
_VALIDATIONS = PUZZLES.training.updates // PUZZLES.training.evaluate_every


def _tuned(protocol: Train) -> Train:
    return replace(protocol, training=replace(protocol.training, puzzle_rate=_TUNED))


def _cell(label: str, protocol: Protocol) -> Cell:
    return Cell(label=label, arm=_ARM, protocol=protocol, metric=Accuracy())


CLAIMS = (
    Statistical(
        id="puzzle-identity",
        section="Tips & Best Practices, 3. Puzzle Embeddings",
        reading=(
            '"Use when tasks have distinct identities" is read as: telling a model which task a '
            "board is of gives a higher accuracy on unknown cells than telling it one identity for "
            "all boards. Both arms have the same table, of which as many rows are touched in an "
            "update as a batch names. The outcome depends on the task: identities can't help where "
            "the input tells the task, and have to where it doesn't. The document speaks of "
            f'"task-specific context", so the identity carries what the input lacks. {_TASK} '
            "Beside it stands the trained model asked with the blank identity or another one. What "
            "identities do where the input tells them stands with puzzle-id-dependence."
        ),
        cells=(
            _cell("one identity for all", replace(PUZZLES, identities="shared")),
            _cell("right identity", PUZZLES),
            _cell("asked with the blank one", Evaluate(after=PUZZLES, identities="blank")),
            _cell("asked with another one", Evaluate(after=PUZZLES, identities="random")),
        ),
        test=Difference(null=0.02, because="two points are worth a table and its optimiser"),
        beside=(
            _EXACT,
            Reading(label="against being asked with the blank identity", cells=(2, 1)),
            Reading(label="against being asked with another identity", cells=(3, 1)),
        ),
        unskilled=("one identity for all",),
        cost=3.5,
    ),
    Statistical(
        id="puzzle-signsgd",
        section="Tips & Best Practices, 3. Puzzle Embeddings; Training, Basic Training Loop",
        reading=(
            '"SignSGD works well for sparse updates" is read as a comparison with what one would '
            "take otherwise: AdamW on the rows in use, with moments and steps of each row's own. "
            "The rest of the model has AdamW in both arms. Each optimiser of the table has its own "
            "best rate of seven from 0.001 to 1, by validation on pilot seeds; both came out at "
            f"{_TUNED:g}. (The first version had {PUZZLES.training.puzzle_rate:g} for both, where "
            "sign-SGD was better: there the table had learned little, and a faster rule gains. "
            "Neither rate had been tuned, so this version replaces it, with seeds and a place in "
            "the family of its own.) How fast a table learns is shown beside, by the mean of all "
            "validations. Whether the rule is the documented one is checked beside, exactly: rows "
            "in use move against the sign of their summed gradient, others not at all, whether a "
            "batch comes at once or in parts. (That two processes take one step is held by the "
            "optimiser's tests.) Boards and updates are those of puzzle-identity."
        ),
        cells=(
            _cell("AdamW on the table", _tuned(ADAM_PUZZLES)),
            _cell("sign-SGD on the table", _tuned(PUZZLES)),
            Cell(label="the rule of sign-SGD", arm=_ARM, protocol=_RULE, metric=Held()),
        ),
        test=Difference(null=0.01, because="a point is worth a second optimiser"),
        beside=(
            _EXACT,
            Reading(
                label="validation accuracy, mean over training",
                metric=ValidationScore(last=_VALIDATIONS),
            ),
            Reading(
                label="share of exact checks of the rule that hold",
                test=OneSample(null=0.99, because="one check that fails is a broken rule"),
                cells=(2,),
            ),
        ),
        block=4,  # block 2 has the seeds of the first version
        cost=3.5,
    ),
    Statistical(
        id="positions-rope",
        section="Configuration Guide, Position Encodings",
        reading=(
            'Rotary positions are "recommended" over learned ones: they are to give a higher '
            "accuracy on unknown cells. The recommendation has no figure, and no task. Boards are "
            "lists of four items, of which that at a named place is asked for: where an item "
            "stands is all that counts. Six positions leave little room, and are what two cores "
            "learn; the updates were chosen on pilot seed 1000, with learned positions alone. "
            "Parameters, which learned positions add, are counted beside."
        ),
        arms=vary(
            LEARNED,
            {"learned positions": {}, "rotary positions": ROTARY},
        ),
        protocol=RECALLED,
        metric=Accuracy(),
        test=Difference(null=0.01, because="a point is what a recommendation should be worth"),
        beside=(
            _EXACT,
            Reading(
                label="parameters",
                metric=Parameters(),
                test=Difference(null=1.0, because="a parameter is a parameter", fewer=True),
            ),
        ),
        cost=3.0,
    ),
)
