"""Document act-v1: what its printed training loop does, and its puzzle table."""

from functools import partial

from ablations.specs.arms import vary
from ablations.specs.claim import exact
from hrm import recipes

# The printed example at a size where the identities, not the arithmetic, are what is looked at.
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
        section="Training, Basic Training Loop",
        reading=(
            "The printed training step makes its carry anew, takes one segment, and adds to the "
            "language loss a tenth of the squared error of σ(Q(continue)) against its target. To "
            "learn when to halt, the row of the Q head that holds Q(halt) must get a gradient from "
            "that loss; a comparison of trained models couldn't tell no gradient from too short a "
            "training. The step runs on the names that the document imports, in its bfloat16 and "
            "in float32, with random Q weights, since at zero some gradients vanish by themselves. "
            "The gradient of Q(continue), and that of Q(halt) from both binary cross-entropies of "
            "the published code, stand beside."
        ),
        arms=vary(_PRINTED, {"bfloat16, as printed": {"model.bfloat16": True}, "float32": {}}),
        cost=1.0,
    ),
    exact(
        "guide-max-matters",
        "ablations.claims.exact.guide:maximum_matters",
        section="Configuration Guide, Halting; Tips, Halting Tuning; Training, Basic Training Loop",
        reading=(
            "The guide tunes the number of steps by halt_max_steps. In its own training loop that "
            "must change what is learned: after five printed updates from equal weights, on equal "
            "batches and with equal draws of exploration, parameters of models with 2, 5 and 8 "
            "steps must differ, by any amount. A model of one step, which has no target of "
            "Q(continue), stands beside."
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
        section="Tips, Puzzle Embeddings",
        reading=(
            '"Zero-initialized by default" is read of every entry of the table in a model that has '
            "just been built with the document's keys: none is other than zero."
        ),
        arms=vary(_WITH_PUZZLES, {"20 identities": {}}),
    ),
    exact(
        "puzzle-own-optimiser",
        "ablations.claims.exact.guide:own_optimiser",
        section="Tips, Puzzle Embeddings; Training, Basic Training Loop",
        reading=(
            '"Requires separate optimizer" is read as: the optimiser of the model doesn\'t train '
            "the table. AdamW with weight decay gets model.parameters(), without the document's "
            "filter by name, and takes three printed updates; none of these parameters is the "
            "table's, and no row changes. The table starts from random rows, since a decay leaves "
            "zeros as they are. With the document's sparse optimiser beside it, the rows in use "
            "change and no others."
        ),
        arms=vary(_WITH_PUZZLES, {"20 identities": {}}),
    ),
)
