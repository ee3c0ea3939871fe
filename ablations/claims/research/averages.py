"""Averaged weights, and what one recipe's results scatter by."""

from dataclasses import replace

from ablations.claims.arms_amulgent import LEVELS, V3
from ablations.claims.arms_research import EVEN, SEGMENTED
from ablations.claims.ledger import figure
from ablations.metrics.scores import Accuracy, ShadowAccuracy
from ablations.specs.arms import Arm
from ablations.specs.claim import Cell, Reading, Statistical
from ablations.specs.tests import Difference, Spread

_RECIPE = Arm(label="one recipe", part=V3.part)
_REPORTED = figure("noise-floor").numbers("seeds")[0] / 100
_LEAST = 0.002  # below a quarter of a point, which is a quarter above this, there is no spread


def _averaged(decay: float) -> Cell:
    return Cell(
        label=f"averaged weights, decay {decay:g}",
        arm=EVEN,
        protocol=SEGMENTED,
        metric=ShadowAccuracy(decay=decay),
    )


def _again(label: str, number: int, *varies: str) -> Cell:
    """Return another run of the recipe with the same seed, of which some is drawn anew."""
    return Cell(
        label=label,
        arm=_RECIPE,
        protocol=replace(LEVELS, replica=number, varies=varies),
        metric=Accuracy(),
    )


def _spread(label: str, *cells: int) -> Reading:
    return Reading(label=label, cells=cells)


CLAIMS = (
    Statistical(
        id="ema-helps",
        section="Less is More (arXiv 2510.04871), section 4 and table 1",
        reading=(
            "One training run is read twice: with the weights that it ends with, and with their "
            "exponential moving average, which steers nothing. The rate is constant, as in the "
            "paper, since a rate that falls does the work of an average. The paper's decay of "
            "0.999 spans a thousand updates, more than there are here, so 0.99 carries the "
            "verdict and 0.999 stands beside. The reported gain is of models that collapse "
            "without the average on a thousand boards; it doesn't transfer and carries no verdict. "
            "Boards are 4×4 sudokus as one vector; the model is act-v1's levels, passed four times "
            "for each board and supervised after each, without halting."
        ),
        cells=(
            Cell(label="last weights", arm=EVEN, protocol=SEGMENTED, metric=Accuracy()),
            _averaged(0.99),
            _averaged(0.999),
        ),
        test=Difference(null=0.005, because="half a point is worth a copy of the weights"),
        beside=(Reading(label="decay 0.999", cells=(0, 2)),),
        unskilled=(_averaged(0.999).label,),
        cost=6.0,
    ),
    Statistical(
        id="noise-floor",
        section="arXiv 2601.19085, spread over seeds; sapientinc/HRM, issues 8 and 12",
        reading=(
            "A seed's three runs draw their own weights and order of boards, and share boards and "
            "rate; their standard deviation of the accuracy on unknown cells is one value a seed. "
            "A spread counts from a quarter of a point, and is held to the reported one, although "
            "that is of another model and task: whether such runs scatter by as much is the "
            "question. Spreads are shown as multiples of a fifth of a point, a quarter more than "
            "which is a quarter of a point. What weights, order and boards do by themselves stands "
            "beside. The spread over users, who differ in their machines and builds of the data, "
            "can't be made here, nor is precision varied. The recipe is two transformer levels "
            "without halting, as other claims train them on 4×4 sudokus as one vector, for "
            f"{LEVELS.training.updates} updates: long enough to be beyond the trivial methods on "
            "pilot seed 1000."
        ),
        cells=(
            Cell(label="first run", arm=_RECIPE, protocol=LEVELS, metric=Accuracy()),
            _again("second run", 1, "weights", "order"),
            _again("third run", 2, "weights", "order"),
            *(
                _again(f"{ordinal} run, other {what}", number, what)
                for what in ("weights", "order", "boards")
                for number, ordinal in ((1, "second"), (2, "third"))
            ),
        ),
        test=Spread(
            constant=_LEAST,
            null=0.25,
            because="runs that differ by less than a quarter of a point are one run to a reader",
            about=(_REPORTED / 1.25 / _LEAST, _REPORTED * 1.25 / _LEAST),
            band_because="the reported spread over seeds, × or ÷ 1.25",
        ),
        beside=(
            _spread("weights alone", 0, 3, 4),
            _spread("order alone", 0, 5, 6),
            _spread("boards alone", 0, 7, 8),
            Reading(label="whole boards", metric=Accuracy(cells="exact")),
        ),
        cost=1.5,
    ),
)
