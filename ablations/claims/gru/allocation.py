"""Document gru: where a trained policy spends its cycles, and what they buy."""

from ablations.claims.arms_t1 import GRU, PRICE, PRICED, SOLVING
from ablations.claims.boards import SUDOKU_MIX
from ablations.metrics.costs import Allocation, Cycles
from ablations.metrics.returns import Regret, Return
from ablations.metrics.scores import Accuracy
from ablations.specs.claim import Cell, Reading, Statistical
from ablations.specs.protocols import Evaluate, Forced
from ablations.specs.tests import Difference, OneSample, Trend
from hrm.config import Masked

_OWN = Evaluate(after=SOLVING, execution=Masked())  # each sample stops for itself
_MODEL = (
    "The document's model with ACT is trained as its text means it: actions are sampled, every "
    "decision is scored, and gradients flow through the states at the stop. (As coded, they are "
    f"copied without gradient, so that the policy learns nothing.) The boards are {SUDOKU_MIX}, "
    "each as one vector: on single numbers, with the documented flags, it learns too slowly to "
    "beat a trivial method."
)
_HARD, _EASY = (11, 16), (0, 5)  # unknown cells of boards with 5 clues, and with 11
_TENTH = "a tenth of a cycle is the least worth noticing"
_DIFFICULTY = (
    f"{_MODEL} λ is {PRICE:g}, as in the document's example. A 4×4 sudoku needs no guess, so "
    "difficulty is read as the number of unknown cells. Read is Spearman's rank correlation of "
    "that number and the cycles of each board, where each stops for itself; a model that gives "
    "all boards as many cycles allocates nothing, and has 0. Mean cycles of the boards with "
    "fewest clues, less those of the boards with most, stand beside."
)
_ALLOCATED = (
    Cell(label="all boards", arm=GRU, protocol=_OWN, metric=Allocation(by="unknown")),
    Cell(
        label="boards with 11 clues",
        arm=GRU,
        protocol=_OWN,
        metric=Cycles(stratum=_EASY, by="unknown"),
    ),
    Cell(
        label="boards with 5 clues",
        arm=GRU,
        protocol=_OWN,
        metric=Cycles(stratum=_HARD, by="unknown"),
    ),
)
_CORRELATED = OneSample(null=0.1, because="a correlation of 0.1 explains one per cent")
_STRATA = (
    Reading(
        label="cycles of boards with 5 clues less those with 11",
        test=Difference(null=0.1, because=_TENTH),
        cells=(1, 2),
    ),
)

CLAIMS = (
    Statistical(
        id="act-difficulty",
        section="Key Features, Adaptive Computation Time; Performance Characteristics",
        reading=_DIFFICULTY,
        cells=_ALLOCATED,
        test=_CORRELATED,
        beside=_STRATA,
        cost=9.0,
    ),
    Statistical(
        id="gru-dynamic-allocation",
        section="Performance Characteristics, Computational Efficiency, Dynamic Allocation",
        reading=(
            "One measurement with `act-difficulty`, which rests on the same sentence. "
            f"{_DIFFICULTY}"
        ),
        cells=_ALLOCATED,
        test=_CORRELATED,
        beside=_STRATA,
        cost=9.0,
    ),
    Statistical(
        id="gru-optimal-steps",
        section="Key Features, Adaptive Computation Time",
        reading=(
            '"Automatically determines optimal computation steps per input" is read by what the '
            f"model is trained for: R = −squared error − {PRICE:g} · cycles. {_MODEL} Each "
            "held-out board is computed to every cycle; its regret is what the best of these would "
            "have returned beyond the chosen one. The policy's regret is compared with that of one "
            "number of cycles for all boards, the best one on validation boards: a policy that "
            "finds what suits each input has less. The policy's regret by itself stands beside; "
            "the optimum would have none."
        ),
        cells=tuple(
            Cell(
                label=label,
                arm=GRU,
                protocol=Evaluate(after=SOLVING, mode=Forced(steps=5)),
                metric=Regret(cost=PRICE, chosen=chosen),
            )
            for label, chosen in (("best fixed number", "fixed"), ("policy", "policy"))
        ),
        test=Difference(null=PRICE / 2, because="half a cycle's price", fewer=True),
        beside=(
            Reading(
                label="the policy's regret",
                test=OneSample(null=PRICE / 2, because="half a cycle's price", fewer=True),
                cells=(1,),
            ),
        ),
        cost=9.0,
    ),
    Statistical(
        id="metarl-cost-weight",
        section="Key Features, Meta-Reinforcement Learning; Configuration Options",
        reading=(
            f"{_MODEL} Five prices per cycle are set, 0 to 0.1 in steps of about three. The claim "
            "has two halves; that a higher price buys fewer cycles carries the verdict: the slope "
            "of the mean cycles per board over the rank of the price, each board stopping for "
            "itself. What it costs in accuracy stands beside. As coded, λ reaches no weight of the "
            "policy, so that the slope would be 0 by construction. At the highest price a model "
            "may, by the claim, be too poor to beat a trivial method."
        ),
        arms=PRICED,
        protocol=_OWN,
        metric=Cycles(),
        test=Trend(
            levels=tuple(float(i) for i in range(len(PRICED))),
            null=0.1,
            because=f"{_TENTH}, for each step of the price",
            fewer=True,
        ),
        beside=(
            Reading(
                label="accuracy on unknown cells, per step of the price",
                metric=Accuracy(),
                test=Trend(
                    levels=tuple(float(i) for i in range(len(PRICED))),
                    null=0.005,
                    because="half a point is the least worth noticing",
                    fewer=True,
                ),
            ),
            Reading(
                label="return at the documents' price, per step of the price",
                metric=Return(cost=PRICE),
                test=Trend(
                    levels=tuple(float(i) for i in range(len(PRICED))),
                    null=PRICE / 2,
                    because="half a cycle's price",
                ),
            ),
        ),
        unskilled=(PRICED[-1].label,),
        cost=9.0,
    ),
)
