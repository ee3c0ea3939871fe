"""Document act-v1: when sequences halt."""

from ablations.specs.arms import vary
from ablations.specs.claim import exact
from hrm import recipes

# At a size where the rule, not the arithmetic, is what is looked at.
_SMALL = recipes.act_v1(vocabulary=4, positions=16, width=32, heads=4, h_layers=1, l_layers=1)
_EXPLORATION = "model.halting.exploration.probability"

CLAIMS = (
    exact(
        "halt-rule",
        "ablations.claims.exact.halting:rule",
        section="Architecture, Adaptive Computation Time",
        reading=(
            "The rule as the document states it, without exception: a sequence halts at the first "
            "step where Q(halt) > Q(continue), or at the last. It is looked at where the document "
            "uses it: in training with exploration off, and in evaluation as coded, whose loop "
            "the document prints as running until all have halted. Exploration, and an evaluation "
            "that halts, stand beside. Q heads have random weights, so that samples differ."
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
        section="Troubleshooting, Model never halts",
        reading=(
            "Q heads are rigged never to halt (biases −5 and +5). The steps that are computed, "
            "counted at the high core, and those that are reported both equal halt_max_steps: in "
            "training and in evaluation, with exploration 0.1 and with exploration 1."
        ),
        arms=vary(_SMALL, {"exploration 0.1": {}, "exploration 1": {_EXPLORATION: 1.0}}),
        cost=2.0,
    ),
    exact(
        "halt-init-continue",
        "ablations.claims.exact.guide:init_continue",
        section="Troubleshooting, Model always halts immediately",
        reading=(
            '"Should be biased toward continuing initially" is read of what is done: in training '
            "mode, before any update, every sequence goes on after its first step, without "
            "exploration and with it. The stricter reading, that Q(continue) exceeds Q(halt), "
            "stands beside: the published code starts both from one bias and halts only where "
            "Q(halt) is the larger."
        ),
        arms=vary(
            _SMALL,
            {"no exploration": {"model.halting.exploration": None}, "exploration 0.1": {}},
        ),
        cost=2.0,
    ),
)
