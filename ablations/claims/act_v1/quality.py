"""Document act-v1: what improves the answers of a trained model, or does them no harm."""

import math
from collections.abc import Sequence
from dataclasses import replace

from ablations.claims.arms_act_v1 import HALTING, LEVELS, STEPS, answered, levels
from ablations.claims.ledger import figure
from ablations.metrics.budgets import ScoreAtCost
from ablations.metrics.costs import Parameters
from ablations.metrics.scores import Accuracy
from ablations.specs.arms import Arm, vary
from ablations.specs.claim import Cell, Reading, Statistical
from ablations.specs.protocols import Forced, MeanLogits
from ablations.specs.tests import Difference, NotWorse, Trend

_EXACT = Reading("whole boards", Accuracy(cells="exact"))
_SHARED = (
    "The model has the document's levels and Q-learning, on 4×4 sudokus as one vector, and takes "
    "all of its four steps in evaluation, as coded. Updates and learning rate were chosen on pilot "
    "seed 1000, for the baseline alone."
)
_RANGES = " and ".join(
    f"{low} to {high} {level}"
    for level in ("high cycles", "low cycles")
    for low, high in (figure("cycles-quality")[level],)
)
_WIDTHS = (32, 64, 128)
_COUNTS = "numbers of parameters are exact, so one counts"
_COUNTED = (28_770, 104_642)  # parameters of the first two. A test counts them, and operations.


def _wide(width: int) -> Cell:
    """Return one width's accuracy, at a rate that is inversely proportional to it."""
    rate = HALTING.training.learning_rate * _WIDTHS[1] / width
    trained = replace(HALTING, training=replace(HALTING.training, learning_rate=rate))
    label = f"width {width}"
    return Cell(label, Arm(label, levels(width=width)), trained, Accuracy())


def _equal_operations(place: int) -> Reading:
    """Return the gain of a doubled width if both models take the operations of the narrower."""
    narrow, wide = _WIDTHS[place : place + 2]
    return Reading(
        f"width {wide} less {narrow} at equal operations, its curve cut short",
        ScoreAtCost(parameters=_COUNTED[place], updates=HALTING.training.updates),
        Difference(null=0.005, because="half a point is the smallest difference worth noticing"),
        cells=(place, place + 1),
    )


def _per_doubling(of: Sequence[int], because: str, *, null: float = 0.005) -> Trend:
    return Trend(levels=tuple(map(math.log2, of)), null=null, because=because)


CLAIMS = (
    Statistical(
        id="cycles-quality",
        reading=(
            'We read "More = deeper reasoning" as a higher accuracy on unknown cells per doubling '
            "of the number of level updates in a segment: 2, 6 and 12 of them, in 1×1, 2×2 and 3×3 "
            f"cycles. The document's {_RANGES} begin above the smallest model that reasons in "
            "cycles at all. Parameters, the optimiser's steps and the gradient, which is that of "
            f"the last two level updates, are equal; more cycles need more computation. {_SHARED}"
        ),
        arms=tuple(Arm(f"{n}×{n} cycles", levels(cycles=n, low_steps=n)) for n in (1, 2, 3)),
        protocol=HALTING,
        metric=Accuracy(),
        test=_per_doubling((2, 6, 12), "half a point isn't worth twice the computation"),
        beside=(_EXACT,),
    ),
    Statistical(
        id="size-quality",
        reading=(
            "We read better performance as a higher accuracy on unknown cells per doubling of the "
            "width. Updates are equal, so larger models compute more. (At equal operations, their "
            "curves are read long before the learning rate has fallen, which is unfair to them.) "
            "One rate wouldn't suit all widths, so rates are inversely proportional to them: an "
            "update changes a layer's output by the same amount. The smallest model needn't beat "
            f"the trivial methods, since its failure may be what is claimed. {_SHARED}"
        ),
        cells=tuple(map(_wide, _WIDTHS)),
        test=_per_doubling(_WIDTHS, "half a point isn't worth four times the parameters"),
        beside=(
            _EXACT,
            Reading("parameters", Parameters(), _per_doubling(_WIDTHS, _COUNTS, null=1.0)),
            *map(_equal_operations, range(len(_COUNTED))),
        ),
        unskilled=("width 32",),
    ),
    Statistical(
        id="bf16-quality",
        reading=(
            "We read doing no harm as: in nearly every run, bfloat16 doesn't cost two points of "
            "accuracy on unknown cells. Activations are bfloat16 in training and in evaluation; "
            "weights stay float32, and so do Q values, which are the document's only warning. "
            f"{_SHARED}"
        ),
        arms=vary(LEVELS, {"float32": {}, "bfloat16": {"model.bfloat16": True}}),
        protocol=HALTING,
        metric=Accuracy(),
        test=NotWorse(margin=0.02, because="two points are the least that a reader would notice"),
        beside=(_EXACT,),
    ),
    Statistical(
        id="step-average",
        reading=(
            "One trained model answers the same boards by the logits of its last step, and by the "
            "mean of the logits of all four steps, as the printed loop computes it; accuracies on "
            "unknown cells are compared. The document prints the loop as a way to use the model "
            f"and doesn't say that the model was trained for that, so here it wasn't. {_SHARED}"
        ),
        cells=(
            answered("last step", Forced(steps=STEPS), Accuracy()),
            answered("mean of all steps", MeanLogits(steps=STEPS), Accuracy()),
        ),
        test=Difference(null=0.005, because="half a point is the least gain worth a line of code"),
        beside=(_EXACT,),
    ),
)
