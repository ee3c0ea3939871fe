"""Several answers of one trained model, its answers to easy boards, and to a single step."""

from ablations.claims.arms_act_v1 import HALTING, STEPS
from ablations.claims.arms_research import LEVELS_ARM
from ablations.metrics.base import Metric
from ablations.metrics.ensembles import ChosenAccuracy, EasyFailure, FirstStepShare
from ablations.metrics.scores import Accuracy
from ablations.specs.claim import Cell, Reading, Statistical
from ablations.specs.protocols import Evaluate, Forced, Mode, OneUnknown, Trajectories, Vote
from ablations.specs.tests import Difference, OneSample

_GUESSING = "Are your reasoning models reasoning or guessing? (arXiv 2601.10679)"
_POINT = "a gain of one point is the least for which several answers are worthwhile"
_ANSWERS = Difference(null=0.01, because=_POINT)
_SUDOKU = "Boards are 4×4 sudokus as one vector. The model is act-v1's with four halting steps."
_FIGURES = "The reported figure is of other boards and a larger model, and carries no verdict."
_UNKNOWN = Reading("unknown cells", Accuracy())
_WHOLE = Accuracy(cells="exact")


def _cell(label: str, mode: Mode | None = None, metric: Metric = _WHOLE) -> Cell:
    """Return a reading of the one trained model: as it was scored, or answering in a mode."""
    protocol = HALTING if mode is None else Evaluate(after=HALTING, mode=mode)
    return Cell(label, LEVELS_ARM, protocol, metric)


def _chosen(by: str) -> ChosenAccuracy:
    return ChosenAccuracy(by=by, cells="exact")


CLAIMS = (
    Statistical(
        id="noise-recursion",
        reading=(
            "One trained model answers each board in two ways: once without noise, and along 16 "
            "noisy trajectories. In these, normal noise is added to every entry of both states "
            "before each halting step, and all steps are taken. The answer is that of the "
            "trajectory with the largest Q(halt) at its end. The scale of the noise is the best "
            "of five on validation boards, by accuracy on unknown cells; entries of states are "
            "about one in size. The verdict is on whole boards, which the paper counts: since the "
            "weights are equal on both sides, a difference in whole boards can be detected. "
            "Accuracy on unknown cells is shown beside. So are other choices among the "
            "trajectories: the most frequent answer; the best one, which can't be chosen in "
            f"practice; and the first trajectory alone. {_SUDOKU} {_FIGURES}"
        ),
        cells=(
            _cell("one answer"),
            _cell("chosen by Q among 16", Trajectories()),
            _cell("majority of 16", Trajectories(), _chosen("majority")),
            _cell("best of 16", Trajectories(), _chosen("oracle")),
            _cell("one noisy trajectory", Trajectories(), _chosen("single")),
        ),
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
            "boards, with one of the open cells left open. That it can fail is interpreted as a "
            "wrong answer in that cell on more than one in a hundred of these boards; fewer might "
            "be called slips. A reading that also requires the given cells to stay right is shown "
            "beside. In another, the share of test boards of the training difficulty that are "
            "answered wrongly is subtracted from that of the easy boards: above zero, easy boards "
            f"fail more often than boards of the training difficulty. {_SUDOKU}"
        ),
        cells=(_cell("boards with one unknown cell", OneUnknown(), EasyFailure()),),
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
            "A vote over nine copies of each board is compared with a single answer of the same "
            "trained weights to the board itself. The digits of each copy are exchanged in a "
            "different way; the nine ways are drawn once per run. The answers are renamed back, "
            "and in each cell the most frequent digit wins, the smallest in case of a tie. The "
            "paper's figure includes two further techniques, which are left out. The verdict is "
            "on whole boards, which the paper counts: since the weights are equal on both sides, "
            "a difference in whole boards can be detected. Accuracy on unknown cells is shown "
            f"beside. {_SUDOKU} {_FIGURES}"
        ),
        cells=(
            _cell("one answer"),
            _cell("vote of 9 copies", Vote()),
            _cell("one of the copies", Vote(), _chosen("single")),
        ),
        test=_ANSWERS,
        beside=(_UNKNOWN, Reading("whole boards, one copy", cells=(0, 2))),
    ),
    Statistical(
        id="first-step-share",
        reading=(
            "The gain of a step is accuracy on unknown cells minus that of the best trivial "
            'method. "Most" is interpreted as: the gain after the first step is more than half of '
            "that after the fourth and last step. The value shown is this share minus one half. "
            "Every board takes all steps. Accuracy itself would flatter the first step, since "
            f"trivial methods have most of it. {_SUDOKU}"
        ),
        cells=(_cell("after the first step", Forced(steps=STEPS), FirstStepShare()),),
        test=OneSample(
            constant=0.5,
            null=0.05,
            because="a share within a twentieth of one half is no clear majority",
        ),
    ),
)
