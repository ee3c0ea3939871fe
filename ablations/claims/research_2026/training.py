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
_POINT = "a difference of one point would be noticed, and runs scatter by less"
_FIGURES = "The reported figure is of other boards and a larger model, and carries no verdict."
_SUDOKU = (
    "Boards are 4×4 sudokus as one vector. The model is act-v1's with at most four halting steps."
)
_EXACT = Reading("whole boards", Accuracy(cells="exact"))
_CAP = float(SEGMENTED.training.updates)
_DECAYING = DECAYING.part.objective  # type: ignore[attr-defined]
assert isinstance(_DECAYING, Supervised)

CLAIMS = (
    Statistical(
        id="depth-curriculum-quality",
        reading=(
            "Training with a recursion that deepens after 30 % and 60 % of the updates is "
            "compared with the full depth throughout. The paper's depths of 1×2, 2×4 and 3×6 "
            "cycles are scaled to 1×1, 2×2 and 3×3. Both models are evaluated with 3×3 cycles; "
            "updates, data and initial weights are equal. Losing little accuracy is interpreted "
            "as less than two points on unknown cells in nearly every run. Accuracy on whole "
            "boards, which the paper counts, scatters three times as much and is shown beside. "
            f"{_SUDOKU} {_FIGURES}"
        ),
        cells=(
            Cell("3×3 throughout", DEEP, HALTING, Accuracy()),
            Cell("deepening to 3×3", DEEP, DEEPENING, Accuracy()),
        ),
        test=NotWorse(margin=0.02, because="a reader would notice a difference of two points"),
        beside=(_EXACT,),
    ),
    Statistical(
        id="supervision-decay-variance",
        reading=(
            "Two losses over four supervised segments, with states detached in between, are "
            "compared. In one, the weights fall by a factor of 0.7 from each segment to the next; "
            "in the other, they are equal, with the same sum. Gradients are taken at the "
            "parameters after 100 updates with equal weights, over 32 batches of 64 boards, the "
            "same for both losses. Their variance, summed over parameters, is divided by the "
            "squared norm of the mean gradient; otherwise, multiplying a loss by a small number "
            "would reduce it. The undivided variance is shown beside. Segments within one update "
            "stand in for the paper's supervision steps, each of which has an update of its own, "
            "with states carried on. There, a sum of weights says nothing about any single "
            f"update. Boards are 4×4 sudokus as one vector. {_FIGURES}"
        ),
        cells=(
            Cell("equal weights", EVEN, Scatter(after=EARLY), GradientVariance(relative=True)),
            Cell(
                "weights that decay",
                EVEN,
                Scatter(after=EARLY, objective=_DECAYING),
                GradientVariance(relative=True),
            ),
        ),
        test=Ratio(
            null=0.1,
            because="a batch that is a tenth larger lowers the variance as much",
            fewer=True,
        ),
        beside=(Reading("variance as it is", GradientVariance()),),
        unskilled=("equal weights", "weights that decay"),
    ),
    Statistical(
        id="supervision-decay-speed",
        reading=(
            "Two models are trained with supervision of all four segments. The weights of the "
            "segments' losses are equal for one, and fall by a factor of 0.7 from each segment to "
            "the next for the other, with the same sum. Speed is interpreted as the number of "
            f"updates until accuracy on unknown cells of validation boards reaches {ARRIVED:.0%}, "
            f"at most {_CAP:.0f}. Accuracy is evaluated every 25 updates and averaged over two "
            "evaluations. An update costs the same for both. The best trivial method has an "
            f"accuracy of 79 %. {SEGMENTED_CHOSEN} Boards are 4×4 sudokus as one vector. "
            f"{_FIGURES}"
        ),
        arms=(EVEN, DECAYING),
        protocol=SEGMENTED,
        metric=Arrival(threshold=ARRIVED, cap=_CAP, smooth=2),
        test=TimeToTarget(
            null=0.1,
            because="a saving of a tenth of the updates is the least that is worth a setting",
            fewer=True,
        ),
        beside=(
            Reading(
                "accuracy on unknown cells at the end",
                Accuracy(),
                Difference(
                    null=0.005, because="half a point is the smallest difference worth noticing"
                ),
            ),
        ),
    ),
    Statistical(
        id="easy-mix",
        reading=(
            "One arm is trained on sudokus with 5 clues alone, the other on equal thirds with 5, "
            "8 and 11 clues. Both are trained for equal numbers of updates on 8,192 boards, and "
            "both answer held-out boards with 5 clues. Training and test sets are disjoint up to "
            "symmetry, so that none of these hard boards is among the other arm's training "
            "boards. The mix has a third of the hard boards, rather than all of them plus easier "
            "ones: equal updates leave no room for that. The verdict is on accuracy on unknown "
            "cells; whole boards are shown beside. The arm with hard boards alone needn't exceed "
            f"the trivial methods, since its failure may be just what is claimed. {_SUDOKU} "
            f"{_FIGURES} The claim needs only training and answers, so that someone else's model "
            "can take the place of an arm through an adapter."
        ),
        cells=(
            Cell("hard boards alone", LEVELS_ARM, Evaluate(after=ON_HARD), Accuracy()),
            Cell(
                "easier boards among them",
                LEVELS_ARM,
                Evaluate(after=HALTING, boards=HARD),
                Accuracy(),
            ),
        ),
        test=Difference(null=0.01, because=_POINT),
        beside=(_EXACT,),
        unskilled=("hard boards alone",),
    ),
)
