"""Document complete: what accuracies are reported, on several tasks and from few samples."""

from dataclasses import replace

from ablations.claims.boards import ADAPTABLE, FALLING
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
    plain = OneSample(null=null, because=because)
    reached = replace(plain, about=(low / 100, high / 100), band_because=printed.because())
    learned = Evaluate(after=ON_BOTH, split="train", count=_SCORED)
    cells = (
        Cell("training boards", BOTH_AS_CODED, learned, Accuracy(cells="all", task=task)),
        Cell("held-out boards", BOTH_AS_CODED, ON_BOTH, Accuracy(task=task)),
    )
    trivial, unknown = TrivialAccuracy(task=task), "unknown cells of held-out boards"
    everywhere = replace(trivial, cells="all")
    return Statistical(
        id=name,
        reading=(
            f"The printed score of {what} is read as an accuracy on all cells of training boards, "
            "after joint training on mazes and patterns, since that is what the document's code "
            "scores. The document prints neither data nor epochs nor seeds, so the figure "
            "identifies no run. Ours trains the small model as coded for 80 updates of 8 boards, "
            "but with AdamW: the optimiser as coded diverges within a few updates. EXCEEDED "
            f"doesn't show skill: {found} No skill is required, since the claim is the figure."
        ),
        cells=cells,
        test=reached,
        beside=(
            Reading("all cells of training boards, trivial method", everywhere, plain),
            Reading(unknown, test=plain, cells=(1,)),
            Reading(f"{unknown}, trivial method", trivial, plain, cells=(1,)),
        ),
        unskilled=tuple(cell.label for cell in cells),
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
(_SAMPLES,) = (int(n) for n in figure("few-shot").numbers("samples"))
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


_ON_FEW = Train(
    boards=Boards(task=SHORT_MAZE, train=_SAMPLES),
    training=replace(FALLING, updates=250, learning_rate=2e-3, warmup=25),
)
_FEW = tuple(
    Cell(f"{label}, {_SAMPLES:,} samples", Arm(label, part), _ON_FEW, Accuracy())
    for label, part in (("feed-forward", _FEED_FORWARD), ("two levels", _TWO_LEVELS))
)

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
            "seed, one model that is trained on both tasks in turn loses less than two points of "
            "accuracy on unknown cells, averaged over tasks, to two models trained on one task "
            "each. It has twice their updates, so it sees as many boards of each task. Within our "
            "budget the document's own model doesn't beat the best trivial method, and arms that "
            "learn nothing can't be told apart. So levels as in act-v1 stand in for it, and read "
            "5×5 mazes and patterns as one vector. Their budget was chosen on pilot seed 1000 by "
            f"the joint arm alone. {ADAPTABLE}"
        ),
        cells=_MULTITASK,
        test=NotWorse(
            margin=0.02, because="readers would notice two points", weights=(-0.5, -0.5, 1.0)
        ),
    ),
    Statistical(
        id="few-shot",
        reading=(
            'We read "Small Sample Learning: Designed for few-shot reasoning tasks" as learning '
            f"from {_SAMPLES:,} examples, the number that the document opens with. We compare the "
            "held-out accuracy of two levels, as in act-v1 but with the full gradient and without "
            "halting, with that of a feed-forward transformer of as many parameters: one core with "
            "both levels' layers, passed once. Both have equal updates; the recursion computes "
            "more. The document's usage example loads mazes; ours are 5×5. (In the first version, "
            "two levels learned no skill from as many 4×4 sudokus: INVALID. This workload was "
            "chosen on pilot seeds by the skill of whichever arm was worse.) The baseline needn't "
            f"be skilled, since its failure may be the very claim. {ADAPTABLE}"
        ),
        cells=_FEW,
        test=Difference(null=0.01, because="a change of architecture should gain a point at least"),
        beside=(Reading("boards with an optimal path", Accuracy(cells="valid")),),
        unskilled=(_FEW[0].label,),
        block=3,  # block 2 has the seeds of the first version
    ),
)
