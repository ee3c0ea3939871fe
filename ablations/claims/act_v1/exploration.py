"""Document act-v1: how exploration tunes the number of steps. One measurement, four rows."""

from ablations.claims.arms_act_v1 import HALTING, LEVELS
from ablations.metrics.costs import CompletionStep, Cycles
from ablations.metrics.scores import HaltedAccuracy
from ablations.specs.arms import changed
from ablations.specs.claim import Arm, Cell, Reading, Statistical
from ablations.specs.protocols import Evaluate, Greedy, Protocol
from ablations.specs.tests import Trend
from hrm.config import Minimum

_PROBABILITIES = (0.0, 0.1, 0.5)
_OBEYED = Evaluate(after=HALTING, mode=Greedy(halt=True))


def _cell(probability: float, protocol: Protocol) -> Cell:
    """Return the halting steps of one exploration: in training, or in evaluation that halts."""
    exploration = Minimum(probability=probability) if probability else None
    label, obeyed = f"exploration {probability:g}", protocol is _OBEYED
    part = changed(LEVELS, {"model.halting.exploration": exploration})
    return Cell(
        f"{label}, evaluated" if obeyed else label,
        Arm(label, part),
        protocol,
        Cycles() if obeyed else CompletionStep(),
    )


_CELLS = tuple(_cell(p, protocol) for protocol in (HALTING, _OBEYED) for p in _PROBABILITIES)
_EVALUATED = tuple(range(len(_PROBABILITIES), len(_CELLS)))
_STEPS = Trend(
    levels=_PROBABILITIES,
    null=0.1,
    because="from never to always, a tenth of a step is the least that tuning would notice",
    fewer=True,
)
_BESIDE = (
    Reading("halting steps in evaluation", cells=_EVALUATED),
    Reading(
        "accuracy of the evaluation that halts",
        HaltedAccuracy(),
        Trend(
            levels=_PROBABILITIES,
            null=0.005,
            because="half a point over all probabilities is the smallest gain worth noticing",
        ),
        cells=_EVALUATED,
    ),
)
_MEASURED = (
    "The document's four rows of advice agree that more exploration means fewer steps, so one "
    "measurement decides them all. Exploration is as coded: with the given probability, a sequence "
    "draws a minimum number of steps and doesn't halt before it. The steps are those at completion "
    'in training, as the document says to "monitor average steps during training": the mean over '
    "all sequences that halt in the last quarter of the updates. Tested is their slope over the "
    "probabilities 0, 0.1 (the default) and 0.5. This range is far wider than the printed 0.05 to "
    "0.2, so that a slope can be detected. Boards are 4×4 sudokus; a sequence takes at most four "
    "steps. The steps and scores of an evaluation that halts are also shown. The other half of the "
    "advice, the maximum number of steps, isn't varied, since it bounds the steps by definition."
)


def _advice(name: str, words: str) -> Statistical:
    return Statistical(
        id=name,
        reading=f"{words} {_MEASURED}",
        cells=_CELLS,
        test=_STEPS,
        beside=_BESIDE,
    )


CLAIMS = (
    _advice(
        "exploration-too-many",
        "The document advises more exploration against too many steps, so the steps must fall as "
        "exploration rises.",
    ),
    _advice(
        "exploration-too-few",
        "The document advises less exploration against too few steps, so the steps must rise as "
        "exploration falls.",
    ),
    _advice(
        "exploration-never",
        "The document advises more exploration if a model never halts, so its steps must fall as "
        "exploration rises. Where no arm halts before the last step, the claim can't be decided.",
    ),
    _advice(
        "exploration-immediate",
        "The document advises less exploration if a model halts at once, so its steps must rise as "
        "exploration falls. Where every arm halts at the first step, the claim can't be decided.",
    ),
)
