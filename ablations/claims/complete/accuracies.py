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
        null=null,
        because=because,
        about=(low / 100, high / 100),
        band_because=printed.because(),
    )
    plain = OneSample(null=null, because=because)
    learned = Evaluate(after=ON_BOTH, split="train", count=_SCORED)
    return Statistical(
        id=name,
        section="Performance Verified",
        reading=(
            f"What is printed is a score of {what}, of joint training on mazes and patterns, on "
            "all cells of training boards: so does the document's code score. Data, epochs and "
            "seeds aren't printed, so that the figure identifies no run; read is the small model "
            f"as coded, after {ON_BOTH.training.updates} updates of {ON_BOTH.training.batch} "
            "boards by AdamW: by the optimiser as coded it diverges within a few. EXCEEDED is a "
            f"score above the band around the printed one, which doesn't make it skill: {found} "
            "So what the trivial method that is best on unknown cells has on the same cells stands "
            "beside, and both on unknown cells of held-out boards. No arm is asked for skill: the "
            "claim is the figure."
        ),
        cells=(
            Cell(
                label="training boards",
                arm=BOTH_AS_CODED,
                protocol=learned,
                metric=Accuracy(cells="all", task=task),
            ),
            Cell(
                label="held-out boards",
                arm=BOTH_AS_CODED,
                protocol=ON_BOTH,
                metric=Accuracy(task=task),
            ),
        ),
        test=reached,
        beside=(
            Reading(
                label="all cells of training boards, trivial method",
                metric=TrivialAccuracy(cells="all", task=task),
                test=plain,
            ),
            Reading(label="unknown cells of held-out boards", test=plain, cells=(1,)),
            Reading(
                label="unknown cells of held-out boards, trivial method",
                metric=TrivialAccuracy(task=task),
                test=plain,
                cells=(1,),
            ),
        ),
        unskilled=("training boards", "held-out boards"),
        cost=15.0,
    )


# -- several tasks --------------------------------------------------------------------------------
def _stand_in(label: str, boards: Boards, updates: int) -> Cell:
    return Cell(
        label=label,
        arm=Arm(label=label, part=levels_for(boards)),
        protocol=Train(boards=boards, training=replace(FALLING, updates=updates)),
        metric=Accuracy(),
    )


_ALONE = FALLING.updates
_MULTITASK = (
    _stand_in("mazes alone", SHORT_MAZES, _ALONE),
    _stand_in("patterns alone", VECTOR_PATTERNS, _ALONE),
    _stand_in("both", SHORT_BOTH, 2 * _ALONE),
)

# -- few samples ----------------------------------------------------------------------------------
# The first version had 4×4 sudokus. In its 16 seeds, two levels had no skill after 1,000 of them:
# INVALID. Mazes are what the document's own example loads 1,000 samples of. They were the first
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
        Cell(
            label=f"{label}, {samples:,} samples",
            arm=Arm(label=label, part=part),
            protocol=protocol,
            metric=Accuracy(),
        )
        for label, part in (("feed-forward", _FEED_FORWARD), ("two levels", _TWO_LEVELS))
    )


_FEW = _few(_SAMPLES[0])

CLAIMS = (
    _reported(
        "maze-accuracy",
        "the maze task",
        MAZE_TASK,
        null=0.01,
        because="a point of all cells is less than one cell of a maze",
        found="to mark no cell at all gets most of a maze's cells right.",
    ),
    _reported(
        "pattern-accuracy",
        "the pattern task",
        PATTERN_TASK,
        null=0.005,
        because="half a point, since the printed figure is hardly more than one",
        found="to guess one of seven elements gets a seventh of the cells right.",
    ),
    Statistical(
        id="multitask",
        section="Production Features; Performance Benchmarks, Verified Capabilities",
        reading=(
            '"Successfully trains on maze + pattern tasks": one model, trained on both tasks in '
            "turn, is no worse than two that are trained on one each, in nearly every seed. Boards "
            "are padded to one size; the joint model has twice the updates, so that it sees as "
            "many boards of each task, and as many of them are scored, the same ones; what counts "
            "is the mean of both tasks' accuracies on unknown cells. All three have to beat the "
            "best trivial method, since arms that learn nothing can't be told apart. The "
            "document's own model doesn't within a budget that two cores have, on boards that it "
            "reads as a series of numbers. So transformer levels of width 64, as in act-v1, on "
            "boards as one vector stand in, on 5×5 mazes of four moves or more and on patterns, "
            "whose budget was chosen on pilot seed 1000 by the joint arm alone. What the "
            "document's own model has after joint training stands with maze-accuracy and "
            "pattern-accuracy."
            " Training and answers are all it needs, so that a model of another's can stand in "
            "an arm's place by an adapter."
        ),
        cells=_MULTITASK,
        test=NotWorse(
            margin=0.02,
            because="two points of a hundred unknown cells would be noticed",
            weights=(-0.5, -0.5, 1.0),
        ),
        cost=8.0,
    ),
    Statistical(
        id="few-shot",
        section="Performance Benchmarks, Verified Capabilities",
        reading=(
            '"Small Sample Learning: Designed for few-shot reasoning tasks" is read with the '
            f"number that the document opens with, {_SAMPLES[0]:,} training examples: held-out "
            "accuracy of two levels against a plain feed-forward transformer of as many "
            "parameters: one core with both levels' layers, passed once. Both take equal updates "
            "on equal samples, so that the recursion computes more. The levels are those of "
            "act-v1, supervised directly and without halting, two cycles of two low updates, with "
            "the full gradient. Boards are mazes, of which the document's usage example loads that "
            "many, at 5×5 cells with four moves or more on the shortest way. (The first version "
            "had 4×4 sudokus. Of 1,000 of them two levels learned no skill, so that it was "
            "INVALID; this one has seeds and a place in the family of its own. Its workload was "
            "chosen on pilot seeds by the skill of whichever arm was worse.) Other "
            "numbers of samples would each take two further arms; the printed one is what is "
            "claimed. The baseline needn't beat a trivial method: that it can't may be the very "
            "claim."
            " Training and answers are all it needs, so that a model of another's can stand in "
            "an arm's place by an adapter."
        ),
        cells=_FEW,
        test=Difference(null=0.01, because="another architecture should be worth a point at least"),
        beside=(Reading(label="boards with an optimal path", metric=Accuracy(cells="valid")),),
        unskilled=(_FEW[0].label,),
        block=3,  # block 2 has the seeds of the first version
        cost=2.0,
    ),
)
