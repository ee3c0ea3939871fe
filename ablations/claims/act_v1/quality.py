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

_EXACT = Reading(label="whole boards", metric=Accuracy(cells="exact"))
_SHARED = (
    "The model has the document's levels and Q-learning on 4×4 sudokus as one vector, which it "
    "learns in seconds; it takes at most four steps, and all of them in evaluation, as coded. "
    "Updates and rate were chosen on pilot seed 1000, on the baseline alone."
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
        label=label,
        arm=Arm(label=label, part=levels(width=width)),
        protocol=replace(HALTING, training=replace(HALTING.training, learning_rate=rate)),
        metric=Accuracy(),
    )


# Parameters of all but the widest model. A test counts them, and the operations of an update.
_COUNTED = {32: 28_770, 64: 104_642}


def _equal_operations(place: int) -> Reading:
    """Return the gain of a doubled width if both models take the operations of the narrower."""
    narrow, wide = _WIDTHS[place : place + 2]
    return Reading(
        label=f"width {wide} less {narrow} at equal operations, its curve cut short",
        metric=ScoreAtCost(parameters=_COUNTED[narrow], updates=HALTING.training.updates),
        test=Difference(null=0.005, because="half a point is the least worth noticing"),
        cells=(place, place + 1),
    )


_ALL_STEPS = Arm(label="act-v1", part=LEVELS)

CLAIMS = (
    Statistical(
        id="cycles-quality",
        section="Configuration Guide, Reasoning Iterations; Troubleshooting, Poor performance",
        reading=(
            '"More = deeper reasoning" is read as a higher accuracy on unknown cells, per doubling '
            f"of the updates in a segment. The document's ranges, {_RANGES}, begin above the "
            "smallest model that reasons in cycles at all, so 1×1, 2×2 and 3×3 are compared: 2, 6 "
            "and 12 updates. Parameters, optimiser steps and the gradient, which is that of the "
            f"last two updates, are equal; more cycles compute more. {_SHARED}"
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
            because="half a point per doubling doesn't pay for twice the computation",
        ),
        beside=(_EXACT,),
        cost=4.0,
    ),
    Statistical(
        id="size-quality",
        section="Configuration Guide, Model Size; Troubleshooting, Poor performance",
        reading=(
            "Model size is varied by its width, 32, 64 and 128, the feed-forward's inner width in "
            "proportion; a better performance is a higher accuracy on unknown cells, per doubling "
            "of the width. Updates are equal, so that larger models compute more. What each "
            "doubling gains at equal operations stands beside, in the larger model's disfavour: "
            "its curve is read where it has taken the smaller one's operations, long before its "
            "rate has fallen. Fair would be a further arm, trained for fewer updates. One rate "
            "wouldn't suit all widths alike: it is inversely proportional to the width, so that "
            "what an update does to a layer's output keeps its size. The smallest model needn't "
            f"beat the trivial methods: that it can't may be the very claim. {_SHARED}"
        ),
        cells=tuple(map(_wide, _WIDTHS)),
        test=Trend(
            levels=tuple(math.log2(width) for width in _WIDTHS),
            null=0.005,
            because="half a point per doubling doesn't pay for four times the parameters",
        ),
        beside=(
            _EXACT,
            Reading(
                label="parameters",
                metric=Parameters(),
                test=Trend(
                    levels=tuple(math.log2(width) for width in _WIDTHS),
                    null=1.0,
                    because="a parameter is a parameter",
                ),
            ),
            *map(_equal_operations, range(len(_COUNTED))),
        ),
        unskilled=(_wide(_WIDTHS[0]).label,),
        cost=5.0,
    ),
    Statistical(
        id="bf16-quality",
        section="Tips & Best Practices, 4. Mixed Precision",
        reading=(
            "The document recommends bfloat16 and warns of nothing but Q values, which stay in "
            "float32. Doing no harm is read as not costing two points of accuracy on unknown cells "
            "in nearly every run. Activations are bfloat16 in training and in evaluation, weights "
            "stay float32; nothing else differs. What it gains in time belongs to a device that "
            f"has such numbers, and isn't looked at here. {_SHARED}"
        ),
        arms=vary(LEVELS, {"float32": {}, "bfloat16": {"model.bfloat16": True}}),
        protocol=HALTING,
        metric=Accuracy(),
        test=NotWorse(margin=0.02, because="two points are what a reader would notice"),
        beside=(Reading(label="whole boards", metric=Accuracy(cells="exact")),),
        cost=4.0,
    ),
    Statistical(
        id="step-average",
        section="Advanced Usage, Custom Forward Logic",
        reading=(
            "One trained model answers the same boards twice: by the logits of its last step, and "
            "by the mean of the logits of all four steps, as the printed loop averages them. The "
            "document prints the loop as a way to use the model and doesn't say that it was "
            f"trained for that, so it wasn't. {_SHARED}"
        ),
        cells=(
            Cell(
                label="last step",
                arm=_ALL_STEPS,
                protocol=Evaluate(after=HALTING, mode=Forced(steps=STEPS)),
                metric=Accuracy(),
            ),
            Cell(
                label="mean of all steps",
                arm=_ALL_STEPS,
                protocol=Evaluate(after=HALTING, mode=MeanLogits(steps=STEPS)),
                metric=Accuracy(),
            ),
        ),
        test=Difference(null=0.005, because="half a point is worth a line of code"),
        beside=(_EXACT,),
        cost=4.0,
    ),
)
