"""Controls: measurements whose truth is known, made by the pipeline of the claims that they guard.

A control that failed makes the claims that it guards INVALID; one that is open takes nothing away;
while one isn't run, they aren't decided.
"""

import typing
from collections.abc import Iterable, Sequence

from ablations.records.rows import Controlled, Row
from ablations.rule import Word
from ablations.specs.claim import Claim, Statistical


class Control(typing.Protocol):
    """What is asked of a control; `ablations.claims.controls` derives them."""

    @property
    def spec(self) -> Statistical:
        """What is measured; its id starts with "controls/"."""

    @property
    def planted(self) -> str:
        """The planted effect, "" for equal cells."""

    @property
    def passes(self) -> Word:
        """The word that it should have."""

    def guards(self, claim: Claim) -> bool:
        """Tell whether a claim shares the measurement."""

    def passed(self, word: Word) -> bool | None:
        """Return whether it passed with a word, None if that is open."""


def guarding(controls: Iterable[Control], claims: Sequence[Claim]) -> list[Control]:
    """Return the controls that guard any of these claims."""
    return [control for control in controls if any(map(control.guards, claims))]


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
        expected=control.passes,
        passed=control.passed(row.verdict.verdict),
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
    """Say which control isn't run yet, "" if all are, or have settled."""
    for control in controls:
        row = control.row
        if not row.verdict.settled and row.stored < row.planned:
            runs = f"{row.stored} of {row.planned} runs"
            return f"control {row.verdict.id} has {runs}: `{row.command}`"
    return ""
