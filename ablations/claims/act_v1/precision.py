"""Document act-v1: precision of Q values, and accumulated gradients."""

from ablations.specs.arms import vary
from ablations.specs.claim import exact
from hrm import recipes

_SMALL = recipes.act_v1(
    vocabulary=11, positions=16, width=32, heads=4, h_layers=1, l_layers=1, exploration=0.0
)

CLAIMS = (
    exact(
        "q-float32",
        "ablations.claims.exact.guide:wide_q",
        section="Tips, Mixed Precision",
        reading=(
            'That Q values are kept in float32 "for stability (done automatically)" is read of '
            "what a bfloat16 model hands out: both Q values and the target of Q(continue) are "
            "float32. Whether they are also computed so, and carry more than the eight bits of "
            "bfloat16, stands beside, with random Q weights."
        ),
        arms=vary(_SMALL, {"bfloat16": {"model.bfloat16": True}}),
    ),
    exact(
        "accumulation-exact",
        "ablations.claims.exact.numerics:accumulation",
        section="Troubleshooting, OOM",
        reading=(
            "The guide offers gradient accumulation against too little memory, and so as the same "
            "training step: gradients added up over four equal pieces of a batch equal those of "
            "the whole, in float64, where all sequences have as many labels. There is no dropout, "
            "and no halting couples the samples. Both act-v1's own loss and the language loss that "
            "the guide prints must agree. Sequences of unequal length stand beside: there the "
            "printed mean over tokens weighs pieces, not tokens, alike."
        ),
        arms=vary(_SMALL, {"act-v1": {}}),
        cost=3.0,
    ),
)
