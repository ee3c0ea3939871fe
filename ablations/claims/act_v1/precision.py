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
        reading=(
            'The document says that Q values are kept in float32 "for stability (done '
            'automatically)". We read this as a statement about the outputs of a bfloat16 model: '
            "both Q values and the target of Q(continue) are float32. Whether they are also "
            "computed in float32, and so carry more than the eight bits of bfloat16, is also "
            "shown, with random Q weights."
        ),
        arms=vary(_SMALL, {"bfloat16": {"model.bfloat16": True}}),
    ),
    exact(
        "accumulation-exact",
        "ablations.claims.exact.numerics:accumulation",
        reading=(
            "The guide offers gradient accumulation against too little memory, which implies that "
            "the training step stays the same. Gradients summed over four equal pieces of a batch "
            "must therefore equal those of the whole batch, in float64, where all sequences have "
            "the same number of labels. There is no dropout, and halting doesn't couple the "
            "samples. The gradients must agree both for act-v1's own loss and for the language "
            "loss that the guide prints. Sequences of unequal length are also shown: there the "
            "printed mean over tokens gives equal weight to pieces, not to tokens."
        ),
        arms=vary(_SMALL, {"act-v1": {}}),
        cost=3.0,
    ),
)
