"""Document act-v1: when sequences halt."""

from ablations.specs.arms import vary
from ablations.specs.claim import exact
from hrm import recipes

# Small, since the rule is checked and not the arithmetic.
_SMALL = recipes.act_v1(vocabulary=4, positions=16, width=32, heads=4, h_layers=1, l_layers=1)
_EXPLORATION = "model.halting.exploration.probability"

CLAIMS = (
    exact(
        "halt-rule",
        "ablations.claims.exact.halting:rule",
        reading=(
            "The rule is tested as the document states it, without exception: a sequence halts at "
            "the first step where Q(halt) > Q(continue), or at the last step. It is tested where "
            "the document uses it: in training with exploration off, and in evaluation as coded. "
            "(The document prints evaluation's loop as one that runs until all sequences have "
            "halted.) Training with exploration, and an evaluation that halts, are also shown. Q "
            "heads have random weights, so that samples differ."
        ),
        arms=vary(
            _SMALL,
            {
                "as coded, no exploration": {"model.halting.exploration": None},
                "as coded, exploration 0.1": {},
                "evaluation that halts": {
                    "model.halting.exploration": None,
                    "model.halting.halt_in_evaluation": True,
                },
            },
        ),
        cost=2.0,
    ),
    exact(
        "halt-max",
        "ablations.claims.exact.halting:maximum",
        reading=(
            "The Q heads' biases are set to −5 and +5, so that the model never chooses to halt. "
            "The number of computed steps, counted at the high core, and the number of reported "
            "steps must both equal halt_max_steps. This is checked in training and in evaluation, "
            "with exploration 0.1 and with exploration 1."
        ),
        arms=vary(_SMALL, {"exploration 0.1": {}, "exploration 1": {_EXPLORATION: 1.0}}),
        cost=2.0,
    ),
    exact(
        "halt-init-continue",
        "ablations.claims.exact.guide:init_continue",
        reading=(
            'We read "Should be biased toward continuing initially" as a statement about '
            "behaviour: in training mode, before any update, every sequence continues after its "
            "first step, with and without exploration. A stricter interpretation, that Q(continue) "
            "exceeds Q(halt), is also shown. The published code starts both from the same bias, "
            "and halts only if Q(halt) is larger."
        ),
        arms=vary(
            _SMALL,
            {"no exploration": {"model.halting.exploration": None}, "exploration 0.1": {}},
        ),
        cost=2.0,
    ),
)
