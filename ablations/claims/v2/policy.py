"""Document v2: the policy gradient, averaged over all samples or over the live ones, exactly."""

from ablations.specs.arms import vary
from ablations.specs.claim import exact
from hrm import recipes
from hrm.config import Lockstep

_SMALL = recipes.v2(
    inputs=8, outputs=2, hidden_low=8, hidden_high=16, max_cycles=4, use_per_sample_act=True
)

CLAIMS = (
    exact(
        "metarl-zeros-dilute",
        "ablations.claims.exact.dilution:zeros",
        reading=(
            "Dilution is read cycle by cycle, on the same decisions: the gradient of the plain "
            "mean's term is live/B times that of the masked mean's term, and therefore smaller "
            "wherever a sample is inactive. The verdict rests on the model whose samples stop "
            "individually with the original losses, which is the first step of the document's "
            "own migration. In the document's original all samples run until the batch ends, so "
            "none is inactive; this model is also shown."
        ),
        arms=vary(
            _SMALL, {"per-sample ACT": {}, "batch-wise ACT": {"model.execution": Lockstep()}}
        ),
    ),
    exact(
        "metarl-unbiased",
        "ablations.claims.exact.policy:unbiased",
        reading=(
            "The expectation of each estimator is compared with ∇E[R], by enumerating every "
            "outcome of a small policy (4 cycles, batches of 1, 2 and 3) in float64. The "
            "document multiplies `action_log_probs`, which is read as the log-probability of the "
            "action taken, where one was chosen (the last stop is forced). Samples stop "
            "individually, advantages aren't normalised, and V is constant. Equality up to a "
            "constant factor, and log π(stop) in place of that of the action taken, are also "
            "shown."
        ),
        arms=vary(_SMALL, {"plain mean": {}, "masked mean": {"objective.masked_mean": True}}),
        cost=3.0,
    ),
)
