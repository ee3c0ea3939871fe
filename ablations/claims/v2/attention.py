"""Document v2: attention over the low level's states."""

from ablations.specs.arms import Arm
from ablations.specs.claim import exact
from hrm import recipes

CLAIMS = (
    exact(
        "attention-single-key",
        "ablations.claims.exact.attention:single_key",
        section="3. True Sequence-Level Attention Aggregation, Problem Solved",
        reading=(
            "Attention is meaningless if it chooses nothing. With one key the softmax is one, "
            "whatever the query; query and key maps have no gradient; the result is a linear map "
            "of the state. That value and output maps still work stands beside. In float64, with "
            "the attention that writes the formula out."
        ),
        arms=(Arm(label="attention over one step", part=recipes.v2(step_attention=True)),),
    ),
    exact(
        "attention-formula",
        "ablations.claims.exact.attention:formula",
        section="Mathematical Correctness, Sequence Attention Mathematics",
        reading=(
            "What the summary returns inside a running model is compared with softmax(QKᵀ/√d_k)V "
            "per head and the output map, written out in float64 numpy from the same weights. The "
            "keys are the T low-level states of the cycle; the query is made from the high-level "
            "one."
        ),
        arms=(Arm(label="attention over the trace", part=recipes.v2(use_sequence_attention=True)),),
    ),
    exact(
        "attention-one-step",
        "ablations.claims.exact.attention:one_step",
        section="3. True Sequence-Level Attention Aggregation",
        reading=(
            "With one low step a cycle the sequence has one element, and both attentions have one "
            "key. Equal weights given, both are to return the same and to learn the same, in a "
            "running model and in float64. The sequence kind's query comes from the high state, "
            "the single-step kind's from the low one: with one key neither matters, so that the "
            "maps of query and key are left out of the comparison."
        ),
        arms=(
            Arm(
                label="attention over one step",
                part=recipes.v2(inputs=64, low_steps=1, step_attention=True),
            ),
            Arm(
                label="attention over the trace",
                part=recipes.v2(inputs=64, low_steps=1, use_sequence_attention=True),
            ),
        ),
    ),
)
