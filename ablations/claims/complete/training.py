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
        reading=(
            "We compare the peak memory of an update with the one-step gradient and with the full "
            "gradient: the most bytes alive at once in the forward and backward pass, gradients "
            "included, as torch's allocators report them. The system is the one that the text "
            "describes. The one-step gradient reaches through the last low and the last high "
            "update. With 2, 4, 8 and 16 cycles of two low updates, it must need less memory than "
            "the full one. We also show how both grow with the number of cycles. As coded, the "
            "model unrolls in full and has no one-step gradient."
        ),
        arms=vary(_DOCUMENTED, {"full gradient": {"model.horizon": None}, "one step": {}}),
        cost=4.0,
    ),
    exact(
        "adam-atan2-scale",
        "ablations.claims.exact.numerics:scale_free",
        reading=(
            "We check a property of the optimiser that the name stands for, because other claims "
            "rest on it: five updates with the loss multiplied by 2⁻¹⁰ or 2¹⁰ must leave the same "
            "parameters, to the bit. Powers of two scale gradients without rounding. We also show "
            "a factor that rounds, a factor at which squares underflow, the optimiser as the "
            "document's code has it, and AdamW."
        ),
        arms=(Arm("tiny, as documented", _DOCUMENTED),),
        cost=2.0,
    ),
    exact(
        "stablemax",
        "ablations.claims.exact.numerics:stablemax",
        reading=(
            "We read numerical stability as a correct cross-entropy and gradient at large logits, "
            "since a model that learns from few samples soon fits them with such logits. At logits "
            "of up to ± 10,000, in float32 and bfloat16, the cross-entropy of the stablemax that "
            "the name stands for must be finite, and it and its gradient must equal the closed "
            "form in float64, up to the rounding of the logits' type. We also show softmax with "
            "its logarithm in one function, and what the document's code calls stablemax, a "
            "softmax of shifted logits."
        ),
    ),
    exact(
        "complete-q-halting",
        "ablations.claims.exact.q_halting:trained",
        reading=(
            "Halting can be learned only if its parameters get a gradient, so we check which "
            "losses give them one. As the document's code ships it, halting adds up probabilities "
            "of a small network until they pass a threshold. The whole training loss must reach "
            "all parameters of that network. We also show each term of the loss, and the system as "
            "the text describes it, with Q values and their own losses."
        ),
        arms=(
            Arm("as coded", _CODED),
            Arm("as documented", _DOCUMENTED),
        ),
    ),
)
