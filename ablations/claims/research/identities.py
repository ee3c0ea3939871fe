"""What a wrong puzzle identity does to a trained model's answers."""

from ablations.claims.arms_act_v1 import PUZZLES, TOLD_PUZZLES, with_table
from ablations.metrics.scores import Accuracy, Margin
from ablations.specs.claim import Reading, Statistical
from ablations.specs.protocols import Evaluate
from ablations.specs.tests import Difference, OneSample

_ASKED = {
    "right identity": Evaluate(after=PUZZLES, identities="given"),
    "another identity": Evaluate(after=PUZZLES, identities="random"),
    "blank identity": Evaluate(after=PUZZLES, identities="blank"),
    "right, where the input tells": Evaluate(after=TOLD_PUZZLES),
    "another, where the input tells": Evaluate(after=TOLD_PUZZLES, identities="random"),
}
_SKILL = OneSample(null=0.02, because="less than two points above it doesn't count as skill")

CLAIMS = (
    Statistical(
        id="puzzle-id-dependence",
        reading=(
            "One trained model answers the same boards with their own puzzle identity and with "
            "another one. With the other, accuracy on unknown cells has to fall, so it needn't "
            "show skill. It falls by the task's design, since only the identity tells how the "
            "answer is permuted. Reported is a fall to nothing of whole boards, of which trivial "
            "methods get none right. Here, answers no better than the best trivial method's count "
            "as nothing. The boards are those of puzzle-identity."
        ),
        cells=with_table(_ASKED),
        test=Difference(null=0.02, because="a reader would notice two points", fewer=True),
        beside=(
            Reading("whole boards", Accuracy(cells="exact")),
            Reading("the blank identity", cells=(0, 2)),
            Reading("where the input tells the identity", cells=(3, 4)),
            Reading("another identity over the best trivial method", Margin(), _SKILL, cells=(1,)),
        ),
        unskilled=("another identity",),
    ),
)
