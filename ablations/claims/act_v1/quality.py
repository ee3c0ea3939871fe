"""Document act-v1: what improves the answers of a trained model, or does them no harm."""

import math
from dataclasses import replace

from ablations.claims.arms_act_v1 import HALTING, LEVELS, STEPS, levels
from ablations.claims.ledger import figure
from ablations.metrics.budgets import ScoreAtCost
from ablations.metrics.costs import Parameters
from ablations.metrics.scores import Accuracy
from ablations.specs.arms import Arm, vary
from ablations.specs.claim import Cell, Reading, Statistical
from ablations.specs.protocols import Evaluate, Forced, MeanLogits
from ablations.specs.tests import Difference, NotWorse, Trend

_EXACT = Reading("whole boards", Accuracy(cells="exact"))
_SHARED = (
    "The model has the document's levels and Q-learning. It is trained on 4×4 sudokus as one "
    "vector, which it learns in seconds. It takes at most four steps, and all of them in "
    "evaluation, as coded. Updates and learning rate were chosen on pilot seed 1000, for the "
    "baseline alone."
)
_RANGES = " and ".join(
    f"{low} to {high} {level}"
    for level in ("high cycles", "low cycles")
    for low, high in (figure("cycles-quality")[level],)
)
_RATE = HALTING.training.learning_rate
_WIDTHS = (32, 64, 128)


def _wide(width: int) -> Cell:
    """Return one width's accuracy, at a rate that is inversely proportional to it."""
    rate = _RATE * _WIDTHS[1] / width
    label = f"width {width}"
    return Cell(
        label,
        Arm(label, levels(width=width)),
        replace(HALTING, training=replace(HALTING.training, learning_rate=rate)),
        Accuracy(),
    )


# Parameters of all but the widest model. A test counts them, and the operations of an update.
_COUNTED = {32: 28_770, 64: 104_642}


def _equal_operations(place: int) -> Reading:
    """Return the gain of a doubled width if both models take the operations of the narrower."""
    narrow, wide = _WIDTHS[place : place + 2]
    return Reading(
        f"width {wide} less {narrow} at equal operations, its curve cut short",
        ScoreAtCost(parameters=_COUNTED[narrow], updates=HALTING.training.updates),
        Difference(null=0.005, because="half a point is the smallest difference worth noticing"),
        cells=(place, place + 1),
    )


_ALL_STEPS = Arm("act-v1", LEVELS)

CLAIMS = (
    Statistical(
        id="cycles-quality",
        reading=(
            'We read "More = deeper reasoning" as a higher accuracy on unknown cells per doubling '
            f"of the number of level updates in a segment. The document's ranges, {_RANGES}, begin "
            "above the smallest model that reasons in cycles at all. We therefore compare 1×1, 2×2 "
            "and 3×3 cycles, which have 2, 6 and 12 level updates. The number of parameters, the "
            "optimiser's steps and the gradient, which is that of the last two level updates, are "
            f"equal; more cycles need more computation. {_SHARED}"
        ),
        arms=vary(
            LEVELS,
            {
                "1×1 cycles": {"model.cycles": 1, "model.low_steps": 1},
                "2×2 cycles": {},
                "3×3 cycles": {"model.cycles": 3, "model.low_steps": 3},
            },
        ),
        protocol=HALTING,
        metric=Accuracy(),
        test=Trend(
            levels=(math.log2(2), math.log2(6), math.log2(12)),
            null=0.005,
            because="half a point per doubling isn't worth twice the computation",
        ),
        beside=(_EXACT,),
    ),
    Statistical(
        id="size-quality",
        reading=(
            "We read better performance as a higher accuracy on unknown cells per doubling of the "
            "model's width. The widths are 32, 64 and 128, with the feed-forward's inner width in "
            "proportion. All models take the same number of updates, so larger models compute "
            "more. The gain of each doubling at equal operations is also shown, but it puts the "
            "larger model at a disadvantage: its curve is read where it has spent the smaller "
            "model's operations, long before its learning rate has fallen. A fair comparison would "
            "need a further arm, trained for fewer updates. One rate wouldn't suit all widths "
            "alike. The rate is therefore inversely proportional to the width, so that an update "
            "changes a layer's output by the same amount. The smallest model needn't beat the "
            f"trivial methods, since its failure may be the very effect that is claimed. {_SHARED}"
        ),
        cells=tuple(map(_wide, _WIDTHS)),
        test=Trend(
            levels=tuple(math.log2(width) for width in _WIDTHS),
            null=0.005,
            because="half a point per doubling isn't worth four times the parameters",
        ),
        beside=(
            _EXACT,
            Reading(
                "parameters",
                Parameters(),
                Trend(
                    levels=tuple(math.log2(width) for width in _WIDTHS),
                    null=1.0,
                    because="numbers of parameters are exact, so one parameter counts",
                ),
            ),
            *map(_equal_operations, range(len(_COUNTED))),
        ),
        unskilled=(_wide(_WIDTHS[0]).label,),
    ),
    Statistical(
        id="bf16-quality",
        reading=(
            "We read doing no harm as: in nearly every run, bfloat16 doesn't cost two points of "
            "accuracy on unknown cells. The document recommends bfloat16, and its only warning is "
            "about Q values, which stay in float32. Activations are bfloat16 in training and in "
            "evaluation, and weights stay float32; nothing else differs. How much time it saves "
            f"depends on a device with such numbers, and isn't measured here. {_SHARED}"
        ),
        arms=vary(LEVELS, {"float32": {}, "bfloat16": {"model.bfloat16": True}}),
        protocol=HALTING,
        metric=Accuracy(),
        test=NotWorse(
            margin=0.02, because="two points are the smallest loss that a reader would notice"
        ),
        beside=(Reading("whole boards", Accuracy(cells="exact")),),
    ),
    Statistical(
        id="step-average",
        reading=(
            "One trained model answers the same boards in two ways: by the logits of its last "
            "step, and by the mean of the logits of all four steps, as the printed loop computes "
            "it. The arms are compared by accuracy on unknown cells. The document prints the loop "
            "as a way to use the model and doesn't say that the model was trained for that, so "
            f"here it wasn't. {_SHARED}"
        ),
        cells=(
            Cell(
                "last step",
                _ALL_STEPS,
                Evaluate(after=HALTING, mode=Forced(steps=STEPS)),
                Accuracy(),
            ),
            Cell(
                "mean of all steps",
                _ALL_STEPS,
                Evaluate(after=HALTING, mode=MeanLogits(steps=STEPS)),
                Accuracy(),
            ),
        ),
        test=Difference(
            null=0.005, because="half a point is the smallest gain worth a line of code"
        ),
        beside=(_EXACT,),
    ),
)
