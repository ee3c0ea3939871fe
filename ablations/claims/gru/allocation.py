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
    "The document's model with ACT is trained as its text describes it: actions are sampled, "
    "every decision is scored, and gradients flow through the states at the stop. (As coded, "
    "these states are copied without gradient, so the policy learns nothing.) The problem is of "
    f"the training example's kind, a real number learned by its squared error: {FOLDS_MIX} (steps "
    f"of the recurrence that gives the number). {WARM_UP} The policy's learning rate is a tenth "
    "of the model's. (In pilots on an earlier task, sudokus answered by 80 numbers, every board "
    "stopped at once: in the mean squared error of so many numbers, a second cycle earns next to "
    "nothing, less than its price.)"
)
_EASY, _HARD = (1, 1), (2, 2)  # steps of a fold
_TENTH = "less than a tenth of a cycle isn't worth noticing"
_DIFFICULTY = (
    "Difficulty is read as the number of steps of a fold, since a second step makes the answer "
    "twice as steep a function of the input. Spearman's rank correlation between this number and "
    "the cycles of each fold is tested, where each fold stops individually. A model that gives "
    f"all folds the same number of cycles allocates nothing and has a correlation of 0. {_MODEL} "
    f"λ is {PRICE:g}, as in the document's example. The mean cycles of the folds of two steps, "
    "less those of one, are also shown."
)
_ALLOCATED = (
    Cell("all folds", GRU, _OWN, Allocation()),
    Cell("folds of 1 step", GRU, _OWN, Cycles(stratum=_EASY)),
    Cell("folds of 2 steps", GRU, _OWN, Cycles(stratum=_HARD)),
)
_CORRELATED = OneSample(
    null=0.1, because="a correlation of 0.1 explains one per cent of the variance"
)
_STRATA = (
    Reading(
        "cycles of folds of two steps less those of one",
        test=Difference(null=0.1, because=_TENTH),
        cells=(1, 2),
    ),
)

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
            "This is the same measurement as `act-difficulty`, which rests on the same sentence "
            f"of the document. {_DIFFICULTY}"
        ),
        cells=_ALLOCATED,
        test=_CORRELATED,
        beside=_STRATA,
    ),
    Statistical(
        id="gru-optimal-steps",
        reading=(
            '"Automatically determines optimal computation steps per input" is read in terms of '
            f"what the model is trained for: R = −squared error − {PRICE:g} · cycles. Each "
            "held-out board is evaluated after every cycle. Its regret is the return at the best "
            "of these cycles minus the return at the chosen one. The policy's regret is compared "
            "with that of one number of cycles for all boards, the best one on validation "
            f"boards: a policy that finds what suits each input has less. {_MODEL} The policy's "
            "regret by itself is also shown; the optimum would have none."
        ),
        cells=tuple(
            Cell(
                label,
                GRU,
                Evaluate(after=PRICED_FOLDING, mode=Forced(steps=5)),
                Regret(cost=PRICE, chosen=chosen),
            )
            for label, chosen in (("best fixed number", "fixed"), ("policy", "policy"))
        ),
        test=Difference(null=PRICE / 2, because="half the price of a cycle", fewer=True),
        beside=(
            Reading(
                "the policy's regret",
                test=OneSample(null=PRICE / 2, because="half the price of a cycle", fewer=True),
                cells=(1,),
            ),
        ),
    ),
    Statistical(
        id="metarl-cost-weight",
        reading=(
            "The claim has two halves. The verdict rests on the first, that a higher price buys "
            "fewer cycles: the slope of the mean cycles per board over the rank of the price is "
            "tested, where each board stops individually. The second, the loss of accuracy, is "
            f"also shown. {_MODEL} Three prices per cycle are compared: 0 (the default), that of "
            "the document's example, and its double. At higher prices a cycle costs so much of "
            "the answers' variance that a model may do well to learn nothing. As coded, λ "
            "reaches no weight of the policy, so the slope would be 0 by construction. All arms "
            "have to beat the best trivial method, since accuracy can only be traded where there "
            "is some."
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
                "accuracy of the answers, per step of the price",
                Accuracy(),
                Trend(
                    levels=tuple(float(i) for i in range(len(PRICED))),
                    null=0.005,
                    because="less than half a percentage point isn't worth noticing",
                    fewer=True,
                ),
            ),
            Reading(
                "return at the documents' price, per step of the price",
                Return(cost=PRICE),
                Trend(
                    levels=tuple(float(i) for i in range(len(PRICED))),
                    null=PRICE / 2,
                    because="half the price of a cycle",
                ),
            ),
        ),
    ),
)
