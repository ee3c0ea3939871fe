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
_POINT = "a point is the least that several answers are worth having for"
_ANSWERS = Difference(null=0.01, because=_POINT)
_SUDOKU = "Boards are 4×4 sudokus as one vector, the model act-v1's with four halting steps."
_FIGURES = "The figure is of other boards and a larger model, and carries no verdict."
_UNKNOWN = Reading(label="unknown cells", metric=Accuracy())
_WHOLE = Accuracy(cells="exact")


def _cell(label: str, mode: Mode | None = None, metric: Metric = _WHOLE) -> Cell:
    """Return a reading of the one trained model: as it was scored, or answering in a mode."""
    protocol = HALTING if mode is None else Evaluate(after=HALTING, mode=mode)
    return Cell(label=label, arm=LEVELS_ARM, protocol=protocol, metric=metric)


def _chosen(by: str) -> ChosenAccuracy:
    return ChosenAccuracy(by=by, cells="exact")


CLAIMS = (
    Statistical(
        id="noise-recursion",
        section="Noise in recursive reasoning (arXiv 2605.19943)",
        reading=(
            "Normal noise is added to every entry of both states before each halting step, and 16 "
            "trajectories of a board take all steps; the answer is that of the trajectory with the "
            "largest Q(halt) at its end. The same trained weights answer without noise, once. "
            "The scale of the noise is the best of five on validation boards, by unknown cells; "
            "states have entries of about one. Weights are equal on both sides, so that whole "
            "boards can be told apart, which the paper counts; unknown cells stand beside. So do "
            "other choices among the trajectories: the answer that most give, the best one, which "
            f"nobody can choose, and the first trajectory alone. {_SUDOKU} {_FIGURES}"
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
            Reading(label="whole boards, majority", cells=(0, 2)),
            Reading(label="whole boards, best trajectory", cells=(0, 3)),
            Reading(label="whole boards, one trajectory", cells=(0, 4)),
        ),
        cost=4.0,
    ),
    Statistical(
        id="easy-puzzle-failure",
        section=f"{_GUESSING}, failure on simple puzzles",
        reading=(
            "A trained model answers boards of which one cell alone is unknown: solutions of its "
            "test boards with one of the open cells left open. That it can fail is read as a share "
            "of such boards whose one cell is wrong, above one in a hundred: fewer might be called "
            "slips. That the given cells stay right as well is asked beside. The share of test "
            "boards of the training difficulty that are answered wrongly is subtracted beside: "
            "above zero, easy boards fail more often "
            f"than those that were trained. {_SUDOKU}"
        ),
        cells=(_cell("boards with one unknown cell", OneUnknown(), EasyFailure()),),
        test=OneSample(null=0.01, because="one board in a hundred might be a slip"),
        beside=(
            Reading(label="given cells right as well", metric=EasyFailure(cells="exact")),
            Reading(
                label="less the share of test boards, whole boards",
                metric=EasyFailure(cells="exact", against=True),
            ),
        ),
        cost=4.0,
    ),
    Statistical(
        id="vote-permutations",
        section=f"{_GUESSING}, relabelled copies of a board",
        reading=(
            "Nine copies of each board, its digits exchanged in nine different ways that are drawn "
            "once for a run, are answered, renamed back and put to a vote: in each cell the "
            "commonest digit wins, the smallest among equals. The same trained weights answer the "
            "board itself, once. The paper's figure has two further means, which are left out. "
            "Weights are equal on both sides, so that whole boards can be told apart, which the "
            f"paper counts; unknown cells stand beside. {_SUDOKU} {_FIGURES}"
        ),
        cells=(
            _cell("one answer"),
            _cell("vote of 9 copies", Vote()),
            _cell("one of the copies", Vote(), _chosen("single")),
        ),
        test=_ANSWERS,
        beside=(_UNKNOWN, Reading(label="whole boards, one copy", cells=(0, 2))),
        cost=4.0,
    ),
    Statistical(
        id="first-step-share",
        section="arXiv 2512.11847, accuracy by halting step",
        reading=(
            "Accuracy on unknown cells less that of the best trivial method is what is gained; "
            "most is there after the first step if that step's gain is more than half of what "
            "there is after the fourth and last one; shown is that share less one half. Every "
            "board takes all steps. Accuracy itself would flatter the first step, as trivial "
            f"methods have most of it. {_SUDOKU}"
        ),
        cells=(_cell("after the first step", Forced(steps=STEPS), FirstStepShare()),),
        test=OneSample(
            constant=0.5, null=0.05, because="a twentieth of the gain decides no majority"
        ),
        cost=4.0,
    ),
)
