"""Document gru: what its code does, exactly."""

from ablations.specs.arms import Arm, vary
from ablations.specs.claim import exact
from hrm import recipes
from hrm.config import Compacted

_FLAGS = {  # by detach_low_to_high and detach_high_to_low, as the checks name them
    (False, False): "no flag",
    (False, True): "detach_high_to_low",
    (True, False): "detach_low_to_high",
    (True, True): "both flags",
}

CLAIMS = (
    exact(
        "act-stopped-idle",
        "ablations.claims.exact.halting:stopped_idle",
        reading=(
            "That stopped samples take no part is read as: they cost nothing, so the rows that "
            "pass through the high core equal the rows of samples that haven't stopped. The "
            "document promises no wasted computation and prints the update that should achieve "
            "it: new states for the whole batch, kept by `torch.where` where a sample is alive. "
            "Rows are counted at the core, for stop times uniform over the cycles. The count has "
            "no noise, so the claim is decided as an equality. Compacted execution, which the "
            "document doesn't have, is also shown."
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
        reading=(
            "The document calls its processing batch-wise and says that samples of one batch can "
            "stop at different cycles, but doesn't say when. Both modes therefore have to show "
            "it: training (masked, as in the printed loop) and inference, where the public code "
            "ends the whole batch at once. Decisions are the model's own, with the controller's "
            "weights ten times as large, so that samples differ in their decisions."
        ),
        arms=(Arm("gru", recipes.gru()),),
    ),
    exact(
        "metarl-reward",
        "ablations.claims.exact.policy:reward",
        reading=(
            "Each sample's reward in the training loss is compared with −(squared error) − "
            "λ·(cycles). The error is recomputed from the answer, and the cycles from the "
            "decisions. λ is 0.07 instead of the document's default of 0. Document v2's reward, "
            "with λ = 0.01, is also checked."
        ),
        arms=(
            Arm("gru, λ = 0.07", recipes.gru(outputs=3, compute_cost_weight=0.07)),
            Arm("v2", recipes.v2(outputs=3, use_per_sample_act=True)),
        ),
    ),
    exact(
        "metarl-advantage-normalised",
        "ablations.claims.exact.dilution:normalised",
        reading=(
            "An explosion is read as a gradient that grows with the rewards. At fixed weights "
            "and decisions, rewards are scaled by up to ten thousand. The policy gradient should "
            "stay the same, and no advantage should exceed (B − 1)/√B. Without normalisation the "
            "gradient should grow like the rewards; otherwise there was nothing to prevent. A "
            "batch of one is also checked: its standard deviation, as coded, divides by n − 1."
        ),
        arms=(Arm("gru", recipes.gru(inputs=64)),),
    ),
    exact(
        "metarl-gradient-reach",
        "ablations.claims.exact.flow:reach",
        reading=(
            "The total loss is the sum of the task, policy and baseline losses. That it trains "
            "the model is read as: every parameter receives a gradient from it that isn't "
            "exactly zero. The verdict rests on the training step as the text describes it, with "
            "the documented flags. The step of the public code, which copies the states where "
            "samples stop, and training without the flag that cuts the gradient from low to high "
            "are shown beside it. The losses that reach each module are also listed."
        ),
        arms=vary(
            recipes.gru(inputs=64),
            {
                "as documented": {},
                "as coded": recipes.gru(inputs=64, as_coded=True),
                "as documented, not cut": {"model.coupling.detach_low_to_high": False},
            },
        ),
    ),
    exact(
        "gru-two-timescales",
        "ablations.claims.exact.flow:timescales",
        reading=(
            "The updates of both levels are listed in the order in which a pass makes them. "
            "There should be T low updates before each high one. This is checked in training and "
            "in inference, for T from 1 to 5; the document's example has 3."
        ),
        arms=vary(
            recipes.gru(inputs=64),
            {f"T = {steps}": {"model.low_steps": steps} for steps in (3, 1, 2, 4, 5)},
        ),
    ),
    exact(
        "gru-detach-flags",
        "ablations.claims.exact.flow:detached",
        reading=(
            "A flag should cut the gradient that it is named after and leave all others. In a "
            "training pass, the gradient of each level's next state with respect to each level's "
            "state is computed by autograd. It should be exactly zero for the named direction "
            "alone. All four settings are checked, each with ACT and without."
        ),
        arms=tuple(
            Arm(
                f"{_FLAGS[up, down]}, ACT {'on' if act else 'off'}",
                recipes.gru(inputs=64, detach_low_to_high=up, detach_high_to_low=down, use_act=act),
            )
            for act in (True, False)
            for up in (False, True)
            for down in (False, True)
        ),
    ),
    exact(
        "gru-bidirectional",
        "ablations.claims.exact.flow:both_ways",
        reading=(
            "Information is read as flowing from one level to the other if a change of its state "
            "changes the other's next state. This is measured by finite differences in float64, "
            "over one cycle, both ways. Whether gradients flow too depends on the detach flags; "
            "the gradients with the document's defaults are also shown."
        ),
        arms=(Arm("gru", recipes.gru(inputs=64)),),
    ),
)
