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
    "Stability is read as the room for the learning rate. Each arm is trained for 60 updates of 32 "
    f"boards ({_BOARDS}) at each of eight rates, a factor of √2 apart. A rate is stable if every "
    "loss stays finite and the mean loss of the last quarter is below that of the best constant "
    "answer, which the training labels alone determine, and if all lower rates are stable too. "
    "Loss is the criterion because post-norm bounds the states, so that nothing overflows. Both "
    "arms have equal rates, boards, order and budget; the grid was fixed on pilot seed 1000 for "
    "the default model alone, whose largest stable rate there is the third. "
)
_ROOM = Ratio(
    null=0.42,
    because="a rung, half an octave, is what the ladder resolves, and isn't felt in tuning",
)
_OVER_BEST = Reading(
    label="largest stable rate over the rate with the least loss",
    metric=LargestRate(over_best=True),
)

CLAIMS = (
    Statistical(
        id="rmsnorm-compute",
        section="1. Advanced Neural Components, RMSNorm",
        reading=(
            "Less computation is read as less time for a norm, forward and backward, at the public "
            "code's default width 128 and batch 32, eagerly on one thread. Operations can't decide "
            "it: what is counted as FLOPs are products of matrices, of which a norm has none. "
            "Both norms are torch's own functions, RMSNorm with its learned scale, and nothing is "
            "compiled: a compiler might fuse either, and takes tens of seconds in each of the "
            "fresh processes that are pairs. The model's whole forward and backward pass stands "
            "beside."
        ),
        arms=(
            Arm(label="LayerNorm", part=recipes.amulgent()),
            Arm(label="RMSNorm", part=recipes.amulgent(use_rmsnorm=True)),
        ),
        protocol=Time(targets=(_NORM, _PASS), batches=(32,), rounds=20),  # 40 scatter as much
        metric=TimeRatio(target=_NORM, batch=32),
        test=Timing(null=0.05, because="under 5 % of a norm is nothing of a model", fewer=True),
        schedule=TIMED,
        beside=(
            Reading(
                label="forward and backward pass of the model",
                metric=TimeRatio(target=_PASS, batch=32),
            ),
        ),
        cost=2.6,
    ),
    Statistical(
        id="rmsnorm-stability",
        section="1. Advanced Neural Components, RMSNorm; Performance Improvements",
        reading=f"{_STABLE}The arms differ in the norms of both levels alone.",
        arms=(S0, S1),
        protocol=RATES,
        metric=LargestRate(),
        test=_ROOM,
        beside=(_OVER_BEST,),
        cost=3.0,
    ),
    Statistical(
        id="rmsnorm-quality",
        section="1. Advanced Neural Components, RMSNorm",
        reading=(
            '"While maintaining performance" is read as accuracy on unknown cells of held-out '
            f"boards ({_BOARDS}) that isn't worse by a point, after equal updates. Both arms have "
            "SwiGLU feed-forwards and one segment; they differ in the norms alone."
        ),
        arms=(V3, L1),
        protocol=LEVELS,
        metric=Accuracy(),
        test=NotWorse(margin=0.01, because="a point is what a reader would notice"),
        beside=(
            Reading(label="boards answered exactly", metric=Accuracy(cells="exact")),
            Reading(
                label="difference of the accuracies",
                test=Difference(null=0.005, because="half a point is the least worth noticing"),
            ),
        ),
        cost=2.5,
    ),
    Statistical(
        id="swiglu-quality",
        section="1. Advanced Neural Components, SwiGLU Activation",
        reading=(
            "SwiGLU replaces a standard MLP, in the document's words: two maps with a GELU "
            "between them, of inner width 2 D as the public code's feed-forward has it. (That one "
            "is gated by SiLU already, so that as coded next to nothing is replaced.) SwiGLU has "
            "the inner width int(8 D / 3) of the public code, which makes the model two fifths "
            "larger; SwiGLU of the MLP's size stands beside. Compared is accuracy on unknown "
            f"cells of held-out boards ({_BOARDS}), after equal updates."
        ),
        arms=(V4, V3, V5),
        protocol=LEVELS,
        metric=Accuracy(),
        test=Difference(null=0.01, because="a point is the least worth two fifths more parameters"),
        beside=(
            Reading(label="at equal parameters", cells=(0, 2)),
            Reading(label="boards answered exactly", metric=Accuracy(cells="exact")),
        ),
        cost=2.5,
    ),
    Statistical(
        id="init-truncated-stability",
        section="1. Advanced Neural Components, Enhanced Initialization",
        reading=(
            f"{_STABLE}The arms differ in how maps are drawn: uniform within ± 1/√D as torch does, "
            "or normal, cut at two standard deviations, with a standard deviation of 1/√D. The "
            "default's is smaller, by √3; nothing is equalised, since the document claims the "
            "initialisation as a whole."
        ),
        arms=(S0, S2),
        protocol=RATES,
        metric=LargestRate(),
        test=_ROOM,
        beside=(_OVER_BEST,),
        cost=3.0,
    ),
)
