"""The possible outcomes of judging a claim."""

from dataclasses import dataclass
from enum import StrEnum


class Word(StrEnum):
    """The words of verdicts."""

    CONFIRMED = "CONFIRMED"
    EXCEEDED = "EXCEEDED"
    AT_LEAST = "AT LEAST"
    EXACT = "EXACT"
    CONTRADICTED = "CONTRADICTED"
    NO_EFFECT = "NO EFFECT"
    NO_GAIN = "NO GAIN"
    MISMATCH = "MISMATCH"
    WEAKER = "WEAKER"
    DIRECTION_ONLY = "DIRECTION ONLY"
    SPLIT = "SPLIT"
    INCONCLUSIVE = "INCONCLUSIVE"
    INVALID = "INVALID"
    NOT_RUN = "NOT RUN"


class Group(StrEnum):
    """What a verdict means for its claim: it holds, holds partly, fails, or is open."""

    HOLDS = "holds"
    PARTLY = "partly"
    FAILS = "fails"
    OPEN = "open"


class Objection(StrEnum):
    """What speaks against a word, which then becomes SPLIT."""

    MEAN = "mean"
    FAILURES = "failures"


_groups = {
    Group.HOLDS: (Word.CONFIRMED, Word.EXCEEDED, Word.AT_LEAST, Word.EXACT),
    Group.FAILS: (Word.CONTRADICTED, Word.NO_EFFECT, Word.NO_GAIN, Word.MISMATCH),
    Group.PARTLY: (Word.WEAKER, Word.DIRECTION_ONLY, Word.SPLIT),
    Group.OPEN: (Word.INCONCLUSIVE, Word.INVALID, Word.NOT_RUN),
}
_group_of = {word: group for group, words in _groups.items() for word in words}

# Words that further pairs could replace by one of another group.
UNSETTLED = frozenset({Word.DIRECTION_ONLY, Word.INCONCLUSIVE, Word.NOT_RUN})


def group_of(word: Word) -> Group:
    """Return the group that a word belongs to."""
    return _group_of[word]


@dataclass(frozen=True, kw_only=True)
class Tally:
    """The number of pairs that are wholly beyond an edge, and of all pairs.

    Args:
        pairs: Number of pairs beyond the edge.
        of: Number of all pairs: those of the latest look that establishes the statement, or all
            pairs read if there is no such look.
        established: Whether the statement is established.
    """

    pairs: int
    of: int
    established: bool

    @property
    def exceptions(self) -> int:
        """The pairs that aren't beyond it: on the other side, on the edge, or unknown."""
        return self.of - self.pairs


@dataclass(frozen=True, kw_only=True)
class Count:
    """The pairs on either side of an edge.

    Args:
        edge: A contrast, the claimed direction positive.
        above: Count for the statement that the median (or nearly all pairs) is above the edge.
        below: Count for the statement that the median is below the edge.
    """

    edge: float
    above: Tally
    below: Tally


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A verdict on one contrast, the claimed direction positive, and what it rests on.

    Args:
        word: The verdict.
        by_itself: The word before SPLIT replaced it; the same otherwise.
        look: The last look reached; 0 if there is none.
        n: Number of given pairs.
        low: Lower end of the intersection of all looks reached.
        high: Upper end of that intersection.
        estimate: Median of the pairs read; None if nothing is read or it is wholly unknown.
        mean: Mean of the pairs read; None if it has no value.
        counts: One for each edge, ascending.
        failures: Among the pairs read, those with a failed run that counts for the claim, and
            those with one that counts against it.
        against: What speaks against the word and splits it.
        unknown: Pairs read of which nothing is known.
        settled: Whether further pairs can't change the group any more, or can't be judged.
        at_look: The look at which that was so first, None before.
        needed: Pairs that would settle it at the observed shares with 80 % power; None if it is
            settled or out of reach.
        faults: External reasons why it is INVALID.
        sentence: The reason, with the counts.
    """

    word: Word
    by_itself: Word
    look: int
    n: int
    low: float
    high: float
    estimate: float | None
    mean: float | None
    counts: tuple[Count, ...]
    failures: tuple[int, int]
    against: tuple[Objection, ...]
    unknown: int
    settled: bool
    at_look: int | None
    needed: int | None
    faults: tuple[str, ...] = ()
    sentence: str = ""

    @property
    def group(self) -> Group:
        """The group of the word."""
        return group_of(self.word)

    @property
    def read(self) -> int:
        """Pairs that count: those of the last look, or before the first look all."""
        return self.look or self.n

    def count(self, edge: float) -> Count:
        """Return the count at an edge of the zones."""
        return next(count for count in self.counts if count.edge == edge)


@dataclass(frozen=True, kw_only=True)
class Joint:
    """A verdict on a claim that says several things at once.

    Args:
        word: The verdict.
        parts: One for each thing it says; every part is a member of the family.
        settled: Whether further pairs can't change the group any more.
        sentence: The reason: that of the parts that decide.
    """

    word: Word
    parts: tuple[Verdict, ...]
    settled: bool
    sentence: str

    @property
    def group(self) -> Group:
        """The group of the word."""
        return group_of(self.word)
