"""How training may be changed: deepening recursion, decaying supervision, easier boards."""

from ablations.claims.arms_act_v1 import HALTING
from ablations.claims.arms_research import (
    ARRIVED,
    DECAYING,
    DEEP,
    DEEPENING,
    EARLY,
    EVEN,
    HARD,
    LEVELS_ARM,
    ON_HARD,
    SEGMENTED,
    SEGMENTED_CHOSEN,
)
from ablations.metrics.curves import Arrival
from ablations.metrics.gradients import GradientVariance
from ablations.metrics.scores import Accuracy
from ablations.specs.claim import Cell, Reading, Statistical
from ablations.specs.protocols import Evaluate, Scatter
from ablations.specs.tests import Difference, NotWorse, Ratio, TimeToTarget
from hrm.config.learning import Supervised

_CURRICULUM = "Curriculum-guided recursion (arXiv 2511.08653)"
_POINT = "a point is what would be noticed, and runs scatter by less"
_FIGURES = "The figure is of other boards and a larger model, and carries no verdict."
_SUDOKU = (
    "Boards are 4×4 sudokus as one vector, the model act-v1's with at most four halting steps."
)
_EXACT = Reading(label="whole boards", metric=Accuracy(cells="exact"))
_CAP = float(SEGMENTED.training.updates)
_DECAYING = DECAYING.part.objective  # type: ignore[attr-defined]
assert isinstance(_DECAYING, Supervised)

CLAIMS = (
    Statistical(
        id="depth-curriculum-quality",
        section=f"{_CURRICULUM}, progressive depth",
        reading=(
            "Training begins with a shallow recursion and deepens it after 30 % and 60 % of the "
            "updates. The paper's depths of 1×2, 2×4 and 3×6 cycles are scaled to 1×1, 2×2 and "
            "3×3; the baseline is 3×3 cycles throughout. Evaluation is 3×3 in both, and updates, "
            "data and initial weights are equal. Little accuracy is read as less than two points "
            "of unknown cells in nearly every run; whole boards, which the paper counts, scatter "
            f"three times as much and stand beside. {_SUDOKU} {_FIGURES}"
        ),
        cells=(
            Cell(label="3×3 throughout", arm=DEEP, protocol=HALTING, metric=Accuracy()),
            Cell(label="deepening to 3×3", arm=DEEP, protocol=DEEPENING, metric=Accuracy()),
        ),
        test=NotWorse(margin=0.02, because="two points are what a reader would notice"),
        beside=(_EXACT,),
        cost=5.5,
    ),
    Statistical(
        id="supervision-decay-variance",
        section=f"{_CURRICULUM}, hierarchical supervision weighting",
        reading=(
            "The losses of four supervised segments, states detached in between, have weights "
            "that fall by 0.7 from each to the next, or equal ones of the same sum. At the weights "
            "that 100 updates with equal ones leave, the gradient is taken over 32 batches of 64 "
            "boards, the same for both losses, and its variance, summed over parameters, is "
            "divided by the squared norm of the mean gradient: otherwise to multiply a loss by a "
            "small number would be to steady it. The variance as it is stands beside. Segments "
            "within one update stand for the paper's supervision steps, each of which has an "
            "update of its own with states carried on: then a sum of weights says nothing of any "
            f"one update. Boards are 4×4 sudokus as one vector. {_FIGURES}"
        ),
        cells=(
            Cell(
                label="equal weights",
                arm=EVEN,
                protocol=Scatter(after=EARLY),
                metric=GradientVariance(relative=True),
            ),
            Cell(
                label="weights that decay",
                arm=EVEN,
                protocol=Scatter(after=EARLY, objective=_DECAYING),
                metric=GradientVariance(relative=True),
            ),
        ),
        test=Ratio(null=0.1, because="a batch larger by a tenth lowers it as much", fewer=True),
        beside=(Reading(label="variance as it is", metric=GradientVariance()),),
        unskilled=("equal weights", "weights that decay"),
        cost=1.5,
    ),
    Statistical(
        id="supervision-decay-speed",
        section=f"{_CURRICULUM}, hierarchical supervision weighting",
        reading=(
            "The same two losses train a model each. Speed is read as updates to "
            f"{ARRIVED:.0%} of unknown cells right on validation boards, at most {_CAP:.0f}, "
            "looked at every 25 and averaged over two looks; an update costs both the same. "
            f"The best trivial method has 79 %. {SEGMENTED_CHOSEN} Boards are 4×4 "
            f"sudokus as one vector. {_FIGURES}"
        ),
        arms=(EVEN, DECAYING),
        protocol=SEGMENTED,
        metric=Arrival(threshold=ARRIVED, cap=_CAP, smooth=2),
        test=TimeToTarget(
            null=0.1, because="a tenth of the updates is the least worth a setting", fewer=True
        ),
        beside=(
            Reading(
                label="accuracy on unknown cells at the end",
                metric=Accuracy(),
                test=Difference(null=0.005, because="half a point is the least worth noticing"),
            ),
        ),
        cost=6.0,
    ),
    Statistical(
        id="easy-mix",
        section="Are your reasoning models reasoning or guessing? (arXiv 2601.10679), easier data",
        reading=(
            "One arm is trained on sudokus with 5 clues alone, the other on equal thirds with 5, 8 "
            "and 11 clues, both for equal updates on 8,192 boards; both answer held-out boards "
            "with 5 clues. Sets are disjoint up to symmetry, so that no hard board is among the "
            "other arm's. The mix has a third of the hard boards, not all of them and easier ones "
            "beside: equal updates leave no room for that. Unknown cells count, whole boards "
            "stand beside. The arm with hard boards alone needn't beat the trivial methods: that "
            f"it can't may be the very claim. {_SUDOKU} {_FIGURES}"
            " Training and answers are all it needs, so that a model of another's can stand in "
            "an arm's place by an adapter."
        ),
        cells=(
            Cell(
                label="hard boards alone",
                arm=LEVELS_ARM,
                protocol=Evaluate(after=ON_HARD),
                metric=Accuracy(),
            ),
            Cell(
                label="easier boards among them",
                arm=LEVELS_ARM,
                protocol=Evaluate(after=HALTING, boards=HARD),
                metric=Accuracy(),
            ),
        ),
        test=Difference(null=0.01, because=_POINT),
        beside=(_EXACT,),
        unskilled=("hard boards alone",),
        cost=4.0,
    ),
)
