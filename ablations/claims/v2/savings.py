"""Document v2: what a trained model saves by letting each sample halt for itself."""

from ablations.claims.arms_policies import ALL_FLAGS, CYCLES, FOLDING, ORIGINAL, PER_SAMPLE, WARM_UP
from ablations.claims.boards import FOLDS_MIX
from ablations.claims.ledger import figure
from ablations.metrics.costs import Cycles, Flops, Rows, RowShare, SlowestRows
from ablations.metrics.scores import Accuracy
from ablations.specs.claim import Cell, Reading, Statistical
from ablations.specs.protocols import Execute, Sampled
from ablations.specs.tests import Difference, OneRatio, OneSample, Ratio
from hrm.config import Lockstep

_saving, _mixed = figure("act-savings-mixed"), figure("act-ops-mixed-batch")
_easy, _hard, _all = (figure(n) for n in ("act-easy-cycles", "act-hard-cycles", "v2-all-flags"))
_GATHERING = "savings under 5 % don't pay for gathering and scattering rows"
_POINT = "less than half a percentage point isn't worth noticing"
_ACCURACY = OneSample(null=0.005, because=_POINT)
_TENTH = Difference(null=0.1, because="less than a tenth of a cycle isn't worth noticing")
_HALF = CYCLES / 2
_FLOOR = (
    "If all samples of all seeds stop at the first cycle, or all at the last, the claim is INVALID."
)
_TRAINED = (
    f"One model with per-sample ACT and the original losses is trained on {FOLDS_MIX}, and run "
    f"greedily in batches of 32. {WARM_UP} {_FLOOR}"
)
_OWN = Execute(after=FOLDING)  # each sample stops for itself
_RUNS = {
    "batch-wise": Execute(after=FOLDING, execution=Lockstep()),
    "per sample": _OWN,
    "batch-wise, decisions sampled": Execute(after=FOLDING, execution=Lockstep(), mode=Sampled()),
    "per sample, decisions sampled": Execute(after=FOLDING, mode=Sampled()),
}
_EASY = Cell("folds of 1 step", PER_SAMPLE, _OWN, Cycles(stratum=(1, 1)))
_HARD = Cell("folds of 2 steps", PER_SAMPLE, _OWN, Cycles(stratum=(2, 2)))
_FLOPS = Reading("FLOPs of the whole forward pass", Flops())

CLAIMS = (
    Statistical(
        id="act-savings-mixed",
        reading=(
            "We compare the rows (one a sample and cycle) that pass through the high core. In the "
            "document's batch-wise loop, a batch ends when all samples decide to stop in the same "
            "cycle; here each leaves it at its own first stop. This never comes later, so only the "
            f"size of the saving is tested, and CONTRADICTED can't occur. {_TRAINED}"
        ),
        cells=(
            *(Cell(label, PER_SAMPLE, run, Rows()) for label, run in _RUNS.items()),
            Cell("up to the slowest sample's first stop", PER_SAMPLE, _OWN, SlowestRows()),
        ),
        test=Ratio(null=0.05, because=_GATHERING, fewer=True, **_saving.band()),
        beside=(
            _FLOPS,
            Reading("decisions sampled as in training", cells=(2, 3)),
            Reading("against a batch that ends at its slowest sample's first stop", cells=(4, 1)),
        ),
    ),
    Statistical(
        id="act-ops-mixed-batch",
        reading=(
            "The original's operations are read as those of 32 samples in 8 cycles each, since the "
            "document counts a batch that takes every cycle. Rows through the high core (one a "
            "sample and cycle) are measured as a share of these. The printed percentage follows "
            f"from the two printed counts, cut to a whole number. {_TRAINED}"
        ),
        cells=(Cell("per sample", PER_SAMPLE, _OWN, RowShare()),),
        test=OneRatio(null=0.05, because=_GATHERING, fewer=True, **_mixed.band()),
        beside=(Reading("accuracy of the answers where samples stop", Accuracy(), _ACCURACY),),
    ),
    Statistical(
        id="act-easy-cycles",
        reading=(
            "Easy samples are read as folds of one step. Their mean number of cycles is compared "
            "with 8, the number that the document gives for the original. The band is the printed "
            f"range of cycles, which contains the printed percentage. {_TRAINED}"
        ),
        cells=(_EASY,),
        test=OneRatio(
            constant=float(CYCLES), null=0.05, because=_GATHERING, fewer=True, **_easy.band()
        ),
        beside=(
            Reading("accuracy of the answers to easy samples", Accuracy(stratum=(1, 1)), _ACCURACY),
        ),
    ),
    Statistical(
        id="act-hard-cycles",
        reading=(
            "Hard samples are read as folds of two steps, and most of the cycles as more than half "
            "of 8. Their mean number of cycles is compared with that half and not with 8: the "
            "printed range ends at 8, which no test can tell from no effect. Of the range, only "
            f"the lower end is required, since no sample can exceed the upper one. {_TRAINED}"
        ),
        cells=(_HARD, _EASY),
        test=OneRatio(
            constant=_HALF,
            null=0.05,
            because="less than 5 % above half isn't a noticeable majority",
            at_least=_hard.numbers("change")[1] / _HALF,
            band_because="the lower end of the printed range",
        ),
        beside=(
            Reading("cycles of hard samples less those of easy ones", test=_TENTH, cells=(1, 0)),
        ),
    ),
    Statistical(
        id="v2-all-flags",
        reading=(
            "The full suite of the migration path, with all four flags on, is compared with the "
            f"original, with all off. Each arm is trained with its own losses on {FOLDS_MIX}. "
            "Operations are read as rows through the high core (one a sample and cycle). Rows "
            "leave out what sequence attention costs, and savings may come from worse answers, so "
            f"FLOPs and accuracies are also compared. {WARM_UP} {_FLOOR}"
        ),
        arms=(ORIGINAL, ALL_FLAGS),
        protocol=_OWN,
        metric=Rows(),
        test=Ratio(null=0.05, because=_GATHERING, fewer=True, **_all.band()),
        beside=(
            _FLOPS,
            Reading("accuracy of the answers", Accuracy(), Difference(null=0.005, because=_POINT)),
        ),
    ),
)
