"""Document gru: where a trained policy spends its cycles, and what they buy."""

from typing import Any

from ablations.claims.arms_policies import GRU, PRICE, PRICED, PRICED_FOLDING, PRICED_WARM_UP
from ablations.claims.boards import FOLDS_MIX
from ablations.metrics.costs import Allocation, Cycles
from ablations.metrics.returns import Regret, Return
from ablations.metrics.scores import Accuracy
from ablations.specs.claim import Cell, Reading, Statistical
from ablations.specs.protocols import Evaluate, Forced
from ablations.specs.tests import Difference, OneSample, Trend
from hrm.config import Masked

_OWN = Evaluate(after=PRICED_FOLDING, execution=Masked())  # each sample stops for itself
_FORCED = Evaluate(after=PRICED_FOLDING, mode=Forced(steps=5))
_MODEL = (
    f"The model is trained as the document's text describes it, on {FOLDS_MIX}. (As coded, the "
    "states at the stop are copied without gradient, so neither rewards nor the price λ reach the "
    f"policy.) {PRICED_WARM_UP}"
)
_DIFFICULTY = (
    "Difficulty is read as the number of steps of a fold: a second one makes the answer twice as "
    "steep a function of the input. Spearman's rank correlation between this number and the cycles "
    "after which each fold stops is tested; it is 0 if all folds get equally many cycles. "
    f"{_MODEL}"
)
_ALLOCATED = (
    Cell("all folds", GRU, _OWN, Allocation()),
    Cell("folds of 1 step", GRU, _OWN, Cycles(stratum=(1, 1))),
    Cell("folds of 2 steps", GRU, _OWN, Cycles(stratum=(2, 2))),
)
_CORRELATED = OneSample(
    null=0.1, because="a correlation of 0.1 explains one per cent of the variance"
)
_TENTH = "less than a tenth of a cycle isn't worth noticing"
_STRATA = (
    Reading(
        "cycles of folds of two steps less those of one",
        test=Difference(null=0.1, because=_TENTH),
        cells=(1, 2),
    ),
)
_HALF: dict[str, Any] = {"null": PRICE / 2, "because": "half the price of a cycle"}
_RANKS = tuple(float(rank) for rank in range(len(PRICED)))
_ACCURACY = Trend(
    levels=_RANKS,
    null=0.005,
    because="less than half a percentage point isn't worth noticing",
    fewer=True,
)
_RETURN = Trend(levels=_RANKS, **_HALF)

CLAIMS = (
    Statistical(
        id="act-difficulty",
        reading=_DIFFICULTY,
        cells=_ALLOCATED,
        test=_CORRELATED,
        beside=_STRATA,
    ),
    Statistical(
        id="gru-dynamic-allocation",
        reading=(
            "The claim rests on the same sentence as `act-difficulty`, so the same is measured. "
            f"{_DIFFICULTY}"
        ),
        cells=_ALLOCATED,
        test=_CORRELATED,
        beside=_STRATA,
    ),
    Statistical(
        id="gru-optimal-steps",
        reading=(
            '"Optimal" is read in terms of what the model is trained for: R = −squared error − '
            f"{PRICE:g} · cycles. A held-out board's regret is the return at the best of five "
            "cycles minus the return at the chosen one. The policy should have less of it than "
            f"one number of cycles for all boards, the best one on validation boards. {_MODEL}"
        ),
        cells=(
            Cell("best fixed number", GRU, _FORCED, Regret(cost=PRICE, chosen="fixed")),
            Cell("policy", GRU, _FORCED, Regret(cost=PRICE)),
        ),
        test=Difference(**_HALF, fewer=True),
        beside=(Reading("the policy's regret", test=OneSample(**_HALF, fewer=True), cells=(1,)),),
    ),
    Statistical(
        id="metarl-cost-weight",
        reading=(
            "The verdict rests on the first half of the claim, that a higher price buys fewer "
            "cycles: the slope of the mean cycles per board over the rank of the price is tested. "
            "The prices are 0 (the default), that of the document's example and its double; at "
            f"higher ones a model may do well to learn nothing. {_MODEL}"
        ),
        arms=PRICED,
        protocol=_OWN,
        metric=Cycles(),
        test=Trend(levels=_RANKS, null=0.1, because=_TENTH, fewer=True),
        beside=(
            Reading("accuracy of the answers, per step of the price", Accuracy(), _ACCURACY),
            Reading(
                "return at the documents' price, per step of the price", Return(cost=PRICE), _RETURN
            ),
        ),
    ),
)
