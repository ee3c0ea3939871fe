"""Document gru: gradients of its policy, of its baseline, and between its levels."""

from dataclasses import replace

from ablations.claims.arms_policies import (
    GRU,
    MEAN_NORM,
    PRICED_FOLDING,
    RELATIVE,
    SAMPLES,
    objective,
)
from ablations.claims.boards import (
    FOLDS_MIX,
    QUICK_SUDOKU,
    SUDOKU_INPUTS,
    SUDOKU_MIX,
    SUDOKU_OUTPUTS,
)
from ablations.metrics.base import Metric
from ablations.metrics.gradients import (
    DepthGradient,
    GradientGrowth,
    GradientVariance,
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
_VARIANCE = GradientVariance()
_GIVEN = objective(GRU)
_PLAIN = replace(_GIVEN, normalise=False)
_WEIGHTS = (
    f"The model is trained as the document's text describes it, for 300 updates on {FOLDS_MIX}: "
    "policy and baseline have learned something but haven't settled, and no skill is required. "
    "Both arms get the weights of this model, and the same 64 batches of 32 with the same sampled "
    "actions."
)


def _resampled(label: str, given: PolicyGradient, metric: Metric = _VARIANCE) -> Cell:
    """Return what is read from an objective's gradients, at the weights of the one trained arm."""
    return Cell(label, GRU, Resample(after=_EARLY, objective=given, resamples=64), metric)


_LOSSES = (
    _resampled("squared error", replace(_GIVEN, smooth_value=False), TailRatio()),
    _resampled("smooth L1", replace(_GIVEN, smooth_value=True), TailRatio()),
)
_BASELINES = (
    _resampled("no baseline", replace(_PLAIN, baseline=False)),
    _resampled("learned baseline", _PLAIN),
    _resampled("no baseline, normalised", replace(_GIVEN, baseline=False)),
    _resampled("learned baseline, normalised", _GIVEN),
)
_ADVANTAGES = (
    _resampled("the batch's mean advantage", replace(_PLAIN, shared_advantage=True)),
    _resampled("an advantage for each sample", _PLAIN),
)
_LESS = Ratio(null=0.1, because=SAMPLES, fewer=True)


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


def _labels(cells: tuple[Cell, ...]) -> tuple[str, ...]:
    return tuple(cell.label for cell in cells)


CLAIMS = (
    Statistical(
        id="metarl-smooth-l1",
        reading=(
            '"Robust to reward variance" is read as: the baseline\'s gradient grows less when '
            "rewards vary widely. Its norm with noise of infinite variance in the rewards "
            "(Student's t with two degrees of freedom), over that with normal noise at the same "
            "quantiles, is compared between squared error and smooth L1. Rewards without noise "
            "lie within 1 of the baseline, where smooth L1 is just half the squared error. "
            f"{_WEIGHTS}"
        ),
        cells=_LOSSES,
        test=Ratio(null=0.25, because="heavy tails cost a squared error far over 25 %", fewer=True),
        schedule=CHEAP,
        unskilled=_labels(_LOSSES),  # a baseline needs no good answers
        beside=(
            Reading("norm of the gradient with the rewards as they are", ValueNorm()),
            Reading("heavy-tailed noise against none", TailRatio(noise="none")),
        ),
    ),
    Statistical(
        id="metarl-baseline-variance",
        reading=(
            "The variance of the policy gradient over batches, summed over the controller's "
            "parameters, is compared without and with the learned baseline (evaluated where a "
            "sample stopped, as documented). Advantages aren't normalised, unlike in the document, "
            "because normalisation subtracts their mean, which is most of what a baseline does. "
            f"{_WEIGHTS}"
        ),
        cells=_BASELINES,
        test=_LESS,
        schedule=CHEAP,
        unskilled=_labels(_BASELINES),  # what counts are gradients on the way
        beside=(Reading("with normalised advantages", cells=(2, 3)), RELATIVE),
    ),
    Statistical(
        id="metarl-per-sample-advantage",
        reading=(
            '"Stable meta-learning through individual reward computation" is read as less '
            "variance of the policy gradient, where every sample has its own advantage rather "
            "than the mean of its batch. Advantages aren't normalised in either arm, since a "
            f"shared one would become 0. {_WEIGHTS}"
        ),
        cells=_ADVANTAGES,
        test=_LESS,
        schedule=CHEAP,
        unskilled=_labels(_ADVANTAGES),
        beside=(RELATIVE, MEAN_NORM),
    ),
    Statistical(
        id="gru-detach-stability",
        reading=(
            "Unstable feedback is read as growth of the gradient with the number of cycles: the "
            "norm of the loss's gradient with respect to a board's initial states (the median over "
            "boards) after 16 cycles, over that after 2. The default, which blocks the way from "
            "the low level to the high one, is compared with blocking nothing. ACT is off, since a "
            "policy would set the depth itself. The models have five cycles in training, for 100 "
            f"updates (too few for skill) on {SUDOKU_MIX}."
        ),
        cells=_DETACHED,
        test=Ratio(null=0.25, because="up to a quarter isn't unstable feedback", fewer=True),
        schedule=CHEAP,
        unskilled=_labels(_DETACHED),  # a hundred updates train to no score
        beside=(
            Reading("both ways blocked, against none", cells=(0, 2)),
            Reading("by the cores' parameters", GradientGrowth(of="trunk")),
            Reading("size after 16 cycles", DepthGradient(depth=16)),
        ),
    ),
)
