"""Document v2: what a trained model saves by letting each sample halt for itself."""

from ablations.claims.arms_t1 import ALL_FLAGS, CYCLES, FOLDING, ORIGINAL, PER_SAMPLE, WARM_UP
from ablations.claims.boards import FOLDS_MIX
from ablations.claims.ledger import figure
from ablations.metrics.costs import Cycles, Flops, Rows, RowShare, SlowestRows
from ablations.metrics.scores import Accuracy
from ablations.specs.claim import Cell, Reading, Statistical
from ablations.specs.protocols import Execute, Greedy, Sampled
from ablations.specs.tests import Difference, OneRatio, OneSample, Ratio
from hrm.config import Lockstep

_saving, _mixed = figure("act-savings-mixed"), figure("act-ops-mixed-batch")
_easy, _hard, _all = (figure(n) for n in ("act-easy-cycles", "act-hard-cycles", "v2-all-flags"))
_GATHERING = "savings under 5 % don't pay for gathering and scattering rows"
_ACCURACY = OneSample(null=0.005, because="half a point is the least worth noticing")
_TRAINED = (
    "One model with per-sample ACT and the original losses is trained on the documents' own kind "
    f"of problem, one real number by its squared error: {FOLDS_MIX}, where a further cycle can "
    f"earn many times its price. {WARM_UP} That is the document's gradual migration: the original, "
    "whose samples all take 8 cycles, comes first. (An earlier workload, sudokus answered by "
    "80 numbers, had pilots in which every sample stopped at once: there is next to nothing for a "
    "second cycle to earn. So had these folds without the warm-up.) "
    "It is run greedily on held-out folds in batches of 32."
)
_FLOOR = (
    "If all samples stop at their first cycle, cycles are saved by giving up; if all take every "
    "cycle, nothing is decided: where that is so in every seed, the claim is INVALID."
)


def _cell(label: str, *, waits: bool = False, sampled: bool = False, slowest: bool = False) -> Cell:
    """Return the rows of the one trained arm, run in some way.

    Args:
        label: Label of the cell.
        waits: Whether a batch runs until all want to stop at once.
        sampled: Whether decisions are sampled.
        slowest: Whether rows are those up to the slowest sample's first stop instead.
    """
    return Cell(
        label=label,
        arm=PER_SAMPLE,
        protocol=Execute(
            after=FOLDING,
            mode=Sampled() if sampled else Greedy(),
            execution=Lockstep() if waits else None,
        ),
        metric=SlowestRows() if slowest else Rows(),
    )


def _steps_of(folds: int) -> Cell:
    """Return the mean cycles of the folds of so many steps."""
    return Cell(
        label=f"folds of {folds} step{'s' * (folds > 1)}",
        arm=PER_SAMPLE,
        protocol=Execute(after=FOLDING),
        metric=Cycles(stratum=(folds, folds)),
    )


CLAIMS = (
    Statistical(
        id="act-savings-mixed",
        section="1. Per-Sample Adaptive Computation Time (ACT), Benefits",
        reading=(
            f"{_TRAINED} The document's batch-wise loop (it ends when all want to stop in the same "
            "cycle) is compared with compacted execution: same weights, same batches. Counted are "
            "rows through the high core. A sample's own first stop never comes after the joint "
            "one, so the sign is certain beforehand: what is tested is the size, and CONTRADICTED "
            f"can't occur. {_FLOOR}"
        ),
        cells=(
            _cell("batch-wise", waits=True),
            _cell("per sample"),
            _cell("batch-wise, decisions sampled", waits=True, sampled=True),
            _cell("per sample, decisions sampled", sampled=True),
            _cell("up to the slowest sample's first stop", slowest=True),
        ),
        test=Ratio(
            null=0.05,
            because=_GATHERING,
            fewer=True,
            about=_saving.ratio(),
            band_because=_saving.because(),
        ),
        beside=(
            Reading(label="FLOPs of the whole forward pass", metric=Flops()),
            Reading(label="decisions sampled as in training", cells=(2, 3)),
            Reading(
                label="against a batch that ends at its slowest sample's first stop", cells=(4, 1)
            ),
        ),
        cost=10.0,
    ),
    Statistical(
        id="act-ops-mixed-batch",
        section="Performance Improvements, Computational Efficiency, Mixed Batch Processing",
        reading=(
            "The original's operations are those of 32 samples in 8 cycles each: the document "
            "counts a batch that takes every cycle. Each sample stops for itself, and the rows "
            f"through the high core are read as a share of these operations. {_TRAINED} The "
            "printed percentage is what the two printed counts give, cut to a whole number. The "
            f"accuracy of the answers stands beside. {_FLOOR}"
        ),
        cells=(
            Cell(
                label="per sample",
                arm=PER_SAMPLE,
                protocol=Execute(after=FOLDING),
                metric=RowShare(),
            ),
        ),
        test=OneRatio(
            null=0.05,
            because=_GATHERING,
            fewer=True,
            about=_mixed.ratio(),
            band_because=_mixed.because(),
        ),
        beside=(
            Reading(
                label="accuracy of the answers where samples stop",
                metric=Accuracy(),
                test=_ACCURACY,
            ),
        ),
        cost=10.0,
    ),
    Statistical(
        id="act-easy-cycles",
        section="Performance Improvements, Computational Efficiency, Easy Sample Cycles",
        reading=(
            f"{_TRAINED} Easy samples are folds of one step, half of all. Their mean number of "
            "cycles is compared with 8, which the document has the original take; the band is the "
            "printed range of cycles, and the printed percentage lies within what that range "
            f"gives. {_FLOOR}"
        ),
        cells=(_steps_of(1),),
        test=OneRatio(
            constant=float(CYCLES),
            null=0.05,
            because=_GATHERING,
            fewer=True,
            about=_easy.ratio(),
            band_because=_easy.because(),
        ),
        beside=(
            Reading(
                label="accuracy of the answers to easy samples",
                metric=Accuracy(stratum=(1, 1)),
                test=_ACCURACY,
            ),
        ),
        cost=10.0,
    ),
    Statistical(
        id="act-hard-cycles",
        section="Performance Improvements, Computational Efficiency, Hard Sample Cycles",
        reading=(
            f"{_TRAINED} Hard samples are folds of two steps, half of all. That they go on using "
            "most of the cycles is read as more than half of them, and the printed range as at "
            "least its lower end, since no sample can pass its upper one. Mean cycles of the hard "
            "samples are compared with half of 8, and not with 8 itself: the printed range ends at "
            "no change at all, which no test can tell from no effect. The excess over the easy "
            f"samples' cycles stands beside. {_FLOOR}"
        ),
        cells=(_steps_of(2), _steps_of(1)),
        test=OneRatio(
            constant=CYCLES / 2,
            null=0.05,
            because="less than 5 % over half is no majority that anyone would notice",
            at_least=_hard.numbers("change")[1] / (CYCLES / 2),
            band_because="the lower end of the printed range",
        ),
        beside=(
            Reading(
                label="cycles of hard samples less those of easy ones",
                test=Difference(null=0.1, because="a tenth of a cycle is the least worth having"),
                cells=(1, 0),
            ),
        ),
        cost=10.0,
    ),
    Statistical(
        id="v2-all-flags",
        section="Usage Examples, Basic Enhanced Usage and Gradual Migration Path",
        reading=(
            "The full suite of the migration path, all four flags, against the original, all off. "
            f"Each is trained with its own losses on {FOLDS_MIX}. {WARM_UP} Then "
            "it is run greedily on held-out folds in batches of 32; counted are rows through the "
            "high core. The demonstration's percentage is the figure. Savings may come of worse "
            "answers, so the accuracies are compared beside, and both arms have to beat the best "
            "trivial method. Sequence attention costs operations that rows don't count: FLOPs of "
            f"the whole forward pass stand beside, too. {_FLOOR}"
        ),
        arms=(ORIGINAL, ALL_FLAGS),
        protocol=Execute(after=FOLDING),
        metric=Rows(),
        test=Ratio(
            null=0.05,
            because=_GATHERING,
            fewer=True,
            about=_all.ratio(),
            band_because=_all.because(),
        ),
        beside=(
            Reading(label="FLOPs of the whole forward pass", metric=Flops()),
            Reading(
                label="accuracy of the answers",
                metric=Accuracy(),
                test=Difference(null=0.005, because="half a point is the least worth noticing"),
            ),
        ),
        cost=15.0,
    ),
)
