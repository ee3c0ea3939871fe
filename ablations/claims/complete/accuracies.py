"""Document complete: what accuracies are reported, on several tasks and from few samples."""

from dataclasses import replace

from ablations.claims.boards import FALLING
from ablations.claims.complete.arms import (
    BOTH_AS_CODED,
    MAZE_TASK,
    ON_BOTH,
    PATTERN_TASK,
    SHORT_BOTH,
    SHORT_MAZE,
    SHORT_MAZES,
    VECTOR_PATTERNS,
    levels,
    levels_for,
)
from ablations.claims.ledger import figure
from ablations.metrics.scores import Accuracy, TrivialAccuracy
from ablations.specs.arms import Arm, changed
from ablations.specs.claim import Cell, Reading, Statistical
from ablations.specs.protocols import Boards, Evaluate, Train
from ablations.specs.tests import Difference, NotWorse, OneSample
from hrm.config import Single

# -- reported accuracies --------------------------------------------------------------------------
_SCORED = 512  # training boards, of both tasks


def _reported(
    name: str, what: str, task: int, null: float, because: str, found: str
) -> Statistical:
    printed = figure(name)
    low, high = printed.around()
    reached = OneSample(
        null=null, because=because, about=(low / 100, high / 100), band_because=printed.because()
    )
    plain = OneSample(null=null, because=because)
    learned = Evaluate(after=ON_BOTH, split="train", count=_SCORED)
    return Statistical(
        id=name,
        reading=(
            f"The printed score of {what} is read as an accuracy on all cells of training boards, "
            "after joint training on mazes and patterns, since that is what the document's code "
            "scores. We compare the accuracy of our run with it. The document prints neither data "
            "nor epochs nor seeds, so the figure identifies no run. Our run trains the small model "
            f"as coded for {ON_BOTH.training.updates} updates of {ON_BOTH.training.batch} boards "
            "with AdamW; with the optimiser as coded, training diverges within a few updates. "
            "EXCEEDED means an accuracy above the band around the printed one, which doesn't show "
            f"skill: {found} So we also show what the trivial method that is best on unknown cells "
            "scores on the same cells, and what both score on unknown cells of held-out boards. No "
            "arm has to show skill, since the claim is the figure."
        ),
        cells=(
            Cell("training boards", BOTH_AS_CODED, learned, Accuracy(cells="all", task=task)),
            Cell("held-out boards", BOTH_AS_CODED, ON_BOTH, Accuracy(task=task)),
        ),
        test=reached,
        beside=(
            Reading(
                "all cells of training boards, trivial method",
                TrivialAccuracy(cells="all", task=task),
                plain,
            ),
            Reading("unknown cells of held-out boards", test=plain, cells=(1,)),
            Reading(
                "unknown cells of held-out boards, trivial method",
                TrivialAccuracy(task=task),
                plain,
                cells=(1,),
            ),
        ),
        unskilled=("training boards", "held-out boards"),
    )


# -- several tasks --------------------------------------------------------------------------------
def _stand_in(label: str, boards: Boards, updates: int) -> Cell:
    return Cell(
        label,
        Arm(label, levels_for(boards)),
        Train(boards=boards, training=replace(FALLING, updates=updates)),
        Accuracy(),
    )


_ALONE = FALLING.updates
_MULTITASK = (
    _stand_in("mazes alone", SHORT_MAZES, _ALONE),
    _stand_in("patterns alone", VECTOR_PATTERNS, _ALONE),
    _stand_in("both", SHORT_BOTH, 2 * _ALONE),
)

# -- few samples ----------------------------------------------------------------------------------
# The first version had 4×4 sudokus. In its 16 seeds, two levels had no skill after 1,000 of them:
# INVALID. The document's own example loads 1,000 samples of mazes. They were the first
# workload tried; on each pilot seed, the worse arm beats the best trivial method by ten standard
# errors, 0.030 to 0.037 of unknown cells. Which arm that is, and by how much, wasn't looked at.
_SAMPLES = tuple(int(n) for n in figure("few-shot").numbers("samples"))
_TWO_LEVELS = changed(
    levels(SHORT_MAZE.cells * SHORT_MAZE.vocabulary, SHORT_MAZE.cells * SHORT_MAZE.classes),
    {"model.horizon": None},
)
_FEED_FORWARD = changed(
    _TWO_LEVELS,
    {
        "model.coupling": Single(),
        "model.low.layers": 2,  # as many as both levels have
        "model.high.layers": 2,
        "model.low_steps": 1,
        "model.cycles": 1,
    },
)


def _few(samples: int) -> tuple[Cell, Cell]:
    training = replace(FALLING, updates=250, learning_rate=2e-3, warmup=25)
    protocol = Train(boards=Boards(task=SHORT_MAZE, train=samples), training=training)
    return tuple(  # type: ignore[return-value]
        Cell(f"{label}, {samples:,} samples", Arm(label, part), protocol, Accuracy())
        for label, part in (("feed-forward", _FEED_FORWARD), ("two levels", _TWO_LEVELS))
    )


_FEW = _few(_SAMPLES[0])

CLAIMS = (
    _reported(
        "maze-accuracy",
        "the maze task",
        MAZE_TASK,
        null=0.01,
        because="a point of accuracy on all cells is less than one cell of a maze",
        found="marking no cell at all gets most of a maze's cells right.",
    ),
    _reported(
        "pattern-accuracy",
        "the pattern task",
        PATTERN_TASK,
        null=0.005,
        because="the printed figure is hardly more than one point, so half a point is used",
        found="guessing one of seven elements gets a seventh of the cells right.",
    ),
    Statistical(
        id="multitask",
        reading=(
            'We read "Successfully trains on maze + pattern tasks" as follows: in nearly every '
            "seed, one model that is trained on both tasks in turn is no worse than two models "
            "that are trained on one task each. We compare the mean of both tasks' accuracies on "
            "unknown cells. Boards are padded to one size. The joint model has twice the updates, "
            "so it sees as many boards of each task as the other models do; equally many boards of "
            "each task are scored, and they are the same boards. All three models have to beat the "
            "best trivial method, since arms that learn nothing can't be told apart. The "
            "document's own model reads boards as a series of numbers, and within a budget that "
            "two cores can afford it doesn't beat that method. So transformer levels of width 64, "
            "as in act-v1, stand in for it. They read boards as one vector: 5×5 mazes of four "
            "moves or more, and patterns. Their budget was chosen on pilot seed 1000 by the joint "
            "arm alone. The document's own model after joint training is shown with maze-accuracy "
            "and pattern-accuracy. The claim needs only training and answers, so an adapter can "
            "put another model in the place of an arm."
        ),
        cells=_MULTITASK,
        test=NotWorse(
            margin=0.02,
            because="a loss of two points on unknown cells would be noticed",
            weights=(-0.5, -0.5, 1.0),
        ),
    ),
    Statistical(
        id="few-shot",
        reading=(
            'We read "Small Sample Learning: Designed for few-shot reasoning tasks" as learning '
            f"from {_SAMPLES[0]:,} training examples, the number that the document opens with. We "
            "compare the held-out accuracy of two levels with that of a plain feed-forward "
            "transformer of as many parameters: one core with both levels' layers, passed once. "
            "Both take equal updates on equal samples, so the recursion computes more. The levels "
            "are those of act-v1, supervised directly and without halting, with two cycles of two "
            "low updates and the full gradient. Boards are mazes, since the document's usage "
            "example loads that many mazes; here they have 5×5 cells and a shortest path of four "
            "moves or more. (The first version had 4×4 sudokus. From 1,000 of them, two levels "
            "learned no skill, so it was INVALID. This version has its own seeds and its own place "
            "in the family. Its workload was chosen on pilot seeds by the skill of whichever arm "
            "was worse.) Every other number of samples would take two further arms; only the "
            "printed number is claimed. The baseline needn't beat a trivial method, since its "
            "failure to do so may be the very claim. The claim needs only training and answers, so "
            "an adapter can put another model in the place of an arm."
        ),
        cells=_FEW,
        test=Difference(null=0.01, because="a change of architecture should gain a point at least"),
        beside=(Reading("boards with an optimal path", Accuracy(cells="valid")),),
        unskilled=(_FEW[0].label,),
        block=3,  # block 2 has the seeds of the first version
    ),
)
