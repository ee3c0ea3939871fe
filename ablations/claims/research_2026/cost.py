"""What a recursion that deepens while training goes on saves."""

from ablations.claims.ledger import figure
from ablations.specs.arms import Arm
from ablations.specs.claim import exact
from hrm import recipes

_STAGES = {"until 30 %": (1, 2), "until 60 %": (2, 4), "to the end": (3, 6)}

CLAIMS = (
    exact(
        "depth-curriculum-cost",
        "ablations.claims.exact.curriculum:cost",
        reading=(
            "One tiny network at full size is trained with 1 × 2 cycles in the first 30 % of the "
            "updates, 2 × 4 until 60 %, and 3 × 6 after that. The schedule is compared with 3 × 6 "
            "throughout. It has to save operations, and the share that it saves has to be the "
            "printed one. The operations of an update, forward and backward, are counted without "
            "computing them. Gradients reach through the last recursion, as in the network that "
            "the paper starts from. Two other savings are shown beside: that of forward passes "
            "alone, and that of updates of the levels, which all count alike."
        ),
        arms=tuple(
            Arm(f"{h} × {low} cycles, {when}", recipes.tiny_network(h_cycles=h, l_cycles=low))
            for when, (h, low) in _STAGES.items()
        ),
        figures=figure("depth-curriculum-cost").printed,
        cost=2.0,
    ),
)
