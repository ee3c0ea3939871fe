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
    return Arm(label=", ".join(flags) or "all off", part=part)


CLAIMS = (
    exact(
        "v2-off-identical",
        "ablations.claims.exact.switches:v2_off",
        section="Safety Guarantees, Backward Compatible Configuration",
        reading=(
            "The original is written straight down from its equations, apart from the model and "
            "without a line in common, and is given the same weights, inputs and noise. All that "
            "the original computes is compared: cycles and answers bit for bit in float32; losses, "
            "gradients and five updates in float64, to rounding, since two programs may take a sum "
            "in different orders and no document says in which. Dropout is off in training: the "
            "draws of two programs never agree. The original's aggregation is one map of the last "
            "low state; the attention over one step, which the document calls original too, stands "
            "beside."
        ),
        arms=(
            Arm(label="all off", part=recipes.v2(**_SIZES)),
            Arm(
                label="all off, attention over one step",
                part=recipes.v2(**_SIZES, step_attention=True),
            ),
        ),
        cost=3.0,
    ),
    exact(
        "v2-flags-independent",
        "ablations.claims.exact.switches:independent",
        section="Safety Guarantees, Opt-in Enhancement Activation",
        reading=(
            "Gradual migration needs every combination of the four flags to work, and each to be "
            "another model: all sixteen train for three updates with finite losses, in which every "
            "module learns, and then answer in evaluation."
        ),
        arms=tuple(_with(flags) for n in range(5) for flags in itertools.combinations(_FLAGS, n)),
        cost=3.0,
    ),
)
