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
from ablations.specs.arms import Arm, changed
from ablations.specs.claim import Cell, Reading, Statistical
from ablations.specs.contrasts import interaction
from ablations.specs.protocols import Probe
from ablations.specs.tests import Difference, Factorial, OneRatio, OneSample, Ratio

_BOARDS = (
    "Models are act-v1's, of width 64 and with at most four halting steps, on 4×4 sudokus as one "
    "vector. Updates and learning rate were chosen on pilot seeds, on baselines alone, so that "
    "these exceed the trivial methods. The paper's figure, of whole 9×9 boards, carries no "
    "verdict. Unknown cells are counted, since whole boards scatter three times as much between "
    "runs."
)
_POINT = "a difference of one point would be noticed, and runs scatter by less"
_GAIN = Difference(null=0.01, because=_POINT)
_SAVED = Ratio(null=0.05, because="a saving below a twentieth doesn't count", fewer=True)
_EXACT = Reading("whole boards", Accuracy(cells="exact"))
_PARAMETERS = Reading("parameters", Parameters(), _SAVED)
_TWOFOLD = interaction((0.0, 1.0), (0.0, 1.0))
_NEAR = OneRatio(
    null=0.5,
    because="a state that still moves half as far as at the start isn't near a fixed point",
    fewer=True,
    at_least=0.1,
    band_because="no figure is reported; a tenth or less counts as near",
)
_ALIKE = OneSample(null=0.1, because="with a cosine of a tenth, directions hardly agree")
_MORE = OneRatio(null=0.1, because="a tenth more dimensions is hardly a difference")
_TWO = Arm("two networks, one step", LEVELS)
_TWO_WHOLE = Arm("two networks, last recursion", changed(LEVELS, LEVELS_WHOLE))
_ONE = Arm("one network, one step", changed(LEVELS, ONE_NETWORK))
_ONE_WHOLE = Arm("one network, last recursion", changed(LEVELS, ONE_NETWORK_WHOLE))
# As in the paper (4 layers and 3 low updates, 2 layers and 6), layers times low updates are equal.
_FEWER = replace(_ONE_WHOLE, label="1 layer, 2 low updates")
_LAYERS = {"model.low.layers": 2, "model.high.layers": 2, "model.low_steps": 1, "model.horizon": 2}
_LAYERED = Arm("2 layers, 1 low update", changed(_ONE.part, _LAYERS))

_LONG = 8  # schedules that a probe goes on for
_AFTER = Probe(boards=HALTING.boards, after=HALTING, steps=_LONG * STEPS)
_SHORT = Probe(boards=HALTING.boards, after=HALTING, steps=STEPS)
_BEFORE = Probe(boards=HALTING.boards, after=None, steps=STEPS)


def _change() -> Ratio:
    """Return the test of the change of high over low, with a band around the reported one."""
    (low, high), (low_before, high_before) = (
        figure("participation-ratio").numbers(name) for name in ("trained", "untrained")
    )
    found = (high / low) / (high_before / low_before)
    return Ratio(
        null=0.1,
        because="a tenth more dimensions is hardly a change of structure",
        about=(found / 1.25, found * 1.25),
        band_because="the reported change of the ratio, × or ÷ 1.25",
    )


CLAIMS = (
    Statistical(
        id="gradient-one-network",
        reading=(
            "One network in both roles is trained with gradients through its last recursion (two "
            "low updates and a high one). It is compared with the same network under one-step "
            "gradients (through the last low and the last high update). Forward passes, parameters "
            f"and updates are equal. {_BOARDS}"
        ),
        arms=(_ONE, _ONE_WHOLE),
        protocol=PATIENT,
        metric=Accuracy(),
        test=_GAIN,
        beside=(_EXACT,),
    ),
    Statistical(
        id="gradient-by-architecture",
        reading=(
            "The contrast is the interaction: what gradients through the last recursion gain over "
            "one-step gradients with one network in both roles, minus what they gain with two. "
            "That the gain depends on the architecture is read as a difference of a point or more "
            f"in either direction, since no source names one. {_BOARDS}"
        ),
        arms=(_TWO, _TWO_WHOLE, _ONE, _ONE_WHOLE),
        protocol=PATIENT,
        metric=Accuracy(),
        test=Factorial(factors=_TWOFOLD, null=0.01, because=_POINT, either_side=True),
        beside=(
            _EXACT,
            Reading("gain with two networks", test=_GAIN, cells=(0, 1)),
            Reading("gain with one network", test=_GAIN, cells=(2, 3)),
        ),
    ),
    Statistical(
        id="less-layers",
        reading=(
            "The paper's 4 layers with 3 low updates, and 2 layers with 6, are scaled to 2 layers "
            "with 1, and 1 layer with 2. Again layers times low updates are equal, and the smaller "
            "model's high update passes through fewer layers. Both models are one network with "
            "gradients through the last recursion; the smaller has little more than half the "
            "parameters. They are trained more slowly than those of related claims, at a learning "
            f"rate at which two layers learn. {_BOARDS}"
        ),
        arms=(_LAYERED, _FEWER),
        protocol=LAYERED,
        metric=Accuracy(),
        test=_GAIN,
        beside=(_EXACT, _PARAMETERS),
    ),
    Statistical(
        id="one-network",
        reading=(
            "One network in both roles is compared with two networks of its size, which have "
            "nearly twice its parameters, at equal depth. Both are trained with gradients through "
            f"the last recursion, as in the paper's comparison. {_BOARDS}"
        ),
        arms=(_TWO_WHOLE, _ONE_WHOLE),
        protocol=PATIENT,
        metric=Accuracy(),
        test=_GAIN,
        beside=(_EXACT, _PARAMETERS),
    ),
    Statistical(
        id="one-step-premise",
        reading=(
            "The recursion of act-v1, trained on 4×4 sudokus, comes close to a fixed point if the "
            "low level moves at most a tenth as far in its last update as in its first, and "
            "doesn't if it moves at least half as far. Distances are means over 512 test boards. "
            "The last update is that of the fourth halting step, where training takes its "
            "gradient. If states converge at all, they are closer after eight times as many steps. "
            "The premise is to justify one-step gradients, so their cosine with the full gradient, "
            "by the cores' parameters in the last step, is shown beside."
        ),
        cells=(Cell("low residual, last over first", _TWO, _AFTER, ResidualLeft()),),
        test=_NEAR,
        beside=(
            Reading("after eight schedules", ResidualLeft(schedules=_LONG)),
            Reading("of the high level", ResidualLeft(level="high")),
            Reading("cosine of the one-step and the full gradient", GradientCosine(), _ALIKE),
        ),
    ),
    Statistical(
        id="participation-ratio",
        reading=(
            "The participation ratio of the high level's states is divided by that of the low "
            "level's, in a trained model and in the same initial weights before training. States "
            "are those at the end of each of four halting steps of act-v1, on 512 4×4 sudokus: "
            "2,048 points in 64 dimensions. Each level's own ratio depends on the width, but the "
            "change of their quotient doesn't, so its band is around the reported one."
        ),
        cells=(
            Cell("untrained", _TWO, _BEFORE, Participation()),
            Cell("trained", _TWO, _SHORT, Participation()),
        ),
        test=_change(),
        beside=(
            Reading("high over low, trained", test=_MORE, cells=(1,)),
            Reading("of the high level", Participation(of="high")),
            Reading("of the low level", Participation(of="low")),
        ),
    ),
)
