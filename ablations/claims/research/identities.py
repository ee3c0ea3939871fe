"""What a wrong puzzle identity does to a trained model's answers."""

from ablations.claims.arms_act_v1 import PUZZLES, TOLD_PUZZLES, tokens
from ablations.metrics.scores import Accuracy, Margin
from ablations.specs.arms import Arm
from ablations.specs.claim import Cell, Reading, Statistical
from ablations.specs.protocols import Evaluate, Protocol
from ablations.specs.tests import Difference, OneSample

_ARM = Arm(label="puzzle table", part=tokens(puzzles=True))


def _cell(label: str, protocol: Protocol) -> Cell:
    return Cell(label=label, arm=_ARM, protocol=protocol, metric=Accuracy())


CLAIMS = (
    Statistical(
        id="puzzle-id-dependence",
        section="arXiv 2512.11847, puzzle identities",
        reading=(
            "One trained model answers the same boards twice, told their own identity and told "
            "another one: the accuracy on unknown cells is to fall. It falls by the task's design "
            "where the identity alone says how elements of the answer are permuted, as here, and "
            "as where a puzzle's rule isn't shown; boards whose identity follows from the input "
            "stand beside, where it needn't. The reported fall, to nothing, is of whole boards of "
            "a task without a trivial level; here an answer that is no better than the best "
            "trivial method's is nothing, and the margin over it stands beside. Boards are two "
            "interleaved sequences modulo 7 in eight tokens, with one of eight identities each."
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
        test=Difference(null=0.02, because="two points are what a reader would notice", fewer=True),
        beside=(
            Reading(label="whole boards", metric=Accuracy(cells="exact")),
            Reading(label="the blank identity", cells=(0, 2)),
            Reading(label="where the input tells the identity", cells=(3, 4)),
            Reading(
                label="another identity over the best trivial method",
                metric=Margin(),
                test=OneSample(null=0.02, because="two points of skill"),
                cells=(1,),
            ),
        ),
        unskilled=("another identity",),
        cost=3.5,
    ),
)
