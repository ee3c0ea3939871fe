"""Document act-v1: how exploration tunes the number of steps. One measurement, four rows."""

from ablations.claims.arms_act_v1 import HALTING, LEVELS
from ablations.metrics.costs import CompletionStep, Cycles
from ablations.metrics.scores import HaltedAccuracy
from ablations.specs.arms import vary
from ablations.specs.claim import Cell, Reading, Statistical, product
from ablations.specs.protocols import Evaluate, Greedy
from ablations.specs.tests import Trend
from hrm.config import Minimum

_PROBABILITIES = (0.0, 0.1, 0.5)
_OBEYED = Evaluate(after=HALTING, mode=Greedy(halt=True))
_ARMS = vary(
    LEVELS,
    {
        f"exploration {p:g}": {"model.halting.exploration": Minimum(probability=p) if p else None}
        for p in _PROBABILITIES
    },
)
_CELLS = (
    *product(_ARMS, HALTING, CompletionStep()),
    *(Cell(f"{arm.label}, evaluated", arm, _OBEYED, Cycles()) for arm in _ARMS),
)
_STEPS = Trend(
    levels=_PROBABILITIES,
    null=0.1,
    because="from never to always, a tenth of a step is the least that tuning would notice",
    fewer=True,
)
_GAIN = Trend(
    levels=_PROBABILITIES,
    null=0.005,
    because="half a point over all probabilities is the smallest gain worth noticing",
)
_BESIDE = (
    Reading("halting steps in evaluation", cells=(3, 4, 5)),
    Reading("accuracy of the evaluation that halts", HaltedAccuracy(), _GAIN, cells=(3, 4, 5)),
)
_MEASURED = (
    "The document's four rows of advice agree that more exploration means fewer steps, so one "
    "measurement decides them all. Exploration is as coded: with the given probability, a sequence "
    "draws a minimum number of its four steps. Its steps are those at completion, as the document "
    'says to "monitor average steps during training": the mean over all 4×4 sudokus that halt in '
    "the last quarter of the updates. Tested is their slope over the probabilities 0, 0.1 (the "
    "default) and 0.5, wider than the printed 0.05 to 0.2, so that a slope can be detected. The "
    "maximum of steps, the other half of the advice, bounds them by definition and isn't varied."
)


def _advice(name: str, words: str) -> Statistical:
    reading = f"The document advises {words} {_MEASURED}"
    return Statistical(id=name, reading=reading, cells=_CELLS, test=_STEPS, beside=_BESIDE)


CLAIMS = (
    _advice(
        "exploration-too-many",
        "more exploration against too many steps, so steps must fall as it rises.",
    ),
    _advice(
        "exploration-too-few",
        "less exploration against too few steps, so steps must rise as it falls.",
    ),
    _advice(
        "exploration-never",
        "more exploration if a model never halts, so steps must fall as it rises. This can't be "
        "decided where no arm halts before the last step.",
    ),
    _advice(
        "exploration-immediate",
        "less exploration if a model halts at once, so steps must rise as it falls. This can't be "
        "decided where every arm halts at the first step.",
    ),
)
