"""Plans: expected results of a claim, before it is run."""

from dataclasses import dataclass

from hrm.codec import Record


@dataclass(frozen=True, kw_only=True)
class Chance(Record):
    """The chance that a claim has settled by a look, with each group.

    Args:
        look: Number of pairs.
        holds: Probability that it holds.
        partly: Probability that it holds partly.
        fails: Probability that it fails.
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
    """The expected results of the looks for a given true effect.

    Args:
        truth: "as documented", "no effect" or "the opposite".
        effect: The true effect, in the reader's unit.
        chances: Probabilities by look.
    """

    truth: str
    effect: float
    chances: tuple[Chance, ...]


@dataclass(frozen=True, kw_only=True)
class Planning(Record):
    """The plan of a claim, from a spread that doesn't come from its own runs.

    Args:
        sd: Standard deviation of a contrast (of its logarithm for ratios); None if unknown.
        source: Source of the spread, or why it is unknown.
        pairs: Number of planned pairs.
        prospects: Expected results by true effect; None if the spread is unknown.
        pairs_80: Pairs at which a claim that is true as documented holds with 80 % probability;
            None if out of reach or unknown.
        pairs_90: The same with 90 % probability.
        refusal: Why no number of pairs can decide the claim; "" if nothing prevents it.
    """

    sd: float | None
    source: str
    pairs: int
    prospects: tuple[Prospect, ...]
    pairs_80: int | None
    pairs_90: int | None
    refusal: str = ""
