"""Document act-v1: what lowers the memory of a training update."""

from functools import partial

from ablations.specs.arms import vary
from ablations.specs.claim import exact
from hrm import recipes

_small = partial(recipes.act_v1, vocabulary=11, width=32, heads=4)
_SMALL = _small(positions=16, h_layers=2, l_layers=2)
_DEEP = _small(positions=64, h_layers=4, l_layers=4)
_PEAK = (
    "Memory is the largest number of bytes that an update has allocated at the same time in its "
    "forward and backward pass, gradients included, as torch's allocators report it. This number "
    "is exact and without noise, so that an order decides the claim. Parameters and the "
    "optimiser's moments don't count. "
)

CLAIMS = (
    exact(
        "cycles-memory",
        "ablations.claims.exact.memory:cycles",
        reading=(
            f"{_PEAK}An update is one segment, as in the printed loop, with the system's own "
            "gradient, which passes through the last low and the last high update alone. The peak "
            "must rise strictly with H_cycles and L_cycles of 1, 2 and 4, and with halt_max_steps "
            "of 2, 4 and 8, each varied alone. Full gradients are also shown, and so is training "
            "with the printed custom logic as it stands, which averages over all halting steps."
        ),
        arms=vary(_SMALL, {"one-step gradient": {}, "full gradient": {"model.horizon": None}}),
        cost=6.0,
    ),
    exact(
        "memory-batch-sequence",
        "ablations.claims.exact.memory:batch_sequence",
        reading=(
            f"{_PEAK}The peak must rise strictly with batches of 4, 8, 16 and 32 sequences, and "
            "with sequences of 16, 32, 64 and 128 positions, each varied alone."
        ),
        arms=vary(_SMALL, {"act-v1": {}}),
        cost=2.0,
    ),
    exact(
        "checkpointing-memory",
        "ablations.claims.exact.memory:checkpointing",
        reading=(
            f"{_PEAK}Checkpointing keeps the inputs of each update of a level and recomputes the "
            "rest in the backward pass. It must lower the peak and leave every gradient bit for "
            'bit the same. We take "Very deep models" to have the document\'s own depth, four '
            "layers a level. The gradient is the system's own one-step gradient; the full gradient "
            "is also shown."
        ),
        arms=vary(_DEEP, {"without": {}, "with checkpointing": {"model.checkpointing": True}}),
        cost=4.0,
    ),
)
