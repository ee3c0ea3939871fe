"""Document v2: what the corrected policy loss does to gradients and to training."""

from dataclasses import replace

from ablations.claims.arms_policies import (
    CORRECTED,
    FOLDING,
    NO_ENTROPY,
    PER_SAMPLE,
    PRICE,
    WARM_UP,
    objective,
)
from ablations.claims.boards import FOLDS_MIX
from ablations.claims.ledger import figure
from ablations.metrics.costs import HaltingEntropy
from ablations.metrics.curves import Arrival, ControllerPeak, GradientNorm, Settling, Spikes
from ablations.metrics.gradients import GradientVariance, Live, MeanNorm
from ablations.metrics.returns import Return
from ablations.specs.claim import CHEAP, FURTHER, Cell, Reading, Statistical
from ablations.specs.protocols import Evaluate, Resample
from ablations.specs.tests import Difference, NotWorse, Ratio, TimeToTarget
from hrm.config.learning import PolicyGradient

_FIFTY = replace(
    FOLDING, training=replace(FOLDING.training, updates=50, halts_from=0.0), compiled=False
)
_MEANS = {"plain mean": None, "masked mean": objective(CORRECTED)}  # None for the arm's own
_variance, _convergence = figure("metarl-gradient-variance"), figure("metarl-convergence")
_CYCLE = f"{PRICE:g} is the price of one cycle"
# Between the levels that the worse arm passed at 30 % and at 70 % of its own course, on a pilot
# seed that no tier uses.
_THRESHOLD = -0.09
_SINCE = FOLDING.training.halts_from
_LEARNING = round((1 - _SINCE) * FOLDING.training.updates)  # updates in which it is obeyed
_BITS = Difference(null=0.1, because="a tenth of a bit is the least worth noticing")
_TEN = "under a tenth isn't worth a change of the loss"


def _resampled(label: str, given: PolicyGradient | None, stop: float | None = None) -> Cell:
    """Return the variance of an objective's gradient, at the weights of the one trained arm."""
    return Cell(
        label=label,
        arm=PER_SAMPLE,
        protocol=Resample(after=_FIFTY, objective=given, resamples=128, stop=stop),
        metric=GradientVariance(),
    )


CLAIMS = (
    Statistical(
        id="metarl-gradient-variance",
        section="Performance Improvements, Training Stability",
        reading=(
            '"Gradient Variance" is read as the document prints it, without normalisation: the '
            "variance of the policy gradient over resampled batches of 32, summed over the "
            "controller's parameters, at fixed weights. The weights come from 50 updates with the "
            f"original loss on {FOLDS_MIX}; each batch, with its sampled actions, serves both "
            "means. Samples stop for themselves in both arms: in the batch-wise original no sample "
            "is ever inactive, and both means are the same. Relative to the squared mean gradient "
            "stands beside, since a mean over fewer samples is a larger one; so does a policy "
            "whose logits are shifted until it stops in one cycle of five: how many samples are "
            "inactive is then no matter of how far the policy has come."
        ),
        cells=(
            *(_resampled(label, given) for label, given in _MEANS.items()),
            *(_resampled(f"{label}, shifted", given, stop=0.2) for label, given in _MEANS.items()),
        ),
        test=Ratio(
            null=0.1,
            because="less than 10 % of variance is worth no more than a tenth more samples",
            fewer=True,
            about=_variance.ratio(),
            band_because=_variance.because(),
        ),
        schedule=CHEAP,
        unskilled=(*_MEANS, *(f"{label}, shifted" for label in _MEANS)),  # too few updates
        beside=(
            Reading(label="with a policy that stops in one cycle of five", cells=(2, 3)),
            Reading(
                label="variance relative to the squared mean gradient",
                metric=GradientVariance(relative=True),
            ),
            Reading(label="norm of the mean gradient", metric=MeanNorm()),
            Reading(
                label="share of live samples, the same in both",
                metric=Live(),
                test=Difference(null=0.01, because="both are read of the same batches"),
            ),
        ),
        cost=0.7,
    ),
    Statistical(
        id="metarl-convergence",
        section="Performance Improvements, Training Stability, Policy Convergence",
        reading=(
            "A policy has converged when it returns what it is rewarded for: R = −squared error − "
            f"{PRICE:g} · cycles, on validation folds, greedily. {WARM_UP} Counted are updates "
            f"from then on until the return reaches {_THRESHOLD} (looked at every 25, averaged "
            f"over two of them, at most {_LEARNING}). The threshold was set on pilot seed 1000, "
            "which no tier uses, between the levels that the arm expected to be the worse one "
            "passed at 30 % and 70 % of its course. Both arms let samples stop for "
            "themselves, since otherwise the losses are the same; they are trained on "
            f"{FOLDS_MIX}. The return at the end stands beside, and so does when the policy's own "
            "choice, the mean cycle at which it stops, has come within half a cycle of where it "
            "ends."
        ),
        arms=(PER_SAMPLE, CORRECTED),
        protocol=FOLDING,
        metric=Arrival(
            threshold=_THRESHOLD, cap=float(_LEARNING), smooth=2, cost=PRICE, since=_SINCE
        ),
        test=TimeToTarget(
            null=0.1,
            because=_TEN,
            fewer=True,
            about=_convergence.ratio(),
            band_because=_convergence.because(),
        ),
        beside=(
            Reading(
                label="return at the end",
                metric=Return(cost=PRICE),
                test=Difference(null=0.01, because=_CYCLE),
            ),
            Reading(
                label="updates until stopping cycles have settled", metric=Settling(since=_SINCE)
            ),
        ),
        cost=10.0,
    ),
    Statistical(
        id="metarl-stability",
        section="Performance Improvements, Training Stability",
        reading=(
            "The document prints words, moderate and high, and no measure. Read is how far the "
            "worst update stands out: the largest norm of the controller's gradient in a run over "
            "the median one, from when the policy is first obeyed. It doesn't depend on the scale "
            "of the gradient, which the correction changes by construction. Both arms let samples "
            "stop for themselves. The largest norm of the whole gradient, which does depend on it, "
            "stands beside, and so do the share of updates that spike, at five times the median "
            "norm, when stopping cycles have settled within half a cycle of where they end, and "
            "how varied they are then: a policy that has collapsed onto one cycle has no entropy. "
            "Runs that diverge in one arm more often than in the other split the verdict."
        ),
        arms=(PER_SAMPLE, CORRECTED),
        protocol=FOLDING,
        metric=ControllerPeak(since=_SINCE),
        test=Ratio(null=0.1, because=_TEN, fewer=True),
        beside=(
            Reading(label="largest norm of the whole gradient", metric=GradientNorm(of="largest")),
            Reading(
                label="share of updates that spike",
                metric=Spikes(since=_SINCE),
                test=Difference(null=0.01, because="one update in a hundred", fewer=True),
            ),
            Reading(
                label="updates until stopping cycles have settled", metric=Settling(since=_SINCE)
            ),
            Reading(
                label="entropy of the stopping cycle at the end, in bits",
                metric=HaltingEntropy(),
                test=_BITS,
            ),
        ),
        cost=10.0,
    ),
    Statistical(
        id="metarl-entropy",
        section="2. Corrected Meta-RL Loss Calculations, Benefits",
        reading=(
            "The document never mentions the entropy bonus that the original's loss has. So what "
            "it promises shouldn't hang on it: without the bonus the corrected loss is to reach "
            "the same return, less at most one cycle's price, in nearly every seed. Read is the "
            "return R of the greedy policy on held-out folds. The entropy of the halting step "
            "stands beside: a policy that always stops at once has none with or without the bonus."
        ),
        arms=(CORRECTED, NO_ENTROPY),
        protocol=Evaluate(after=FOLDING),
        metric=Return(cost=PRICE),
        test=NotWorse(margin=PRICE, because=_CYCLE),
        beside=(
            Reading(
                label="entropy of the halting step, in bits",
                metric=HaltingEntropy(),
                test=_BITS,
            ),
        ),
        schedule=FURTHER,
        cost=11.0,
    ),
)
