"""Several answers of one trained model, its answers to easy boards, and to a single step."""

from ablations.claims.arms_act_v1 import ACT_V1, HALTING, STEPS, answered
from ablations.metrics.ensembles import ChosenAccuracy, EasyFailure, FirstStepShare
from ablations.metrics.scores import Accuracy
from ablations.specs.claim import Cell, Reading, Statistical
from ablations.specs.protocols import Forced, OneUnknown, Trajectories, Vote
from ablations.specs.tests import Difference, OneSample

_POINT = "a gain of one point is the least for which several answers are worthwhile"
_ANSWERS = Difference(null=0.01, because=_POINT)
_SUDOKU = "Boards are 4×4 sudokus as one vector, the model act-v1's with four halting steps."
_WHOLE = Accuracy(cells="exact")
_COUNTED = (
    "Whole boards are counted, as in the paper: since both sides have the same weights, a "
    "difference can be detected. The reported figure, of other boards and a larger model, carries "
    f"no verdict. {_SUDOKU}"
)
_UNKNOWN = Reading("unknown cells", Accuracy())
_ONE = Cell("one answer", ACT_V1, HALTING, _WHOLE)


def _chosen(by: str) -> ChosenAccuracy:
    return ChosenAccuracy(by=by, cells="exact")


_NOISY = (
    answered("chosen by Q among 16", Trajectories(), _WHOLE),
    answered("majority of 16", Trajectories(), _chosen("majority")),
    answered("best of 16", Trajectories(), _chosen("oracle")),
    answered("one noisy trajectory", Trajectories(), _chosen("single")),
)

CLAIMS = (
    Statistical(
        id="noise-recursion",
        reading=(
            "One trained model answers each board without noise, and along 16 noisy trajectories, "
            "of which the one with the largest Q(halt) at its end counts. Normal noise is added to "
            "every entry of both states before each halting step, and all steps are taken. The "
            "scale of the noise is the best of five on validation boards, by accuracy on unknown "
            f"cells. {_COUNTED}"
        ),
        cells=(_ONE, *_NOISY),
        test=_ANSWERS,
        beside=(
            _UNKNOWN,
            Reading("whole boards, majority", cells=(0, 2)),
            Reading("whole boards, best trajectory", cells=(0, 3)),
            Reading("whole boards, one trajectory", cells=(0, 4)),
        ),
    ),
    Statistical(
        id="easy-puzzle-failure",
        reading=(
            "A trained model answers boards with a single unknown cell: solutions of its test "
            "boards, with one of the open cells left open. That it can fail is read as a wrong "
            "answer in that cell on more than one in a hundred of these boards; fewer might be "
            "called slips. If the share of wrong test boards is subtracted, a value above zero "
            "says that easy boards fail more often than those of the training difficulty. "
            f"{_SUDOKU}"
        ),
        cells=(answered("boards with one unknown cell", OneUnknown(), EasyFailure()),),
        test=OneSample(null=0.01, because="one board in a hundred might be a slip"),
        beside=(
            Reading("given cells right as well", EasyFailure(cells="exact")),
            Reading(
                "less the share of test boards, whole boards",
                EasyFailure(cells="exact", against=True),
            ),
        ),
    ),
    Statistical(
        id="vote-permutations",
        reading=(
            "A vote over nine copies of each board is compared with one answer of the same weights "
            "to the board itself. The digits of each copy are exchanged in a different way, drawn "
            "once per run. The answers are renamed back, and in each cell the most frequent digit "
            "wins, the smallest in case of a tie. The paper's figure includes two further "
            f"techniques, which are left out. {_COUNTED}"
        ),
        cells=(
            _ONE,
            answered("vote of 9 copies", Vote(), _WHOLE),
            answered("one of the copies", Vote(), _chosen("single")),
        ),
        test=_ANSWERS,
        beside=(_UNKNOWN, Reading("whole boards, one copy", cells=(0, 2))),
    ),
    Statistical(
        id="first-step-share",
        reading=(
            "Accuracy itself would flatter the first step, since trivial methods have most of it. "
            "The gain of a step is therefore its accuracy on unknown cells minus that of the best "
            'trivial method. "Most" is read as: the gain after the first step is more than half of '
            "that after the fourth and last step. Every board takes all steps. The value shown is "
            f"the share minus one half. {_SUDOKU}"
        ),
        cells=(answered("after the first step", Forced(steps=STEPS), FirstStepShare()),),
        test=OneSample(constant=0.5, null=0.05, because="a share of 55 % is no clear majority"),
    ),
)
