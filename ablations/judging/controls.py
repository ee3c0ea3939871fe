"""Controls: measurements whose truth is known, made by the pipeline of the claims that they guard.

A control that failed makes the claims that it guards INVALID; one that is open takes nothing away;
while one isn't run, they aren't decided.
"""

import typing
from collections.abc import Iterable, Sequence

from ablations.records.rows import Controlled, Row
from ablations.rule import Word
from ablations.specs.claim import Claim, Statistical

# By the word that a control should have: what passes, and what leaves open whether it does. The
# mere direction of a planted effect is open, that of equal cells is a failure; NO GAIN says that
# equal cells differ by no more than w to one side, and nothing false.
_passes = {
    Word.CONFIRMED: {Word.CONFIRMED, Word.EXCEEDED, Word.AT_LEAST},
    Word.NO_EFFECT: {Word.NO_EFFECT},
    Word.CONTRADICTED: {Word.CONTRADICTED},
}
_open = {
    Word.CONFIRMED: {Word.NOT_RUN, Word.INCONCLUSIVE, Word.DIRECTION_ONLY},
    Word.NO_EFFECT: {Word.NOT_RUN, Word.INCONCLUSIVE, Word.NO_GAIN},
    Word.CONTRADICTED: {Word.NOT_RUN, Word.INCONCLUSIVE},
}


class Control(typing.Protocol):
    """What is asked of a control; `ablations.claims.controls` derives them."""

    @property
    def claim(self) -> Statistical:
        """What is measured; its id starts with "controls/"."""

    @property
    def planted(self) -> str:
        """The planted effect, "" for equal cells."""

    @property
    def expected(self) -> Word:
        """The word that it should have: CONFIRMED, NO EFFECT or CONTRADICTED."""

    @property
    def statement(self) -> str:
        """What is known, in words."""

    def guards(self, claim: Claim) -> bool:
        """Tell whether a claim shares the measurement."""


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
        claims=tuple(claim.id for claim in claims if control.guards(claim)),
    )


def objections(controls: Iterable[Controlled]) -> list[str]:
    """Say which controls failed."""
    return [
        f"control {c.row.verdict.id} failed: it is {c.row.verdict.verdict} rather than {c.expected}"
        for c in controls
        if c.passed is False
    ]


def missing(controls: Iterable[Controlled]) -> str:
    """Say which control isn't run yet, "" if all are; one that settled early needs no more."""
    for control in controls:
        row = control.row
        if row.stored < row.planned:
            runs = f"{row.stored} of {row.planned} runs"
            return f"control {row.verdict.id} has {runs}: `{row.command}`"
    return ""
