"""Document gru: gradients of its policy, of its baseline, and between its levels."""

from dataclasses import replace

from ablations.claims.arms_policies import GRU, PRICE, PRICED_FOLDING, objective
from ablations.claims.boards import (
    FOLDS_MIX,
    QUICK_SUDOKU,
    SUDOKU_INPUTS,
    SUDOKU_MIX,
    SUDOKU_OUTPUTS,
)
from ablations.metrics.gradients import (
    DepthGradient,
    GradientGrowth,
    GradientVariance,
    MeanNorm,
    TailRatio,
    ValueNorm,
)
from ablations.specs.arms import Arm
from ablations.specs.claim import CHEAP, Cell, Reading, Statistical
from ablations.specs.protocols import Gradients, Resample, Train
from ablations.specs.tests import Ratio
from hrm import recipes
from hrm.config.learning import Cosine, PolicyGradient, Training

_EARLY = replace(PRICED_FOLDING, training=replace(PRICED_FOLDING.training, updates=300))
_HUNDRED = Train(
    boards=QUICK_SUDOKU,
    training=Training(
        updates=100, batch=64, learning_rate=3e-3, schedule=Cosine(floor=0.05), evaluate_every=50
    ),
)
_PLAIN = replace(objective(GRU), normalise=False)
_WEIGHTS = (
    "The document's model is trained as its text describes it, with sampled actions, for 300 "
    f"updates on {FOLDS_MIX}, at λ = {PRICE:g}. The policy's decisions are followed in the second "
    "half. Policy and baseline have thus learned something but haven't settled. At these weights "
    "64 batches of 32 are drawn; each batch, with its sampled actions, is used for both arms."
)
_TENTH = "10 % less variance is worth no more than 10 % more samples"


def _resampled(label: str, given: PolicyGradient) -> Cell:
    """Return the variance of an objective's gradient, at the weights of the one trained arm."""
    return Cell(
        label, GRU, Resample(after=_EARLY, objective=given, resamples=64), GradientVariance()
    )


_PER_SAMPLE = _resampled("an advantage for each sample", _PLAIN)
_RELATIVE = Reading(
    "variance relative to the squared mean gradient", GradientVariance(relative=True)
)


def _leveled(label: str, *, low_to_high: bool, high_to_low: bool) -> Arm:
    part = recipes.gru(
        inputs=SUDOKU_INPUTS,
        outputs=SUDOKU_OUTPUTS,
        hidden_low=64,
        hidden_high=64,
        use_act=False,
        detach_low_to_high=low_to_high,
        detach_high_to_low=high_to_low,
    )
    return Arm(label, part)


_DETACHED = tuple(
    Cell(arm.label, arm, Gradients(after=_HUNDRED, depths=(2, 4, 8, 16)), GradientGrowth())
    for arm in (
        _leveled("nothing blocked", low_to_high=False, high_to_low=False),
        _leveled("low to high blocked, the default", low_to_high=True, high_to_low=False),
        _leveled("both blocked", low_to_high=True, high_to_low=True),
    )
)

CLAIMS = (
    Statistical(
        id="metarl-smooth-l1",
        reading=(
            '"Robust to reward variance" is read as: the baseline\'s gradient grows less when '
            "rewards vary widely. Two kinds of noise are added to the rewards, at the same "
            "quantiles: normal noise, and noise of Student's t with two degrees of freedom, "
            "whose variance is infinite. The norm of the gradient of the baseline's parameters "
            "with the second, over that with the first, is compared between squared error and "
            f"smooth L1. {_WEIGHTS} Rewards without noise lie within 1 of the baseline, where "
            "smooth L1 is half the squared error. They can't distinguish the losses, and are "
            "only shown for comparison."
        ),
        cells=(
            replace(
                _resampled("squared error", replace(objective(GRU), smooth_value=False)),
                metric=TailRatio(),
            ),
            replace(
                _resampled("smooth L1", replace(objective(GRU), smooth_value=True)),
                metric=TailRatio(),
            ),
        ),
        test=Ratio(
            null=0.25,
            because="with a squared error, heavy tails cost far more than a quarter",
            fewer=True,
        ),
        schedule=CHEAP,
        unskilled=("squared error", "smooth L1"),  # a baseline needs no good answers
        beside=(
            Reading("norm of the gradient with the rewards as they are", ValueNorm()),
            Reading("heavy-tailed noise against none", TailRatio(noise="none")),
        ),
    ),
    Statistical(
        id="metarl-baseline-variance",
        reading=(
            "The variance of the policy gradient over batches, summed over the controller's "
            "parameters, is compared without and with the learned baseline. Advantages are the "
            "rewards alone, or the rewards less the baseline. As documented, the baseline is "
            "evaluated where a sample stopped. Advantages aren't normalised, because "
            "normalisation subtracts their mean, which is most of what a baseline does. "
            f"{_WEIGHTS} The variance with normalised advantages, as in the document, is also "
            "shown."
        ),
        cells=(
            _resampled("no baseline", replace(_PLAIN, baseline=False)),
            _resampled("learned baseline", _PLAIN),
            _resampled("no baseline, normalised", replace(objective(GRU), baseline=False)),
            _resampled("learned baseline, normalised", objective(GRU)),
        ),
        test=Ratio(null=0.1, because=_TENTH, fewer=True),
        schedule=CHEAP,
        unskilled=(
            "no baseline",
            "learned baseline",
            "no baseline, normalised",
            "learned baseline, normalised",
        ),  # what counts are gradients on the way
        beside=(
            Reading("with normalised advantages", cells=(2, 3)),
            _RELATIVE,
        ),
    ),
    Statistical(
        id="metarl-per-sample-advantage",
        reading=(
            '"Stable meta-learning through individual reward computation" is read as less '
            "variance of the policy gradient. Every sample has either the mean advantage of its "
            "batch or its own. Advantages aren't normalised in either arm, since a shared "
            f"advantage would become 0. {_WEIGHTS} The gradients have different means, so the "
            "variance relative to the squared mean gradient and the norm of the mean gradient "
            "are also shown."
        ),
        cells=(
            _resampled("the batch's mean advantage", replace(_PLAIN, shared_advantage=True)),
            _PER_SAMPLE,
        ),
        test=Ratio(null=0.1, because=_TENTH, fewer=True),
        schedule=CHEAP,
        unskilled=("the batch's mean advantage", _PER_SAMPLE.label),
        beside=(_RELATIVE, Reading("norm of the mean gradient", MeanNorm())),
    ),
    Statistical(
        id="gru-detach-stability",
        reading=(
            "Unstable feedback is read as growth of the gradient with the number of cycles. The "
            "norm of the loss's gradient with respect to a board's initial states is measured as "
            "a median over boards; its growth is the norm after 16 cycles over that after 2. The "
            "default, which blocks the way from the low level to the high one, is compared with "
            "blocking nothing. ACT is off, since a policy would set the depth itself. The models "
            f"are trained for 100 updates with five cycles on {SUDOKU_MIX}. The growth of the "
            "gradient with respect to both cores' parameters, its size after 16 cycles, and "
            "blocking both ways are also shown."
        ),
        cells=_DETACHED,
        test=Ratio(
            null=0.25,
            because="a change of a quarter or less over eight times the depth isn't feedback",
            fewer=True,
        ),
        schedule=CHEAP,
        unskilled=tuple(cell.label for cell in _DETACHED),  # a hundred updates train to no score
        beside=(
            Reading("both ways blocked, against none", cells=(0, 2)),
            Reading("by the cores' parameters", GradientGrowth(of="trunk")),
            Reading("size after 16 cycles", DepthGradient(depth=16)),
        ),
    ),
)
