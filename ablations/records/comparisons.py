"""The differences between two reports."""

from dataclasses import dataclass

from ablations.rule.outcomes import Group, Word
from hrm.codec import Record


@dataclass(frozen=True, kw_only=True)
class Side(Record):
    """A claim's verdict in one report.

    Args:
        word: The word of the verdict.
        group: The group of the word.
        estimate: The estimate of the verdict.
        low: Lower end of its interval.
        high: Upper end of its interval.
        n: Number of pairs.
    """

    word: Word
    group: Group
    estimate: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, kw_only=True)
class Move(Record):
    """A claim whose verdict differs between two reports.

    Args:
        id: Id of the claim.
        document: Key of its document.
        statement: The claim in words.
        before: Its verdict in the first report.
        after: Its verdict in the second report.
        why: Differences between the runs and their sources; empty if no recorded one differs.
    """

    id: str
    document: str
    statement: str
    before: Side
    after: Side
    why: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Comparison(Record):
    """Two reports, claim by claim.

    Args:
        before: Name of the first report.
        after: Name of the second report.
        moved: Claims whose group differs.
        reworded: Claims whose word differs, and their group doesn't.
        shifted: Claims with equal words, whose estimates lie outside each other's intervals, or
            whose checks found other values.
        equal: Number of other claims.
        missing: Claims that only the first has.
        added: Claims that only the second has.
    """

    before: str
    after: str
    moved: tuple[Move, ...]
    reworded: tuple[Move, ...]
    shifted: tuple[Move, ...]
    equal: int
    missing: tuple[str, ...]
    added: tuple[str, ...]

    @property
    def kinds(self) -> tuple[tuple[str, str, tuple[Move, ...]], ...]:
        """The claims that differ by kind of difference: its name, its title, and the claims."""
        return (
            ("moved", "Another group", self.moved),
            ("reworded", "Another word, the same group", self.reworded),
            ("shifted", "Another estimate or value, the same word", self.shifted),
        )
