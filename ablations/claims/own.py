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
        reading=(
            "The document names the gain of attention over the sequence but not its cost. The "
            "floating-point operations of the summary are counted in a running model, with "
            "attention over one step and with attention over the sequence of the cycle's low "
            "states. Both counts have to equal their closed forms, and the count over the "
            "sequence has to be larger. The original's default, one map of the last state, and "
            "each summary's share of a forward pass are shown beside."
        ),
        arms=(
            Arm("attention over one step", recipes.v2(step_attention=True)),
            Arm("attention over the trace", recipes.v2(use_sequence_attention=True)),
            Arm("last step", recipes.v2()),
        ),
    ),
    exact(
        "qheads-params",
        "ablations.claims.exact.parameters:heads",
        reading=(
            "The document states the size of the enhanced model, but not what the Q heads "
            "contribute to it. One map to both Q values is compared with one map for each, by the "
            "parameters of the heads and by those of the whole model. Splitting the heads changes "
            "the size if these numbers differ."
        ),
        arms=vary(
            recipes.amulgent(), {"separate heads": {}, "one map": {"model.halting.heads": 1}}
        ),
    ),
    exact(
        "refinement-cost",
        "ablations.claims.exact.counts:segments",
        reading=(
            "The document promises better answers and doesn't state the cost of a segment. The "
            "floating-point operations of a halting step of the enhanced model are counted. Here "
            "n segments have to take n times the operations of one, plus those of the map that "
            "feeds the answer back between segments. Time follows operations only roughly and "
            "carries no verdict."
        ),
        arms=(
            Arm("1 segment", recipes.amulgent(use_rmsnorm=True, use_swiglu=True)),
            *(
                Arm(f"{n} segments", recipes.amulgent_enhanced(refinement_segments=n))
                for n in (2, 4)
            ),
        ),
    ),
    Statistical(
        id="one-step-quality",
        reading=(
            "The document trains with one-step gradients and doesn't state what they cost in "
            "accuracy. They reach through the last low and the last high update of each segment. "
            "We read all steps as all updates of the segment; in both arms, states are detached "
            "between segments, as in persistent training. Being as good means losing less than two "
            "points of accuracy on unknown cells in nearly every run, after equal updates. The "
            "model has act-v1's levels and Q-learning, on 4×4 sudokus as one vector: the "
            "document's own recursion learns in minutes what this one learns in seconds."
        ),
        arms=vary(LEVELS, {"all updates": {"model.horizon": None}, "one step": {}}),
        protocol=HALTING,
        metric=Accuracy(),
        test=NotWorse(margin=0.02, because="a reader would notice a difference of two points"),
        beside=(Reading("whole boards", Accuracy(cells="exact")),),
        schedule=FURTHER,
    ),
)
