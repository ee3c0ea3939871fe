"""Document v2: the policy gradient, averaged over all samples or over the live ones."""

from ablations.claims.boards import SUDOKU, SUDOKU_INPUTS, SUDOKU_OUTPUTS
from ablations.claims.ledger import figure
from ablations.metrics.gradients import GradientVariance, MeanNorm
from ablations.specs.arms import Arm, vary
from ablations.specs.claim import CHEAP, Cell, Reading, Statistical, exact
from ablations.specs.protocols import Resample, Train
from ablations.specs.tests import Ratio
from hrm import recipes
from hrm.config import Lockstep
from hrm.config.learning import PolicyGradient, Training

_SMALL = recipes.v2(
    inputs=8, outputs=2, hidden_low=8, hidden_high=16, max_cycles=4, use_per_sample_act=True
)
_ARM = Arm(
    label="per-sample ACT",
    part=recipes.v2(inputs=SUDOKU_INPUTS, outputs=SUDOKU_OUTPUTS, use_per_sample_act=True),
)
_corrected = recipes.v2(use_per_sample_act=True, use_corrected_meta_rl=True).objective
assert isinstance(_corrected, PolicyGradient)
_MEANS = {"plain mean": None, "masked mean": _corrected}  # None for the arm's own
_FIFTY = Train(boards=SUDOKU, training=Training(updates=50), rate_factors=None)
_variance = figure("metarl-gradient-variance")

CLAIMS = (
    exact(
        "metarl-zeros-dilute",
        "ablations.claims.exact.dilution:zeros",
        section="2. Corrected Meta-RL Loss Calculations, Problem Solved",
        reading=(
            "Dilution is read cycle by cycle, on the same decisions: the gradient of the plain "
            "mean's term is live/B times that of the masked mean's, and so smaller wherever a "
            "sample is inactive. Primary is the model whose samples halt by themselves, with the "
            "original losses, the document's own first step of migration. In its original all "
            "samples run until the batch ends, so that nobody is inactive: it stands beside."
        ),
        arms=vary(
            _SMALL, {"per-sample ACT": {}, "batch-wise ACT": {"model.execution": Lockstep()}}
        ),
    ),
    exact(
        "metarl-unbiased",
        "ablations.claims.exact.policy:unbiased",
        section="Mathematical Correctness, Meta-RL Gradient Correction",
        reading=(
            "Every outcome of a small policy (4 cycles, batches of 1, 2 and 3) is enumerated in "
            "float64: the expectation of each estimator against ∇E[R]. The document multiplies "
            "`action_log_probs`: the log-probability of the action taken, where one was chosen "
            "(the last stop is forced). Samples stop for themselves, advantages aren't "
            "normalised, V is constant. Equality up to a constant factor, and log π(stop) in place "
            "of the action taken, stand beside."
        ),
        arms=vary(_SMALL, {"plain mean": {}, "masked mean": {"objective.masked_mean": True}}),
        cost=3.0,
    ),
    Statistical(
        id="metarl-gradient-variance",
        section="Performance Improvements, Training Stability",
        reading=(
            '"Gradient Variance" is read as the document prints it, without normalisation: the '
            "variance of the policy gradient over resampled batches of 32, summed over the "
            "controller's parameters, at fixed weights. The weights come from 50 updates with the "
            "original loss; each batch, with its sampled actions, serves both means. Samples stop "
            "for themselves in both arms: in the batch-wise original no sample is ever inactive, "
            "and both means are the same. Relative to the squared mean gradient stands beside."
        ),
        cells=tuple(
            Cell(
                label=label,
                arm=_ARM,
                protocol=Resample(after=_FIFTY, objective=objective),
                metric=GradientVariance(),
            )
            for label, objective in _MEANS.items()
        ),
        test=Ratio(
            null=0.1,
            because="less than 10 % of variance is worth no more than a tenth more samples",
            fewer=True,
            about=_variance.ratio(),
            band_because=_variance.because(),
        ),
        schedule=CHEAP,
        unskilled=tuple(_MEANS),  # fifty updates train no arm to a score
        beside=(
            Reading(
                label="variance relative to the squared mean gradient",
                metric=GradientVariance(relative=True),
            ),
            Reading(label="norm of the mean gradient", metric=MeanNorm()),
        ),
        cost=4.0,
    ),
)
