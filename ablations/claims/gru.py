"""Document gru: policy ACT and meta-RL on two GRU levels."""

from dataclasses import replace

from ablations.forms import Exact
from ablations.specs import ONCE, Arm, Claim
from hrm import recipes
from hrm.config import Compacted

_gru = recipes.gru()

CLAIMS = (
    Claim(
        id="act-stopped-idle",
        section="Performance Characteristics, Computational Efficiency",
        reading=(
            "The document promises no wasted computation and prints the update that is to do it: "
            "new states for the whole batch, kept by `torch.where` where a sample is alive. Taking "
            "no part is read as costing nothing: rows that pass through the high core equal the "
            "rows of samples that haven't stopped. Rows are counted at the core, for stop times "
            "uniform over the cycles. The count has no noise, so the claim is decided as an "
            "equality. Compacted execution, which the document doesn't have, stands beside."
        ),
        form=Exact(),
        workload="halting:stopped_idle",
        arms=(
            Arm(label="masked, as documented", part=_gru),
            Arm(
                label="compacted",
                part=replace(_gru, model=replace(_gru.model, execution=Compacted())),
            ),
        ),
        settings={"batch": 32, "batches": 20},
        seeds=ONCE,
        joint=True,
        cost=3.0,
    ),
    Claim(
        id="metarl-reward",
        section="Technical Details, ACT Policy Learning",
        reading=(
            "Each sample's reward in the training loss against −(squared error) − λ·(cycles), the "
            "error recomputed from the answer and the cycles from the decisions. λ is not zero, "
            "which is the document's default; document v2's reward, with λ = 0.01, is checked too."
        ),
        form=Exact(),
        workload="policy:reward",
        arms=(
            Arm(label="gru, λ = 0.07", part=recipes.gru(outputs=3, compute_cost_weight=0.07)),
            Arm(label="v2", part=recipes.v2(outputs=3, use_per_sample_act=True)),
        ),
        settings={"batch": 64},
        seeds=ONCE,
        joint=True,
        cost=1.0,
    ),
)
