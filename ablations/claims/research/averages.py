"""Averaged weights, and what one recipe's results scatter by."""

from collections.abc import Iterator
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
_SCATTER = Spread(
    constant=_LEAST,
    null=0.25,
    because="readers take runs that differ by less than a quarter of a point as equal",
    about=(_REPORTED / 1.25 / _LEAST, _REPORTED * 1.25 / _LEAST),
    band_because="the reported spread over seeds, × or ÷ 1.25",
)


def _runs() -> Iterator[Cell]:
    """Yield a seed's runs: three of the recipe, then two for each source that alone is redrawn."""
    yield Cell("first run", _RECIPE, LEVELS, Accuracy())
    for varies in (("weights", "order"), ("weights",), ("order",), ("boards",)):
        other = f", other {varies[0]}" if len(varies) == 1 else ""
        for number, ordinal in enumerate(("second", "third"), 1):
            protocol = replace(LEVELS, replica=number, varies=varies)
            yield Cell(f"{ordinal} run{other}", _RECIPE, protocol, Accuracy())


CLAIMS = (
    Statistical(
        id="ema-helps",
        reading=(
            "One training run is evaluated with its final weights and with their exponential "
            "moving average, which doesn't influence training. The learning rate is constant, as "
            "in the paper, since a decaying rate does the work of an average. The paper's decay of "
            "0.999 averages over more updates than there are, so the verdict is on 0.99, and 0.999 "
            "needn't show skill. The reported gain is of models that collapse without the average "
            "when trained on a thousand boards, and carries no verdict. The model answers 4×4 "
            "sudokus as one vector in four supervised passes, without halting."
        ),
        cells=(
            Cell("last weights", EVEN, SEGMENTED, Accuracy()),
            Cell("averaged weights, decay 0.99", EVEN, SEGMENTED, ShadowAccuracy(decay=0.99)),
            Cell("averaged weights, decay 0.999", EVEN, SEGMENTED, ShadowAccuracy(decay=0.999)),
        ),
        test=Difference(null=0.005, because="half a point isn't worth a second set of weights"),
        beside=(Reading("decay 0.999", cells=(0, 2)),),
        unskilled=("averaged weights, decay 0.999",),
    ),
    Statistical(
        id="noise-floor",
        reading=(
            "The recipe is run three times per seed, with other weights and order but the same "
            "boards and learning rate. The standard deviation of accuracies on unknown cells, as "
            "multiples of a fifth of a point, is compared with the one reported over seeds, "
            "although that is of another model and task: the question is whether such runs scatter "
            "as much. The spread over users can't be reproduced here. The recipe is two "
            f"transformer levels without halting on 4×4 sudokus, with {LEVELS.training.updates} "
            "updates, enough to exceed the trivial methods on pilot seed 1000."
        ),
        cells=tuple(_runs()),
        test=_SCATTER,
        beside=(
            Reading("weights alone", cells=(0, 3, 4)),
            Reading("order alone", cells=(0, 5, 6)),
            Reading("boards alone", cells=(0, 7, 8)),
            Reading("whole boards", Accuracy(cells="exact")),
        ),
    ),
)
