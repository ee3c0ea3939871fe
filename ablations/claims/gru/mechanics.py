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
    exact(
        "metarl-advantage-normalised",
        "ablations.claims.exact.dilution:normalised",
        section="Performance Characteristics, Learning Stability",
        reading=(
            "An explosion is a gradient that grows with the rewards. At fixed weights and "
            "decisions, rewards are scaled up to ten thousandfold: the policy gradient is to stay "
            "as it is, no advantage is to exceed (B − 1)/√B, and without normalisation the "
            "gradient is to grow as the rewards do, or there was nothing to prevent. A batch of "
            "one is a batch, too: its deviation as coded divides by n − 1."
        ),
        arms=(Arm(label="gru", part=recipes.gru(inputs=64)),),
    ),
    exact(
        "metarl-gradient-reach",
        "ablations.claims.exact.flow:reach",
        section="Technical Details, Meta-Learning Objective",
        reading=(
            "The total loss is the sum of task, policy and baseline loss; that it trains the model "
            "is read as: every parameter receives a gradient from it that isn't exactly zero. The "
            "training step as the text means it, with the documented flags, carries the verdict; "
            "the public code's, which copies the states where samples stop, and training without "
            "the flag that cuts low to high stand beside. Beside it is also said, module by "
            "module, which terms reach it."
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
        section="Technical Details, Hierarchical Processing",
        reading=(
            "The updates of both levels are listed in the order in which a pass makes them: before "
            "each high update there are to be T low ones. In training and in inference, for T from "
            "1 to 5; the document's example has 3."
        ),
        arms=vary(
            recipes.gru(inputs=64),
            {f"T = {steps}": {"model.low_steps": steps} for steps in (3, 1, 2, 4, 5)},
        ),
    ),
    exact(
        "gru-detach-flags",
        "ablations.claims.exact.flow:detached",
        section="3. Hierarchical Information Flow; Configuration Options",
        reading=(
            "A flag is to cut the gradient that it is named after and leave all others: in a "
            "training pass, the gradient of each level's next state with respect to each level's "
            "state, by autograd, is exactly zero for the named direction alone. All four settings, "
            "each with ACT and without."
        ),
        arms=tuple(
            Arm(
                label=f"{_FLAGS[up, down]}, ACT {'on' if act else 'off'}",
                part=recipes.gru(
                    inputs=64, detach_low_to_high=up, detach_high_to_low=down, use_act=act
                ),
            )
            for act in (True, False)
            for up in (False, True)
            for down in (False, True)
        ),
    ),
    exact(
        "gru-bidirectional",
        "ablations.claims.exact.flow:both_ways",
        section="Key Features, Hierarchical Architecture",
        reading=(
            "Information flows from a level to the other if a change of its state changes the "
            "other's next one: measured by finite differences in float64, over one cycle, both "
            "ways. Whether gradients flow too is the detach flags' business: with the document's "
            "defaults they stand beside."
        ),
        arms=(Arm(label="gru", part=recipes.gru(inputs=64)),),
    ),
)
