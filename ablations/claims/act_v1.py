"""Document act-v1: a transformer HRM that halts by Q-learning."""

from ablations.forms import Exact
from ablations.specs import ONCE, Arm, Claim
from hrm import recipes
from hrm.config.learning import System


def _small(**changes: float | bool) -> System:
    """The recipe at a size where the rule, not the arithmetic, is what is looked at."""
    return recipes.act_v1(
        vocabulary=4,
        positions=16,
        width=32,
        heads=4,
        h_layers=1,
        l_layers=1,
        **changes,  # type: ignore[arg-type]
    )


CLAIMS = (
    Claim(
        id="halt-rule",
        section="Architecture, Adaptive Computation Time",
        reading=(
            "The rule as the document states it, without exception: a sequence halts at the first "
            "step where Q(halt) > Q(continue), or at the last. It is looked at where the document "
            "uses it: in training with exploration off, and in evaluation as coded, whose loop "
            "the document prints as running until all have halted. Exploration, and an evaluation "
            "that halts, stand beside. Q heads have random weights, so that samples differ."
        ),
        form=Exact(),
        workload="halting:rule",
        arms=(
            Arm(label="as coded, no exploration", part=_small(exploration=0.0)),
            Arm(label="as coded, exploration 0.1", part=_small(exploration=0.1)),
            Arm(
                label="evaluation that halts",
                part=_small(exploration=0.0, halt_in_evaluation=True),
            ),
        ),
        settings={
            "batch": 128,
            "modes": [
                {"arm": 0, "training": True, "primary": True, "label": "training"},
                {"arm": 0, "training": False, "primary": True, "label": "evaluation as coded"},
                {"arm": 1, "training": True, "primary": False, "label": "training that explores"},
                {"arm": 2, "training": False, "primary": False, "label": "evaluation that halts"},
            ],
        },
        seeds=ONCE,
        joint=True,
        cost=2.0,
    ),
    Claim(
        id="halt-max",
        section="Troubleshooting, Model never halts",
        reading=(
            "Q heads are rigged never to halt (biases −5 and +5). The steps that are computed, "
            "counted at the high core, and those that are reported both equal halt_max_steps: in "
            "training and in evaluation, with exploration 0.1 and with exploration 1."
        ),
        form=Exact(),
        workload="halting:maximum",
        arms=(
            Arm(label="exploration 0.1", part=_small(exploration=0.1)),
            Arm(label="exploration 1", part=_small(exploration=1.0)),
        ),
        settings={"batch": 8, "limits": [1, 2, 5, 16]},
        seeds=ONCE,
        joint=True,
        cost=2.0,
    ),
)
