"""Document amulgent: norms, feed-forwards, and the weights that training starts from."""

from ablations.claims.arms_amulgent import (
    EXACTLY,
    HALF,
    L1,
    LEVELS,
    ON_CELLS,
    RATES,
    S0,
    S1,
    S2,
    V3,
    V4,
    V5,
)
from ablations.claims.boards import SUDOKU_MIX
from ablations.metrics.ladder import LargestRate
from ablations.metrics.scores import Accuracy
from ablations.metrics.timing import TimeRatio
from ablations.specs.arms import Arm
from ablations.specs.claim import TIMED, Reading, Statistical
from ablations.specs.protocols import Time
from ablations.specs.tests import Difference, NotWorse, Ratio, Timing
from hrm.recipes import amulgent

_NORM, _PASS = "bench.blocks:norm", "bench.blocks:training_pass"
# The criterion is the loss because post-norm bounds the states, so that nothing overflows.
_STABLE = (
    "We read stability as the largest stable learning rate, on a grid of eight rates a factor of "
    "√2 apart. A rate is stable if every loss of 60 updates stays finite, the mean of the last "
    "quarter is below the loss of the best constant answer, and all lower rates are stable too. "
    f"Boards are {SUDOKU_MIX}. The grid was fixed on pilot seed 1000 for the default model alone, "
    "whose largest stable rate there is the third."
)
_ROOM = Ratio(
    null=0.42, because="a factor of √2 is the resolution of the grid and hardly matters in tuning"
)
_OVER_BEST = Reading(
    "largest stable rate over the rate with the least loss", LargestRate(over_best=True)
)

CLAIMS = (
    Statistical(
        id="rmsnorm-compute",
        reading=(
            "We read less computation as less time for the forward and backward pass of a norm, at "
            "the public code's default width 128 and batch 32, on one thread. FLOPs can't decide "
            "the claim: they count matrix products, and a norm has none. Both norms are torch's "
            "own functions, RMSNorm with its learned scale. Nothing is compiled, since a compiler "
            "might fuse either norm."
        ),
        arms=(Arm("LayerNorm", amulgent()), Arm("RMSNorm", amulgent(use_rmsnorm=True))),
        protocol=Time(targets=(_NORM, _PASS), batches=(32,), rounds=20),  # 40 scatter as much
        metric=TimeRatio(target=_NORM, batch=32),
        test=Timing(null=0.05, because="5 % of a norm's time is negligible in a model", fewer=True),
        schedule=TIMED,
        beside=(
            Reading("forward and backward pass of the model", TimeRatio(target=_PASS, batch=32)),
        ),
    ),
    Statistical(
        id="rmsnorm-stability",
        reading=f"{_STABLE} The arms differ in the norms of both levels alone.",
        arms=(S0, S1),
        protocol=RATES,
        metric=LargestRate(),
        test=_ROOM,
        beside=(_OVER_BEST,),
    ),
    Statistical(
        id="rmsnorm-quality",
        reading=(
            'We read "While maintaining performance" as losing less than a point in nearly every '
            f"seed. We compare {ON_CELLS} after equal updates. Both arms have SwiGLU feed-forwards "
            "and one segment."
        ),
        arms=(V3, L1),
        protocol=LEVELS,
        metric=Accuracy(),
        test=NotWorse(margin=0.01, because="a point is the smallest loss that readers notice"),
        beside=(EXACTLY, Reading("difference of the accuracies", test=HALF)),
    ),
    Statistical(
        id="swiglu-quality",
        reading=(
            f"We compare {ON_CELLS} after equal updates. We take the standard MLP that SwiGLU "
            "replaces to be two maps with a GELU between them, with the inner width 2 D of the "
            "public code's feed-forward. (As coded, that feed-forward is already gated by SiLU, so "
            "SwiGLU replaces next to nothing there.) SwiGLU has the public code's inner width "
            "int(8 D / 3), which makes the model two fifths larger."
        ),
        arms=(V4, V3, V5),
        protocol=LEVELS,
        metric=Accuracy(),
        test=Difference(
            null=0.01, because="a point is the smallest gain worth two fifths more parameters"
        ),
        beside=(Reading("at equal parameters", cells=(0, 2)), EXACTLY),
    ),
    Statistical(
        id="init-truncated-stability",
        reading=(
            f"{_STABLE} Weights of maps with D inputs start uniform within ± 1/√D, as torch draws "
            "them, or normal with standard deviation 1/√D, truncated at two standard deviations. "
            "The default's standard deviation is smaller by a factor of √3. It isn't equalised, "
            "since the claim is about the initialisation as a whole."
        ),
        arms=(S0, S2),
        protocol=RATES,
        metric=LargestRate(),
        test=_ROOM,
        beside=(_OVER_BEST,),
    ),
)
