"""Our own rows: costs and sizes that the documents leave out."""

from ablations.claims.arms_act_v1 import HALTING, LEVELS
from ablations.metrics.scores import Accuracy
from ablations.specs.arms import Arm, vary
from ablations.specs.claim import FURTHER, Reading, Statistical, exact
from ablations.specs.tests import NotWorse
from hrm import recipes

CLAIMS = (
    exact(
        "attention-cost",
        "ablations.claims.exact.counts:attention",
        section="3. True Sequence-Level Attention Aggregation (document v2)",
        reading=(
            "The document names the gain of attention over the sequence and not its price. "
            "Counted are the floating-point operations of the summary in a running model: they are "
            "to equal their closed form, with attention over one step and over the sequence of the "
            "cycle's low states, and to be more over the sequence. The original's default, one "
            "map of the last state, and each summary's share of a forward pass stand beside."
        ),
        arms=(
            Arm(label="attention over one step", part=recipes.v2(step_attention=True)),
            Arm(label="attention over the trace", part=recipes.v2(use_sequence_attention=True)),
            Arm(label="last step", part=recipes.v2()),
        ),
    ),
    exact(
        "qheads-params",
        "ablations.claims.exact.parameters:heads",
        section="2. Enhanced Adaptive Computation Time, Separate Halt/Continue Q-Values",
        reading=(
            "The document's size of the enhanced model says nothing of the heads' part in it. "
            "One map to both values is compared with a map for each: the parameters of the heads, "
            "and those of the whole model. The size changes if they differ."
        ),
        arms=vary(
            recipes.amulgent(), {"separate heads": {}, "one map": {"model.halting.heads": 1}}
        ),
    ),
    exact(
        "refinement-cost",
        "ablations.claims.exact.counts:segments",
        section="3. Iterative Refinement (document amulgent)",
        reading=(
            "The document promises better answers and doesn't say what a segment costs. Counted "
            "are the floating-point operations of a halting step of the enhanced model: n segments "
            "are to take n times those of one, and in between the map that feeds the answer back. "
            "Time follows operations only roughly, and carries no verdict."
        ),
        arms=(
            Arm(
                label="1 segment",
                part=recipes.amulgent(use_rmsnorm=True, use_swiglu=True),
            ),
            *(
                Arm(
                    label=f"{n} segments",
                    part=recipes.amulgent_enhanced(refinement_segments=n),
                )
                for n in (2, 4)
            ),
        ),
    ),
    Statistical(
        id="one-step-quality",
        section="Architecture Features, Memory Efficient; Key Innovations (document complete)",
        reading=(
            "The document trains by one-step gradients and doesn't say what they cost in answers. "
            "They are the last low and the last high update's in each segment; through all steps "
            "is read as through all updates of the segment, the states between segments being "
            "detached in both arms, as in persistent training. As good is read as not two points "
            "of accuracy on unknown cells worse in nearly every run, at equal updates. The model "
            "has act-v1's levels and Q-learning, on 4×4 sudokus as one vector: the document's own "
            "recursion learns in minutes what this one learns in seconds."
        ),
        arms=vary(LEVELS, {"all updates": {"model.horizon": None}, "one step": {}}),
        protocol=HALTING,
        metric=Accuracy(),
        test=NotWorse(margin=0.02, because="two points are what a reader would notice"),
        beside=(Reading(label="whole boards", metric=Accuracy(cells="exact")),),
        schedule=FURTHER,
        cost=5.0,
    ),
)
