"""Controls: measurements with a known truth, by the same pipeline as the claims that they guard.

A control has failed if its word contradicts its truth, or if it can't be measured at all; then the
claims that it guards are INVALID. A control is undecided if it has too few pairs, if its pairs
settle nothing, or if its times drift, since drift is a state of the machine and no fault of the
pipeline. Claims that are guarded by an undecided control stay open.
"""

from collections.abc import Iterable, Sequence

from ablations.claims.controls import Control
from ablations.judging import timing
from ablations.records.rows import Controlled, Row
from ablations.rule import Word
from ablations.specs.claim import Claim

# For each expected word: the words with which a control passes, and those that leave it undecided.
# DIRECTION ONLY leaves a planted effect undecided, and is a failure for equal cells. With NO GAIN,
# equal cells pass: the word rules out the claimed effect, is true, and is settled.
_passes = {
    Word.CONFIRMED: {Word.CONFIRMED, Word.EXCEEDED, Word.AT_LEAST},
    Word.NO_EFFECT: {Word.NO_EFFECT, Word.NO_GAIN},
    Word.CONTRADICTED: {Word.CONTRADICTED},
}
_open = {
    Word.CONFIRMED: {Word.NOT_RUN, Word.INCONCLUSIVE, Word.DIRECTION_ONLY},
    Word.NO_EFFECT: {Word.NOT_RUN, Word.INCONCLUSIVE},
    Word.CONTRADICTED: {Word.NOT_RUN, Word.INCONCLUSIVE},
}


def passed(expected: Word, word: Word, faults: Sequence[str] = ()) -> bool | None:
    """Return whether a control passes, None while it is undecided.

    Args:
        expected: The word that it should have.
        word: The word that it has.
        faults: Reasons why it is INVALID.
    """
    if word in _passes[expected]:
        return True
    if word is Word.INVALID and faults and all(map(timing.drifts, faults)):
        return None
    return None if word in _open[expected] else False


def controlled(control: Control, row: Row, claims: Sequence[Claim]) -> Controlled:
    """Return a control's row, with its result and the claims that it guards.

    Args:
        control: The control.
        row: The row of the measurement.
        claims: The claims of the report.
    """
    return Controlled(
        row=row,
        planted=control.planted,
        expected=control.expected,
        passed=passed(control.expected, row.verdict.verdict, row.faults),
        claims=tuple(claim.id for claim in claims if control.guards(claim)),
    )


def objections(controls: Iterable[Controlled]) -> list[str]:
    """Return sentences about the controls that failed."""
    return [
        f"control {c.row.verdict.id} failed: it is {c.row.verdict.verdict} rather than {c.expected}"
        for c in controls
        if c.passed is False
    ]


def undecided(controls: Iterable[Controlled]) -> str:
    """Return a sentence about a control that is undecided, and why; "" if there is none.

    A control that settled early needs no more runs.
    """
    for control in controls:
        row = control.row
        if row.stored < row.planned:
            runs = f"{row.stored} of {row.planned} runs"
            return f"control {row.verdict.id} has {runs}: `{row.command}`"
        if control.passed is None:
            verdict = row.verdict
            why = "; ".join(row.faults) or f"it is {verdict.verdict}, {verdict.sentence}"
            return f"control {verdict.id} is undecided: {why}"
    return ""
