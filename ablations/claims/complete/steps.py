"""Document complete: how long a pass takes, and what its steps do."""

from ablations.claims.complete.arms import (
    BOTH_AS_CODED,
    BOTH_AS_DOCUMENTED,
    JOINT,
    LOW_STEPS,
    MAZE_TASK,
    ON_BOTH,
    ON_BOTH_AS_DOCUMENTED,
)
from ablations.claims.ledger import figure
from ablations.metrics.costs import Allocation, Cycles
from ablations.metrics.probes import CycleResidual
from ablations.metrics.timing import Milliseconds
from ablations.specs.arms import Arm
from ablations.specs.claim import TIMED, Cell, Reading, Statistical
from ablations.specs.protocols import Evaluate, Probe, Time
from ablations.specs.tests import OneRatio, OneSample, Ratio
from hrm import recipes

_ALL_STEPS = (
    "As coded, every pass takes all ten steps: it would stop once the sums of halting "
    "probabilities of all positions reach the threshold, but each sum is cleared when it does."
)

# -- latency --------------------------------------------------------------------------------------
_TARGET = "bench.controller:forward"
_SIZES = ("small", "tiny", "medium")
_LATENCY = figure("latency")
_SHORTEST, _LONGEST = _LATENCY.range()
_LAST_PLACE = 1 / _LONGEST  # a millisecond, as a share of the printed upper end
_WITHIN = OneRatio(
    constant=_LONGEST,
    null=_LAST_PLACE,
    because="the printed times are whole milliseconds",
    fewer=True,
    about=(_SHORTEST / _LONGEST, 1 - _LAST_PLACE),
    band_because=_LATENCY.because(),
)

# -- adaptive steps -------------------------------------------------------------------------------
_SHARE = "a rank correlation of 0.1 explains a hundredth of the variance of the steps' ranks"
_ADAPTS = OneSample(null=0.1, because=_SHARE)
_FEWEST, _MOST = figure("adaptive-steps").numbers("steps")
_CYCLES = Cycles(task=MAZE_TASK)
_STEPS = OneSample(
    null=1.0,
    because="every pass takes at least one step",
    about=(_FEWEST, _MOST),
    band_because="the printed range",
)
_ADAPTIVE = (
    Cell("as coded", BOTH_AS_CODED, Evaluate(after=ON_BOTH, batch=1), Allocation(task=MAZE_TASK)),
    Cell(
        "as documented",
        BOTH_AS_DOCUMENTED,
        Evaluate(after=ON_BOTH_AS_DOCUMENTED),  # compacted: a batch doesn't stop as one
        Allocation(task=MAZE_TASK),
    ),
)

# -- local convergence ----------------------------------------------------------------------------
_PROBES = tuple(
    Cell(
        label,
        BOTH_AS_DOCUMENTED,
        Probe(boards=JOINT, after=after, steps=1, count=128),
        CycleResidual(updates=LOW_STEPS),
    )
    for label, after in (("untrained", None), ("trained", ON_BOTH_AS_DOCUMENTED))
)

_HARDLY = "a residual smaller by a tenth is hardly convergence"
_SETTLES = OneRatio(null=0.1, because=_HARDLY, fewer=True)

CLAIMS = (
    Statistical(
        id="latency",
        reading=(
            'We read the time of a "Forward Pass", "per sequence (CPU)", as that of one pass of '
            "the small model, the one of the usage example, over a sequence of 81 positions (a 9×9 "
            "board), on one core and one thread; the document states neither number. The claim is "
            f"that a pass takes no longer than the upper end of the printed range. {_ALL_STEPS} "
            "Absolute times are of this machine alone. The paper's size would take minutes a "
            "process and isn't timed."
        ),
        arms=tuple(Arm(n, recipes.named[f"complete-{n}"].make()) for n in _SIZES),
        protocol=Time(targets=(_TARGET,), batches=(1,), rounds=20),
        metric=Milliseconds(target=_TARGET, batch=1),
        test=_WITHIN,
        schedule=TIMED,
        beside=tuple(
            Reading(f"time of the {_SIZES[i]} size", test=_WITHIN, cells=(i,)) for i in (1, 2)
        ),
    ),
    Statistical(
        id="adaptive-steps",
        reading=(
            'We read "Dynamic halting based on problem complexity" as a rank correlation, over '
            "held-out mazes, between the steps that a maze takes and the moves on its shortest "
            "path; it is 0 if all take equally many steps. The verdict is that of the small model "
            "as coded, trained on mazes and patterns. It gets mazes one by one, since a batch "
            f"stops as a whole. {_ALL_STEPS} This is so trained or not, so no skill is required."
        ),
        cells=_ADAPTIVE,
        test=_ADAPTS,
        beside=(
            Reading("correlation as documented", cells=(1,)),
            Reading("mean steps as coded, held to the printed range", _CYCLES, _STEPS),
            Reading(
                "mean steps as documented, held to the printed range", _CYCLES, _STEPS, cells=(1,)
            ),
        ),
        unskilled=("as coded", "as documented"),
    ),
    Statistical(
        id="local-convergence",
        reading=(
            'We read "L-module local convergence → H-module update" as a smaller residual of the '
            "low state after training than before: if the module converges because of what it has "
            "learned, training makes the residual smaller. The residual is the distance that the "
            "low state moves in the last low update of a cycle, divided by that in the first (root "
            "mean squares over entries, means over held-out boards), averaged over cycles. The "
            f"model is the small one as documented, with {LOW_STEPS} low updates a cycle, our "
            "choice; as coded there is one, so there is nothing to converge. Skill isn't required, "
            "since the claim is about states."
        ),
        cells=_PROBES,
        test=Ratio(null=0.1, because=_HARDLY, fewer=True),
        beside=(Reading("residual left, trained", test=_SETTLES, cells=(1,)),),
        unskilled=("untrained", "trained"),
    ),
)
