"""Averaged weights, and what one recipe's results scatter by."""

from dataclasses import replace

from ablations.claims.arms_amulgent import LEVELS, V3
from ablations.claims.arms_research import EVEN, SEGMENTED
from ablations.claims.ledger import figure
from ablations.metrics.scores import Accuracy, ShadowAccuracy
from ablations.specs.arms import Arm
from ablations.specs.claim import Cell, Reading, Statistical
from ablations.specs.tests import Difference, Spread

_RECIPE = Arm("one recipe", V3.part)
_REPORTED = figure("noise-floor").numbers("seeds")[0] / 100
_LEAST = 0.002  # below a quarter of a point, which is a quarter above this, there is no spread


def _averaged(decay: float) -> Cell:
    return Cell(f"averaged weights, decay {decay:g}", EVEN, SEGMENTED, ShadowAccuracy(decay=decay))


def _again(label: str, number: int, *varies: str) -> Cell:
    """Return another run of the recipe with the same seed, of which some is drawn anew."""
    return Cell(label, _RECIPE, replace(LEVELS, replica=number, varies=varies), Accuracy())


def _spread(label: str, *cells: int) -> Reading:
    return Reading(label, cells=cells)


CLAIMS = (
    Statistical(
        id="ema-helps",
        reading=(
            "One training run is evaluated twice: with its final weights, and with their "
            "exponential moving average, which doesn't influence training. The learning rate is "
            "constant, as in the paper, since a decaying rate does the work of an average. The "
            "paper's decay of 0.999 averages over a thousand updates, more than there are here. "
            "Therefore the verdict is on a decay of 0.99, and 0.999 is shown beside it. The "
            "reported gain is of models that collapse without the average when they are trained "
            "on a thousand boards; it doesn't transfer and carries no verdict. Boards are 4×4 "
            "sudokus as one vector. The model has act-v1's levels and processes each board four "
            "times, with supervision after each time and without halting."
        ),
        cells=(
            Cell("last weights", EVEN, SEGMENTED, Accuracy()),
            _averaged(0.99),
            _averaged(0.999),
        ),
        test=Difference(
            null=0.005, because="a gain of half a point is worth a second copy of the weights"
        ),
        beside=(Reading("decay 0.999", cells=(0, 2)),),
        unskilled=(_averaged(0.999).label,),
    ),
    Statistical(
        id="noise-floor",
        reading=(
            "The recipe is run three times per seed. The runs draw their own weights and order of "
            "boards, and share the boards and the learning rate. The standard deviation of their "
            "accuracies on unknown cells is one value per seed. A spread below a quarter of a "
            "point counts as none. The spread is compared with the reported one, although that is "
            "of another model and task: the question is whether such runs scatter as much. "
            "Spreads are shown as multiples of a fifth of a point; 1.25 times that is a quarter "
            "of a point. The spreads due to weights, order and boards alone are shown beside. The "
            "spread over users, who differ in their machines and builds of the data, can't be "
            "reproduced here, and precision isn't varied. The recipe is two transformer levels "
            "without halting, as other claims train them on 4×4 sudokus as one vector, for "
            f"{LEVELS.training.updates} updates. That is long enough to exceed the trivial "
            "methods on pilot seed 1000."
        ),
        cells=(
            Cell("first run", _RECIPE, LEVELS, Accuracy()),
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
            because="readers take runs that differ by less than a quarter of a point as equal",
            about=(_REPORTED / 1.25 / _LEAST, _REPORTED * 1.25 / _LEAST),
            band_because="the reported spread over seeds, × or ÷ 1.25",
        ),
        beside=(
            _spread("weights alone", 0, 3, 4),
            _spread("order alone", 0, 5, 6),
            _spread("boards alone", 0, 7, 8),
            Reading("whole boards", Accuracy(cells="exact")),
        ),
    ),
)
