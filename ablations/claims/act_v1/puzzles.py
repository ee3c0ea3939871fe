"""Document act-v1: puzzle identities, the optimiser of their table, and positions."""

from dataclasses import replace

from ablations.claims.arms_act_v1 import (
    ADAM_PUZZLES,
    LEARNED,
    PUZZLES,
    RECALLED,
    ROTARY,
    TABLE,
    with_table,
)
from ablations.metrics.costs import Parameters
from ablations.metrics.curves import ValidationScore
from ablations.metrics.scores import Accuracy
from ablations.metrics.shares import Held
from ablations.specs.arms import vary
from ablations.specs.claim import Cell, Reading, Statistical
from ablations.specs.protocols import Check, Evaluate, Train
from ablations.specs.tests import Difference, OneSample

_RULE = Check(function="ablations.claims.exact.puzzles:sign_rule")
_HOLDS = OneSample(null=0.99, because="a rule is broken if one check fails")
_FEWER = Difference(null=1.0, because="parameters are exact, so one counts", fewer=True)
_EXACT = Reading("whole boards", Accuracy(cells="exact"))
_ALL_ALONG = ValidationScore(last=PUZZLES.training.updates // PUZZLES.training.evaluate_every)
_IDENTITIES = {
    "one identity for all": replace(PUZZLES, identities="shared"),
    "right identity": PUZZLES,
    "asked with the blank one": Evaluate(after=PUZZLES, identities="blank"),
    "asked with another one": Evaluate(after=PUZZLES, identities="random"),
}
# On pilot seeds 1000 to 1004, validation accuracy at 0.03, 0.1, 0.3 and 1 is 0.768, 0.783, 0.772
# and 0.705 for AdamW, and 0.773, 0.781, 0.778 and 0.712 for sign-SGD. Below, both are worse.
_BEST = 0.1


def _tuned(protocol: Train) -> Train:
    return replace(protocol, training=replace(protocol.training, puzzle_rate=_BEST))


_OPTIMISERS = {
    "AdamW on the table": _tuned(ADAM_PUZZLES),
    "sign-SGD on the table": _tuned(PUZZLES),
}

CLAIMS = (
    Statistical(
        id="puzzle-identity",
        reading=(
            'We read "Use when tasks have distinct identities" as: a model that gets a board\'s '
            "identity is more accurate on unknown cells than one that gets the same for all. "
            "Identities can't help where the input tells the task. Here they are \"task-specific "
            "context\" that it lacks, so a model without them needn't show skill. Boards are two "
            "interleaved sequences modulo 7 in eight tokens; one of eight identities permutes the "
            "elements of the answer. Updates were chosen on pilot seed 1000, with right identities "
            "alone: there, the model is skilled and its table still learns."
        ),
        cells=with_table(_IDENTITIES),
        test=Difference(null=0.02, because="two points are the smallest gain worth a table"),
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
            "choice, AdamW on the rows in use, with moments and step counts for each. Boards and "
            "updates are those of puzzle-identity. For both optimisers, the table's learning rate "
            f"is the best of seven from 0.001 to 1 by validation on pilot seeds: {_BEST:g}. The "
            f"first version used {PUZZLES.training.puzzle_rate:g} for both, tuned for neither, and "
            "sign-SGD was better; there the table had learned little, which favours a faster rule. "
            "This version has fresh seeds and its own place in the family of tests."
        ),
        cells=(*with_table(_OPTIMISERS), Cell("the rule of sign-SGD", TABLE, _RULE, Held())),
        test=Difference(null=0.01, because="a point is the smallest gain worth a second optimiser"),
        beside=(
            _EXACT,
            Reading("validation accuracy, mean over training", _ALL_ALONG),
            Reading("share of exact checks of the rule that hold", test=_HOLDS, cells=(2,)),
        ),
        block=4,  # block 2 has the seeds of the first version
    ),
    Statistical(
        id="positions-rope",
        reading=(
            'The document calls rotary positions "recommended" over learned ones, without a figure '
            "or a task. We read this as a higher accuracy on unknown cells. Boards are lists of "
            "four items, and the item at a named place is asked for, so that only an item's "
            "position counts. Six positions leave little room for a difference, but are what can "
            "be learned on two CPU cores. Task and number of updates were chosen on pilot seed "
            "1000, with learned positions alone: these don't learn patterns, which were tried "
            "before."
        ),
        arms=vary(LEARNED, {"learned positions": {}, "rotary positions": ROTARY}),
        protocol=RECALLED,
        metric=Accuracy(),
        test=Difference(null=0.01, because="a point is the smallest gain worth a recommendation"),
        beside=(_EXACT, Reading("parameters", Parameters(), _FEWER)),
    ),
)
