"""What differs between two reports."""

from dataclasses import dataclass

from ablations.rule.outcomes import Group, Word
from hrm.codec import Record


@dataclass(frozen=True, kw_only=True)
class Side(Record):
    """What one report says of a claim.

    Args:
        word, group: The verdict.
        estimate, low, high: As in the verdict.
        n: Pairs that there are.
    """

    word: Word
    group: Group
    estimate: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, kw_only=True)
class Move(Record):
    """A claim that two reports say different things of.

    Args:
        id, document, statement: Of the claim.
        before, after: What each says.
        why: What differs in what the runs rest on; empty where nothing does that is recorded.
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
        before, after: What was compared, as it was named.
        moved: Claims whose group differs.
        reworded: Claims whose word differs, and their group doesn't.
        shifted: Claims with equal words, whose estimates lie outside each other's intervals, or
            whose checks found other values.
        equal: How many claims there are beside.
        missing: Claims that only the first has. added: Claims that only the second has.
    """

    before: str
    after: str
    moved: tuple[Move, ...]
    reworded: tuple[Move, ...]
    shifted: tuple[Move, ...]
    equal: int
    missing: tuple[str, ...]
    added: tuple[str, ...]
