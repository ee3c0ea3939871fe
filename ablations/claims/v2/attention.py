"""Document v2: attention over the low level's states."""

from ablations.specs.arms import Arm
from ablations.specs.claim import exact
from hrm import recipes

CLAIMS = (
    exact(
        "attention-single-key",
        "ablations.claims.exact.attention:single_key",
        reading=(
            "Attention over a single time step is read as meaningless if it selects nothing. "
            "With one key the softmax is 1 for every query, the query and key maps receive no "
            "gradient, and the result is a linear map of the state. This is checked in float64, "
            "with attention that writes out the formula. Whether the value and output maps still "
            "learn is also shown."
        ),
        arms=(Arm("attention over one step", recipes.v2(step_attention=True)),),
    ),
    exact(
        "attention-formula",
        "ablations.claims.exact.attention:formula",
        reading=(
            "The output of the summary module inside a running model is compared with "
            "softmax(QKᵀ/√d_k)V per head, followed by the output map. The formula is computed in "
            "float64 numpy from the same weights. The keys are the T low-level states of the "
            "cycle; the query is made from the high-level state."
        ),
        arms=(Arm("attention over the trace", recipes.v2(use_sequence_attention=True)),),
    ),
    exact(
        "attention-one-step",
        "ablations.claims.exact.attention:one_step",
        reading=(
            "With one low step per cycle the sequence has one element, so both kinds of "
            "attention have a single key. With equal weights they should return the same values "
            "and receive the same gradients. This is checked in a running model, in float64. "
            "Sequence attention makes its query from the high-level state, single-step attention "
            "from the low-level one. With one key the query has no effect, so the maps of query "
            "and key are left out of the comparison."
        ),
        arms=(
            Arm("attention over one step", recipes.v2(inputs=64, low_steps=1, step_attention=True)),
            Arm(
                "attention over the trace",
                recipes.v2(inputs=64, low_steps=1, use_sequence_attention=True),
            ),
        ),
    ),
)
