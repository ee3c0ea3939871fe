"""Document amulgent: norms, feed-forwards, and the weights that training starts from."""

from ablations.claims.arms_amulgent import L1, LEVELS, RATES, S0, S1, S2, V3, V4, V5
from ablations.metrics.ladder import LargestRate
from ablations.metrics.scores import Accuracy
from ablations.metrics.timing import TimeRatio
from ablations.specs.arms import Arm
from ablations.specs.claim import TIMED, Reading, Statistical
from ablations.specs.protocols import Time
from ablations.specs.tests import Difference, NotWorse, Ratio, Timing
from hrm import recipes

_NORM, _PASS = "bench.blocks:norm", "bench.blocks:training_pass"
_BOARDS = "4×4 sudokus as one vector, in equal thirds of 5, 8 and 11 clues"
_STABLE = (
    "We read stability as the range of usable learning rates. Each arm is trained for 60 updates "
    f"of 32 boards ({_BOARDS}) at each of eight rates, a factor of √2 apart. A rate is stable if "
    "every loss stays finite, the mean loss of the last quarter is below that of the best constant "
    "answer, and all lower rates are stable too. The best constant answer depends on the training "
    "labels alone. The criterion is the loss because post-norm bounds the states, so that nothing "
    "overflows. Both arms have the same rates, boards, order and budget. The grid was fixed on "
    "pilot seed 1000 for the default model alone, whose largest stable rate there is the third. "
)
_ROOM = Ratio(
    null=0.42,
    because="one step of the grid, a factor of √2, is its resolution and doesn't matter in tuning",
)
_OVER_BEST = Reading(
    "largest stable rate over the rate with the least loss", LargestRate(over_best=True)
)

CLAIMS = (
    Statistical(
        id="rmsnorm-compute",
        reading=(
            "We read less computation as less time for the forward and backward pass of a norm, at "
            "the public code's default width 128 and batch 32, eagerly on one thread. FLOPs can't "
            "decide the claim: they count matrix products, and a norm has none. Both norms are "
            "torch's own functions, RMSNorm with its learned scale. Nothing is compiled: a "
            "compiler might fuse either norm, and would take tens of seconds in every pair, since "
            "each pair is a fresh process. The time of the model's whole forward and backward pass "
            "is also shown."
        ),
        arms=(
            Arm("LayerNorm", recipes.amulgent()),
            Arm("RMSNorm", recipes.amulgent(use_rmsnorm=True)),
        ),
        protocol=Time(targets=(_NORM, _PASS), batches=(32,), rounds=20),  # 40 scatter as much
        metric=TimeRatio(target=_NORM, batch=32),
        test=Timing(
            null=0.05, because="5 % of a norm's time is negligible for a model", fewer=True
        ),
        schedule=TIMED,
        beside=(
            Reading("forward and backward pass of the model", TimeRatio(target=_PASS, batch=32)),
        ),
    ),
    Statistical(
        id="rmsnorm-stability",
        reading=f"{_STABLE}The arms differ in the norms of both levels alone.",
        arms=(S0, S1),
        protocol=RATES,
        metric=LargestRate(),
        test=_ROOM,
        beside=(_OVER_BEST,),
    ),
    Statistical(
        id="rmsnorm-quality",
        reading=(
            'We read "While maintaining performance" as: after equal updates, accuracy on unknown '
            f"cells of held-out boards ({_BOARDS}) isn't worse by a point. Both arms have SwiGLU "
            "feed-forwards and one segment; only their norms differ."
        ),
        arms=(V3, L1),
        protocol=LEVELS,
        metric=Accuracy(),
        test=NotWorse(
            margin=0.01, because="a point is the smallest loss that a reader would notice"
        ),
        beside=(
            Reading("boards answered exactly", Accuracy(cells="exact")),
            Reading(
                "difference of the accuracies",
                test=Difference(
                    null=0.005, because="half a point is the smallest difference worth noticing"
                ),
            ),
        ),
    ),
    Statistical(
        id="swiglu-quality",
        reading=(
            f"The arms are compared by accuracy on unknown cells of held-out boards ({_BOARDS}), "
            "after equal updates. The document says that SwiGLU replaces a standard MLP. We take "
            "that MLP to be two maps with a GELU between them, with the inner width 2 D of the "
            "public code's feed-forward. (The feed-forward as coded is already gated by SiLU, so "
            "that SwiGLU replaces next to nothing there.) SwiGLU has the public code's inner width "
            "int(8 D / 3), which makes the model two fifths larger. SwiGLU with as many parameters "
            "as the MLP is also shown."
        ),
        arms=(V4, V3, V5),
        protocol=LEVELS,
        metric=Accuracy(),
        test=Difference(
            null=0.01, because="a point is the smallest gain worth two fifths more parameters"
        ),
        beside=(
            Reading("at equal parameters", cells=(0, 2)),
            Reading("boards answered exactly", Accuracy(cells="exact")),
        ),
    ),
    Statistical(
        id="init-truncated-stability",
        reading=(
            f"{_STABLE}The arms differ in the initial weights of maps with D inputs: uniform "
            "within ± 1/√D, as torch draws them, or normal, truncated at two standard deviations, "
            "with a standard deviation of 1/√D. The default's standard deviation is smaller by a "
            "factor of √3. It isn't equalised, since the document's claim is about the "
            "initialisation as a whole."
        ),
        arms=(S0, S2),
        protocol=RATES,
        metric=LargestRate(),
        test=_ROOM,
        beside=(_OVER_BEST,),
    ),
)
