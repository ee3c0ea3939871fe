"""Document complete: gradients, the optimiser, stablemax, and what trains halting."""

from functools import partial

from ablations.specs.arms import Arm, vary
from ablations.specs.claim import exact
from hrm import recipes

_tiny = partial(recipes.named["complete-tiny"].make, positions=16)
_CODED, _DOCUMENTED = _tiny(), _tiny(as_coded=False)

CLAIMS = (
    exact(
        "one-step-memory",
        "ablations.claims.exact.memory:one_step",
        section="Architecture Features, Memory Efficient; Performance Benchmarks",
        reading=(
            "The most bytes alive at once in the forward and backward pass of an update, gradients "
            "included, as torch's allocators report them, of the system as the text describes it. "
            "With 2, 4, 8 and 16 cycles of two low updates, the one-step gradient, which reaches "
            "through the last low and the last high update, must need less than the full one. How "
            "both grow with the cycles stands beside. As coded, the model unrolls in full and has "
            "no one-step gradient."
        ),
        arms=vary(_DOCUMENTED, {"full gradient": {"model.horizon": None}, "one step": {}}),
        cost=4.0,
    ),
    exact(
        "adam-atan2-scale",
        "ablations.claims.exact.numerics:scale_free",
        section="Architecture Features, Advanced Training",
        reading=(
            "A property of the optimiser that the name stands for, checked because other claims "
            "rest on it: five updates with the loss multiplied by 2⁻¹⁰ or 2¹⁰ leave the same "
            "parameters, to the bit, since powers of two scale gradients without rounding. A "
            "factor that rounds, one at which squares underflow, the optimiser as the document's "
            "code has it, and AdamW stand beside."
        ),
        arms=(Arm(label="tiny, as documented", part=_DOCUMENTED),),
        cost=2.0,
    ),
    exact(
        "stablemax",
        "ablations.claims.exact.numerics:stablemax",
        section="Architecture Features, Advanced Training",
        reading=(
            "A model that learns from few samples soon fits them with large logits, so numerical "
            "stability is read there: at logits of up to ± 10,000, in float32 and bfloat16, the "
            "cross-entropy of the stablemax that the name stands for is finite, and it and its "
            "gradient equal the closed form in float64 to the rounding of the logits' type. "
            "Softmax with its logarithm in one function, and what the document's code calls "
            "stablemax, a softmax of shifted logits, stand beside."
        ),
    ),
    exact(
        "complete-q-halting",
        "ablations.claims.exact.q_halting:trained",
        section="Architecture Features, Adaptive Computation; Key Innovations Implemented",
        reading=(
            "What is learned gets a gradient. As the document's code ships it, halting adds up "
            "probabilities of a small network until they pass a threshold; the whole training loss "
            "must reach all of that network's parameters. Each term of the loss stands beside, and "
            "so does the system as the text describes it, with Q values and their own losses."
        ),
        arms=(
            Arm(label="as coded", part=_CODED),
            Arm(label="as documented", part=_DOCUMENTED),
        ),
    ),
)
