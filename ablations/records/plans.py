"""What a plan for a claim can tell before it is run."""

from dataclasses import dataclass

from hrm.codec import Record


@dataclass(frozen=True, kw_only=True)
class Chance(Record):
    """The chance that a claim has settled by a look, with each group.

    Args:
        look: Pairs. holds, partly, fails: The chances.
    """

    look: int
    holds: float
    partly: float
    fails: float

    @property
    def settled(self) -> float:
        """The chance of any group."""
        return self.holds + self.partly + self.fails


@dataclass(frozen=True, kw_only=True)
class Prospect(Record):
    """What the looks would find if an effect were the truth.

    Args:
        truth: "as documented", "no effect" or "the opposite".
        effect: In the reader's unit. chances: By look.
    """

    truth: str
    effect: float
    chances: tuple[Chance, ...]


@dataclass(frozen=True, kw_only=True)
class Planning(Record):
    """What a plan for a claim can tell, from a spread that none of its own runs gave.

    Args:
        sd: Standard deviation of a contrast (of its logarithm for ratios), None if unknown.
        source: Where it comes from, or why it is unknown.
        pairs: As many as are planned.
        prospects: By truth, None if the spread is unknown.
        pairs_80, pairs_90: Pairs at which a claim that is true as documented holds with a chance
            of 80 and 90 %, None if out of reach or unknown.
        refusal: Why no number of pairs can decide the claim, "" if nothing speaks against it.
    """

    sd: float | None
    source: str
    pairs: int
    prospects: tuple[Prospect, ...]
    pairs_80: int | None
    pairs_90: int | None
    refusal: str = ""
