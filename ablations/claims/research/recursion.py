"""How far gradients reach, how many networks and layers there are, and how states move."""

from dataclasses import replace

from ablations.claims.arms_act_v1 import (
    HALTING,
    LAYERED,
    LEVELS,
    LEVELS_WHOLE,
    ONE_NETWORK,
    ONE_NETWORK_WHOLE,
    PATIENT,
    STEPS,
)
from ablations.claims.ledger import figure
from ablations.metrics.costs import Parameters
from ablations.metrics.probes import GradientCosine, Participation, ResidualLeft
from ablations.metrics.scores import Accuracy
from ablations.specs.arms import Arm, changed, vary
from ablations.specs.claim import Cell, Reading, Statistical
from ablations.specs.contrasts import interaction
from ablations.specs.protocols import Probe
from ablations.specs.tests import Difference, Factorial, OneRatio, OneSample, Ratio

_PAPER = "Less is More: Recursive Reasoning with Tiny Networks (arXiv 2510.04871), table 1"
_BOARDS = (
    "Boards are 4×4 sudokus as one vector. Models are act-v1's with at most four halting steps, "
    "width 64 and one layer per network unless stated otherwise. The number of updates and the "
    "learning rate were chosen on pilot seeds, on baselines alone, so that these exceed the "
    "trivial methods. The paper's figure, of whole 9×9 boards, doesn't transfer and carries no "
    "verdict. The verdict is on accuracy on unknown cells. Accuracy on whole boards, which "
    "scatters three times as much between runs, is shown beside it."
)
_POINT = "a difference of one point would be noticed, and runs scatter by less"
_EXACT = Reading("whole boards", Accuracy(cells="exact"))
_PARAMETERS = Reading(
    "parameters",
    Parameters(),
    Ratio(
        null=0.05, because="a saving below a twentieth of the parameters doesn't count", fewer=True
    ),
)
_TWO = Arm("two networks, one step", LEVELS)
_TWO_WHOLE = Arm("two networks, last recursion", changed(LEVELS, LEVELS_WHOLE))
_ONE = Arm("one network, one step", changed(LEVELS, ONE_NETWORK))
_ONE_WHOLE = Arm("one network, last recursion", changed(LEVELS, ONE_NETWORK_WHOLE))
# As in the paper (4 layers and 3 low updates, 2 layers and 6), layers times low updates are equal.
_FEWER = replace(_ONE_WHOLE, label="1 layer, 2 low updates")
(_LAYERED,) = vary(
    changed(LEVELS, ONE_NETWORK),
    {
        "2 layers, 1 low update": {
            "model.low.layers": 2,
            "model.high.layers": 2,
            "model.low_steps": 1,
            "model.horizon": 2,
        },
    },
)

_LONG = 8  # schedules that a probe goes on for
_AFTER = Probe(boards=HALTING.boards, after=HALTING, steps=_LONG * STEPS)
_SHORT = Probe(boards=HALTING.boards, after=HALTING, steps=STEPS)
_BEFORE = Probe(boards=HALTING.boards, after=None, steps=STEPS)


def _share() -> tuple[float, float]:
    """Return the band around the reported share, high over low, trained over untrained."""
    (low, high), (low_before, high_before) = (
        figure("participation-ratio").numbers(name) for name in ("trained", "untrained")
    )
    found = (high / low) / (high_before / low_before)
    return found / 1.25, found * 1.25


CLAIMS = (
    Statistical(
        id="gradient-one-network",
        reading=(
            "One network in both roles is trained with gradients through its last recursion (two "
            "low updates and a high one), and is compared with the same network trained with "
            "one-step gradients (through the last low and the last high update). Forward passes, "
            f"parameters and the number of training updates are equal. {_BOARDS}"
        ),
        arms=(_ONE, _ONE_WHOLE),
        protocol=PATIENT,
        metric=Accuracy(),
        test=Difference(null=0.01, because=_POINT),
        beside=(_EXACT,),
    ),
    Statistical(
        id="gradient-by-architecture",
        reading=(
            "The gain of gradients through the last recursion over one-step gradients is compared "
            "between one network in both roles and two networks. The contrast is the interaction: "
            "the gain with one network minus the gain with two. That the gain depends on the "
            "architecture is interpreted as a difference of a point or more in either direction, "
            f"since no source names one. {_BOARDS}"
        ),
        arms=(_TWO, _TWO_WHOLE, _ONE, _ONE_WHOLE),
        protocol=PATIENT,
        metric=Accuracy(),
        test=Factorial(
            factors=interaction((0.0, 1.0), (0.0, 1.0)), either_side=True, null=0.01, because=_POINT
        ),
        beside=(
            _EXACT,
            Reading(
                "gain with two networks", test=Difference(null=0.01, because=_POINT), cells=(0, 1)
            ),
            Reading(
                "gain with one network", test=Difference(null=0.01, because=_POINT), cells=(2, 3)
            ),
        ),
    ),
    Statistical(
        id="less-layers",
        reading=(
            "The paper compares a network of 4 layers and 3 low updates with one of 2 layers and "
            "6 low updates. Here they are scaled to 2 layers and 1 low update, and to 1 layer and "
            "2 low updates. As in the paper, layers times low updates are equal, and the high "
            "update after them passes through fewer layers in the model with fewer. Both models "
            "are one network, with two cycles and gradients through the last recursion; the one "
            "with a single layer has half the parameters. They are trained more slowly than the "
            "models of the related claims, at a learning rate at which two layers learn. "
            f"{_BOARDS}"
        ),
        arms=(_LAYERED, _FEWER),
        protocol=LAYERED,
        metric=Accuracy(),
        test=Difference(null=0.01, because=_POINT),
        beside=(_EXACT, _PARAMETERS),
    ),
    Statistical(
        id="one-network",
        reading=(
            "One network in both roles is compared with two networks of the same size, which have "
            "twice its parameters. Their depth is equal, and both are trained with gradients "
            f"through the last recursion, as in the paper's comparison. {_BOARDS}"
        ),
        arms=(_TWO_WHOLE, _ONE_WHOLE),
        protocol=PATIENT,
        metric=Accuracy(),
        test=Difference(null=0.01, because=_POINT),
        beside=(_EXACT, _PARAMETERS),
    ),
    Statistical(
        id="one-step-premise",
        reading=(
            "The recursion of a trained model comes close to a fixed point if the low level moves "
            "far less in its last update than in its first. The premise is met if the ratio is a "
            "tenth or less, and isn't met if it is a half or more. The last update is that of the "
            "fourth halting step, where training takes its gradient. The ratio after eight times "
            "as many steps is shown beside; if the states converge at all, they are closer to a "
            "fixed point there. The ratio is of mean distances over 512 test boards. The premise "
            "is to justify one-step gradients. Therefore the cosine of the one-step and the full "
            "gradient, by the cores' parameters, in the last step, is shown beside as well. The "
            "model is act-v1's on 4×4 sudokus."
        ),
        cells=(Cell("low residual, last over first", _TWO, _AFTER, ResidualLeft()),),
        test=OneRatio(
            null=0.5,
            because="a state that still moves half as far as at the start isn't near a fixed point",
            fewer=True,
            at_least=0.1,
            band_because="no figure is reported; a tenth or less counts as near",
        ),
        beside=(
            Reading("after eight schedules", ResidualLeft(schedules=_LONG)),
            Reading("of the high level", ResidualLeft(level="high")),
            Reading(
                "cosine of the one-step and the full gradient",
                GradientCosine(),
                OneSample(null=0.1, because="with a cosine of a tenth, directions hardly agree"),
            ),
        ),
    ),
    Statistical(
        id="participation-ratio",
        reading=(
            "The participation ratio of the high level's states is divided by that of the low "
            "level's. This quotient is compared between a trained model and the same initial "
            "weights before training. The states are those at the end of each of four halting "
            "steps, on 512 test boards: 2,048 points in 64 dimensions. Each level's own "
            "participation ratio depends on the width. The change of their quotient doesn't, and "
            "so its band is the reported figure. The model is act-v1's on 4×4 sudokus."
        ),
        cells=(
            Cell("untrained", _TWO, _BEFORE, Participation()),
            Cell("trained", _TWO, _SHORT, Participation()),
        ),
        test=Ratio(
            null=0.1,
            because="a tenth more dimensions is hardly a change of structure",
            about=_share(),
            band_because="the reported change of the ratio, × or ÷ 1.25",
        ),
        beside=(
            Reading(
                "high over low, trained",
                test=OneRatio(
                    null=0.1,
                    because="a tenth more dimensions than the low level has is hardly a difference",
                ),
                cells=(1,),
            ),
            Reading("of the high level", Participation(of="high")),
            Reading("of the low level", Participation(of="low")),
        ),
    ),
)
