"""Document v2: its four switches."""

import itertools
from typing import Any

from ablations.specs.arms import Arm
from ablations.specs.claim import exact
from hrm import recipes

# Widths that leave a vectorised loop no rest: bits then depend on no order but the program's.
_SIZES: dict[str, Any] = {"inputs": 64, "outputs": 3, "hidden_low": 64, "hidden_high": 128}
_FLAGS = (
    "use_per_sample_act",
    "use_corrected_meta_rl",
    "use_sequence_attention",
    "use_optimized_controller",
)


def _with(flags: tuple[str, ...]) -> Arm:
    """A small model with some flags on."""
    part = recipes.v2(
        inputs=8,
        outputs=2,
        hidden_low=16,
        hidden_high=24,
        max_cycles=4,
        **dict.fromkeys(flags, True),
    )
    return Arm(", ".join(flags) or "all off", part)


CLAIMS = (
    exact(
        "v2-off-identical",
        "ablations.claims.exact.switches:v2_off",
        reading=(
            "The original is written straight down from its equations, independently of the "
            "model and without shared code. It gets the same weights, inputs and noise, and "
            "everything that it computes is compared. Cycles and answers are compared bit for "
            "bit in float32. Losses, gradients and five updates are compared in float64, to "
            "rounding, since two programs may add in different orders and no document says in "
            "which. Dropout is off in training, because the draws of two programs never agree. "
            "The original's aggregation is one map of the last low state. Attention over one "
            "step, which the document calls original, too, is also shown."
        ),
        arms=(
            Arm("all off", recipes.v2(**_SIZES)),
            Arm("all off, attention over one step", recipes.v2(**_SIZES, step_attention=True)),
        ),
        cost=3.0,
    ),
    exact(
        "v2-flags-independent",
        "ablations.claims.exact.switches:independent",
        reading=(
            "Gradual migration requires that every combination of the four flags works and is a "
            "different model. All sixteen are trained for three updates and then evaluated. "
            "Losses should be finite, every module should learn, and the model should give "
            "answers in evaluation."
        ),
        arms=tuple(_with(flags) for n in range(5) for flags in itertools.combinations(_FLAGS, n)),
        cost=3.0,
    ),
)
