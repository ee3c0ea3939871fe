"""What a wrong puzzle identity does to a trained model's answers."""

from ablations.claims.arms_act_v1 import PUZZLES, TOLD_PUZZLES, tokens
from ablations.metrics.scores import Accuracy, Margin
from ablations.specs.arms import Arm
from ablations.specs.claim import Cell, Reading, Statistical
from ablations.specs.protocols import Evaluate, Protocol
from ablations.specs.tests import Difference, OneSample

_ARM = Arm("puzzle table", tokens(puzzles=True))


def _cell(label: str, protocol: Protocol) -> Cell:
    return Cell(label, _ARM, protocol, Accuracy())


CLAIMS = (
    Statistical(
        id="puzzle-id-dependence",
        reading=(
            "One trained model answers the same boards twice, with their own puzzle identity and "
            "with another one. Accuracy on unknown cells has to fall with the other identity. By "
            "the task's design it falls where only the identity determines how the elements of "
            "the answer are permuted. That is the case here, and also where the input doesn't "
            "show a puzzle's rule. Boards whose identity follows from the input are shown beside; "
            "with these, accuracy needn't fall. The reported fall, to nothing, is of whole boards "
            "of a task on which trivial methods get nothing right. Here, an answer that is no "
            "better than the best trivial method's counts as nothing, and the margin over that "
            "method is shown beside. A board is two interleaved sequences modulo 7 in eight "
            "tokens, and has one of eight identities."
        ),
        cells=(
            _cell("right identity", Evaluate(after=PUZZLES, identities="given")),
            _cell("another identity", Evaluate(after=PUZZLES, identities="random")),
            _cell("blank identity", Evaluate(after=PUZZLES, identities="blank")),
            _cell("right, where the input tells", Evaluate(after=TOLD_PUZZLES)),
            _cell(
                "another, where the input tells", Evaluate(after=TOLD_PUZZLES, identities="random")
            ),
        ),
        test=Difference(
            null=0.02, because="a reader would notice a difference of two points", fewer=True
        ),
        beside=(
            Reading("whole boards", Accuracy(cells="exact")),
            Reading("the blank identity", cells=(0, 2)),
            Reading("where the input tells the identity", cells=(3, 4)),
            Reading(
                "another identity over the best trivial method",
                Margin(),
                OneSample(
                    null=0.02,
                    because=(
                        "two points above the best trivial method are the least that counts as "
                        "skill"
                    ),
                ),
                cells=(1,),
            ),
        ),
        unskilled=("another identity",),
    ),
)
