"""Document act-v1: what its printed training loop does, and its puzzle table."""

from functools import partial

from ablations.specs.arms import vary
from ablations.specs.claim import exact
from hrm import recipes

# The printed example, small since its identities are checked and not the arithmetic.
_small = partial(
    recipes.act_v1, vocabulary=11, positions=16, width=32, heads=4, h_layers=1, l_layers=1
)
_PRINTED = _small(h_cycles=3, l_cycles=2, max_steps=5)
_STEPS = "model.halting.max_steps"
_WITH_PUZZLES = _small(puzzle_size=32, identities=20)

CLAIMS = (
    exact(
        "guide-learns-halting",
        "ablations.claims.exact.guide:learns_halting",
        reading=(
            "To learn when to halt, the row of the Q head that computes Q(halt) must get a "
            "gradient from the loss of the printed training step. That step makes a new carry, "
            "takes one segment, and adds to the language loss a tenth of the squared error between "
            "σ(Q(continue)) and its target. A comparison of trained models couldn't distinguish a "
            "missing gradient from too short a training. The step uses the names that the document "
            "imports and runs in its bfloat16 and in float32. Q weights are random, since some "
            "gradients vanish where they are zero. The gradient of Q(continue), and that of "
            "Q(halt) from both binary cross-entropies of the published code, are also shown."
        ),
        arms=vary(_PRINTED, {"bfloat16, as printed": {"model.bfloat16": True}, "float32": {}}),
        cost=1.0,
    ),
    exact(
        "guide-max-matters",
        "ablations.claims.exact.guide:maximum_matters",
        reading=(
            "The guide tunes the number of steps by halt_max_steps, so in its own training loop "
            "this setting must change what is learned. Models with 2, 5 and 8 steps take five "
            "printed updates, with equal initial weights, batches and random draws of exploration. "
            "Their parameters must then differ, by any amount. A model with one step, which has no "
            "target of Q(continue), is also shown."
        ),
        arms=vary(
            _PRINTED,
            {f"at most {n} steps": {_STEPS: n} for n in (2, 5, 8)} | {"one step": {_STEPS: 1}},
        ),
        cost=4.0,
    ),
    exact(
        "puzzle-zero-init",
        "ablations.claims.exact.guide:zero_table",
        reading=(
            'We read "Zero-initialized by default" as: in a new model that is built with the '
            "document's keys, every entry of the table is zero."
        ),
        arms=vary(_WITH_PUZZLES, {"20 identities": {}}),
    ),
    exact(
        "puzzle-own-optimiser",
        "ablations.claims.exact.guide:own_optimiser",
        reading=(
            "We read \"Requires separate optimizer\" as: the model's optimiser doesn't train the "
            "table. AdamW with weight decay gets model.parameters(), without the document's filter "
            "by name, and takes three printed updates. None of its parameters may be the table's, "
            "and no row may change. The table starts from random rows, since weight decay doesn't "
            "change zeros. Training with the document's sparse optimiser as well is also shown: "
            "there the rows in use change, and no others."
        ),
        arms=vary(_WITH_PUZZLES, {"20 identities": {}}),
    ),
)
