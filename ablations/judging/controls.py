"""Controls: measurements whose truth is known, made by the pipeline of the claims that they guard.

A control guards the claims that use the same kind of protocol, of metric and of test. If it fails,
they are INVALID; if it is open, it takes nothing away; if it wasn't run, they aren't decided.
"""

import typing
from collections.abc import Iterable, Sequence

from ablations.judging.cells import parts_of
from ablations.records.rows import Controlled, Row
from ablations.rule import Word
from ablations.specs.claim import Claim, Statistical

Kind = tuple[str, str, str]  # of a protocol, a metric and a test

# By the word that a control should have: what passes, and what leaves open whether it does.
_passes = {
    Word.CONFIRMED: {Word.CONFIRMED, Word.EXCEEDED, Word.AT_LEAST},
    Word.NO_EFFECT: {Word.NO_EFFECT},
    Word.CONTRADICTED: {Word.CONTRADICTED},
}
_open = {
    Word.CONFIRMED: {Word.NOT_RUN, Word.INCONCLUSIVE, Word.DIRECTION_ONLY},
    Word.NO_EFFECT: {Word.NOT_RUN, Word.INCONCLUSIVE, Word.NO_GAIN},
    Word.CONTRADICTED: {Word.NOT_RUN, Word.INCONCLUSIVE, Word.NO_GAIN, Word.NO_EFFECT},
}


class Control(typing.Protocol):
    """What is asked of a control; `ablations.claims.controls` derives them.

    Attributes:
        claim: What is measured; its id starts with "controls/".
        planted: The planted effect, "" for equal arms.
        expected: CONFIRMED, NO EFFECT or CONTRADICTED.
    """

    @property
    def claim(self) -> Statistical: ...
    @property
    def planted(self) -> str: ...
    @property
    def expected(self) -> Word: ...


def kinds(claim: Claim) -> frozenset[Kind]:
    """Return the kinds of protocol, metric and test that a claim uses together."""
    if not isinstance(claim, Statistical):
        return frozenset()
    cells = claim.cells
    return frozenset(
        (type(cells[i].protocol).__name__, type(cells[i].metric).__name__, type(test).__name__)
        for test, reads in parts_of(claim)
        for i in reads
    )


def guards(control: Control, claim: Claim) -> bool:
    """Tell whether a control guards a claim."""
    return bool(kinds(control.claim) & kinds(claim))


def guarding(controls: Iterable[Control], claims: Sequence[Claim]) -> list[Control]:
    """Return the controls that guard any of these claims."""
    return [control for control in controls if any(guards(control, claim) for claim in claims)]


def passed(expected: Word, word: Word) -> bool | None:
    """Return whether a control that should have one word and has another passes, None if open."""
    if word in _passes[expected]:
        return True
    return None if word in _open[expected] else False


def controlled(control: Control, row: Row, claims: Sequence[Claim]) -> Controlled:
    """Return a control's row with what it means.

    Args:
        control: The control.
        row: What was measured.
        claims: Those of the report.
    """
    return Controlled(
        row=row,
        planted=control.planted,
        expected=control.expected,
        passed=passed(control.expected, row.verdict.verdict),
        claims=tuple(claim.id for claim in claims if guards(control, claim)),
    )


def objections(controls: Iterable[Controlled]) -> list[str]:
    """Say which controls failed."""
    return [
        f"control {c.row.verdict.id} failed: it is {c.row.verdict.verdict} rather than {c.expected}"
        for c in controls
        if c.passed is False
    ]


def missing(controls: Iterable[Controlled]) -> str:
    """Say which control isn't run yet, "" if all are, or have settled."""
    for control in controls:
        row = control.row
        if not row.verdict.settled and row.stored < row.planned:
            runs = f"{row.stored} of {row.planned} runs"
            return f"control {row.verdict.id} has {runs}: `{row.command}`"
    return ""
