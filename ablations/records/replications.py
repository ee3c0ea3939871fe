"""Agreement of runs on this machine with the evidence."""

from dataclasses import dataclass
from enum import StrEnum

from ablations.rule.outcomes import Word
from hrm.codec import Record


class Agreement(StrEnum):
    """How a run here agrees with the evidence."""

    EQUAL = "equal"  # to the last digit, as it must
    WITHIN = "within"  # the evidence's range, widened by itself
    OUTSIDE = "outside"  # of it
    DIFFERS = "differs"  # where it must be equal to the last digit
    OPEN = "open"  # there is too little to tell


@dataclass(frozen=True, kw_only=True)
class Replicated(Record):
    """One arm's run on this machine, compared with the evidence.

    Args:
        label: Label of the cell.
        seed: Seed of the run.
        agreement: How it agrees.
        value: The value on this machine; None if it isn't a single number.
        low: Lower end of the evidence's widened range; None if open.
        high: Upper end of that range; None if open.
    """

    label: str
    seed: int
    agreement: Agreement
    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Replication(Record):
    """The replication of a claim on this machine.

    Args:
        word: Word of the runs on this machine.
        evidence: Word of the evidence; None if there is none yet.
        pairs: Number of pairs of the evidence.
        arms: One entry per compared arm and seed.
    """

    word: Word
    evidence: Word | None
    pairs: int
    arms: tuple[Replicated, ...]

    @property
    def agrees(self) -> bool | None:
        """Whether no arm disagrees; None where nothing could be compared."""
        found = [arm.agreement for arm in self.arms if arm.agreement is not Agreement.OPEN]
        if not found:
            return None
        return not {Agreement.OUTSIDE, Agreement.DIFFERS} & set(found)

    @property
    def sentence(self) -> str:
        """A sentence with the result, for a reader."""
        if self.evidence is None:
            return "no evidence yet"
        if self.agrees is None:
            return "not replicated here"
        wrong = [a for a in self.arms if a.agreement in (Agreement.OUTSIDE, Agreement.DIFFERS)]
        if wrong:
            return f"not replicated here: {', '.join(arm.label for arm in wrong)}"
        equal = all(arm.agreement is Agreement.EQUAL for arm in self.arms)
        return "replicated here" + (", to the last digit" if equal else "")
