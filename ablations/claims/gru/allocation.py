"""Document gru: where a trained policy spends its cycles, and what they buy."""

from ablations.claims.arms_policies import GRU, PRICE, PRICED, PRICED_FOLDING, WARM_UP
from ablations.claims.boards import FOLDS_MIX
from ablations.metrics.costs import Allocation, Cycles
from ablations.metrics.returns import Regret, Return
from ablations.metrics.scores import Accuracy
from ablations.specs.claim import Cell, Reading, Statistical
from ablations.specs.protocols import Evaluate, Forced
from ablations.specs.tests import Difference, OneSample, Trend
from hrm.config import Masked

_OWN = Evaluate(after=PRICED_FOLDING, execution=Masked())  # each sample stops for itself
_MODEL = (
    "The document's model with ACT is trained as its text means it: actions are sampled, every "
    "decision is scored, and gradients flow through the states at the stop. (As coded, they are "
    "copied without gradient, so that the policy learns nothing.) The problem is of the training "
    f"example's kind, a real number learned by its squared error: {FOLDS_MIX}. {WARM_UP} "
    "The policy's learning rate is a tenth of the model's. (An earlier workload, sudokus "
    "answered by 80 numbers, had pilots in which every board stopped at once: the mean squared "
    "error of so many leaves a second cycle next to nothing to earn, and its price is not paid.)"
)
_EASY, _HARD = (1, 1), (2, 2)  # steps of a fold
_TENTH = "a tenth of a cycle is the least worth noticing"
_DIFFICULTY = (
    f"{_MODEL} λ is {PRICE:g}, as in the document's example. A second step makes "
    "the answer twice as steep a function of the input, so difficulty is read as the number of "
    "steps. Read is Spearman's rank correlation of that number and the cycles of each fold, where "
    "each stops for itself; a model that gives all folds as many cycles allocates nothing, and "
    "has 0. Mean cycles of the folds of two steps, less those of one, stand beside."
)
_ALLOCATED = (
    Cell(label="all folds", arm=GRU, protocol=_OWN, metric=Allocation()),
    Cell(label="folds of 1 step", arm=GRU, protocol=_OWN, metric=Cycles(stratum=_EASY)),
    Cell(label="folds of 2 steps", arm=GRU, protocol=_OWN, metric=Cycles(stratum=_HARD)),
)
_CORRELATED = OneSample(null=0.1, because="a correlation of 0.1 explains one per cent")
_STRATA = (
    Reading(
        label="cycles of folds of two steps less those of one",
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
                protocol=Evaluate(after=PRICED_FOLDING, mode=Forced(steps=5)),
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
            f"{_MODEL} Three prices per cycle are set: 0, the default, that of the document's "
            "example, and its double. At higher ones a cycle costs so much of the "
            "answers' variance that a model may do well to learn nothing. The claim "
            "has two halves; that a higher price buys fewer cycles carries the verdict: the slope "
            "of the mean cycles per board over the rank of the price, each board stopping for "
            "itself. What it costs in accuracy stands beside. As coded, λ reaches no weight of the "
            "policy, so that the slope would be 0 by construction. All arms have to beat the best "
            "trivial method: to trade accuracy, there has to be some."
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
                label="accuracy of the answers, per step of the price",
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
        cost=9.0,
    ),
)
