"""Document gru: policy ACT and meta-RL on two GRU levels."""

from ablations.specs.arms import Arm, vary
from ablations.specs.claim import exact
from hrm import recipes
from hrm.config import Compacted

CLAIMS = (
    exact(
        "act-stopped-idle",
        "ablations.claims.exact.halting:stopped_idle",
        section="Performance Characteristics, Computational Efficiency",
        reading=(
            "The document promises no wasted computation and prints the update that is to do it: "
            "new states for the whole batch, kept by `torch.where` where a sample is alive. Taking "
            "no part is read as costing nothing: rows that pass through the high core equal the "
            "rows of samples that haven't stopped. Rows are counted at the core, for stop times "
            "uniform over the cycles. The count has no noise, so the claim is decided as an "
            "equality. Compacted execution, which the document doesn't have, stands beside."
        ),
        arms=vary(
            recipes.gru(),
            {"masked, as documented": {}, "compacted": {"model.execution": Compacted()}},
        ),
        cost=3.0,
    ),
    exact(
        "act-batchwise-differ",
        "ablations.claims.exact.stopping:apart",
        section="Key Features, Adaptive Computation Time; 1. Batch-wise ACT Processing",
        reading=(
            "The document calls its processing batch-wise and says that samples of one batch can "
            "stop at different cycles, without a word about when. It is looked at in both modes, "
            "each of which has to show it: in training (masked, as the printed loop) and in the "
            "forward pass that infers, which the public code ends for the whole batch at once. "
            "Decisions are the model's own, its controller's weights ten times as large, so that "
            "samples differ in what they want."
        ),
        arms=(Arm(label="gru", part=recipes.gru()),),
    ),
    exact(
        "metarl-reward",
        "ablations.claims.exact.policy:reward",
        section="Technical Details, ACT Policy Learning",
        reading=(
            "Each sample's reward in the training loss is compared with −(squared error) − "
            "λ·(cycles), the error recomputed from the answer and the cycles from the decisions. λ "
            "is not zero, which is the document's default; document v2's reward, with λ = 0.01, is "
            "checked too."
        ),
        arms=(
            Arm(label="gru, λ = 0.07", part=recipes.gru(outputs=3, compute_cost_weight=0.07)),
            Arm(label="v2", part=recipes.v2(outputs=3, use_per_sample_act=True)),
        ),
    ),
)
