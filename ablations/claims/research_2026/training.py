"""How training may be changed: deepening recursion, decaying supervision, easier boards."""

from ablations.claims.arms_act_v1 import ACT_V1, HALTING
from ablations.claims.arms_research import (
    ARRIVED,
    DECAYING,
    DEEP,
    DEEPENING,
    EARLY,
    EASIER_TOO,
    EVEN,
    HARD_ALONE,
    SEGMENTED,
    SEGMENTED_CHOSEN,
)
from ablations.claims.boards import ADAPTABLE
from ablations.metrics.curves import Arrival
from ablations.metrics.gradients import GradientVariance
from ablations.metrics.scores import Accuracy
from ablations.specs.claim import Cell, Reading, Statistical
from ablations.specs.protocols import Scatter
from ablations.specs.tests import Difference, NotWorse, Ratio, TimeToTarget
from hrm.config.learning import Supervised

_POINT = "a difference of one point would be noticed, and runs scatter by less"
_HALF = Difference(null=0.005, because="half a point is the smallest difference worth noticing")
_FIGURES = "The reported figure is of other boards and a larger model, and carries no verdict."
_SUDOKU = (
    "Boards are 4×4 sudokus as one vector, the model act-v1's with at most four halting steps."
)
_EXACT = Reading("whole boards", Accuracy(cells="exact"))
_VARIANCE = GradientVariance(relative=True)
_CAP = float(SEGMENTED.training.updates)
_DECAYING = DECAYING.part.objective  # type: ignore[attr-defined]
assert isinstance(_DECAYING, Supervised)

CLAIMS = (
    Statistical(
        id="depth-curriculum-quality",
        reading=(
            "Training with a recursion that deepens after 30 % and 60 % of the updates is compared "
            "with the full depth throughout. The paper's depths of 1×2, 2×4 and 3×6 cycles are "
            "scaled to 1×1, 2×2 and 3×3; both models are evaluated with 3×3. Losing little is read "
            "as less than two points on unknown cells in nearly every run; whole boards, which the "
            f"paper counts, scatter three times as much. {_SUDOKU} {_FIGURES}"
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
            "Two losses over four supervised segments are compared: their weights fall by a factor "
            "of 0.7 from one segment to the next, or are equal, with the same sum. Gradients are "
            "taken from one model, trained with the equal ones for 100 updates (too few for "
            "skill), over the same 32 batches. Their variance is divided by the squared norm of "
            "the mean gradient, since scaling the loss down would reduce it. Segments within an "
            "update stand in for the paper's supervision steps, each of which is an update of its "
            f"own. Boards are 4×4 sudokus as one vector. {_FIGURES}"
        ),
        cells=(
            Cell("equal weights", EVEN, Scatter(after=EARLY), _VARIANCE),
            Cell("weights that decay", EVEN, Scatter(after=EARLY, objective=_DECAYING), _VARIANCE),
        ),
        test=Ratio(null=0.1, because="a tenth more boards a batch lowers it as much", fewer=True),
        beside=(Reading("variance as it is", GradientVariance()),),
        unskilled=("equal weights", "weights that decay"),
    ),
    Statistical(
        id="supervision-decay-speed",
        reading=(
            "Two models are trained with supervision of all four segments. The weights of their "
            "losses are equal for one, and fall by a factor of 0.7 from each segment to the next "
            "for the other, with the same sum. Speed is the number of updates, at most "
            f"{_CAP:.0f}, until accuracy on unknown cells of validation boards, averaged over two "
            f"evaluations, reaches {ARRIVED:.0%}. "
            f"{SEGMENTED_CHOSEN} Boards are 4×4 sudokus as one vector. {_FIGURES}"
        ),
        arms=(EVEN, DECAYING),
        protocol=SEGMENTED,
        metric=Arrival(threshold=ARRIVED, cap=_CAP, smooth=2),
        test=TimeToTarget(
            null=0.1, because="a tenth of the updates is the least worth a setting", fewer=True
        ),
        beside=(Reading("accuracy on unknown cells at the end", Accuracy(), _HALF),),
    ),
    Statistical(
        id="easy-mix",
        reading=(
            "One arm is trained on sudokus with 5 clues, the other on equal thirds with 5, 8 and "
            "11, for equal updates on 8,192 boards. Both answer held-out boards with 5 clues; "
            "training and test sets are disjoint up to symmetry. The mix has a third of the hard "
            "boards, rather than all of them plus easier ones: equal updates leave no room for "
            "that. The verdict is on unknown cells. The arm with hard boards alone needn't exceed "
            f"the trivial methods, since its failure may be just what is claimed. {_SUDOKU} "
            f"{_FIGURES} {ADAPTABLE}"
        ),
        cells=(
            Cell("hard boards alone", ACT_V1, HARD_ALONE, Accuracy()),
            Cell("easier boards among them", ACT_V1, EASIER_TOO, Accuracy()),
        ),
        test=Difference(null=0.01, because=_POINT),
        beside=(_EXACT,),
        unskilled=("hard boards alone",),
    ),
)
