"""How the verdicts look: an icon, a word and a colour, and one line on what each means."""

from dataclasses import dataclass

from ablations.records import Word


@dataclass(frozen=True, kw_only=True)
class Look:
    """A verdict's look.

    Args:
        icon: Path data on a 16 x 16 grid, drawn as a stroke.
        meaning: What the word says, on one line.
    """

    word: Word
    icon: str
    meaning: str

    @property
    def slug(self) -> str:
        """The word as a CSS name; its colour is the variable `--<slug>`."""
        return self.word.lower().replace(" ", "-")


# Worst first: no valid answer, then documents that don't hold, then open ones, then those that do.
looks = tuple(
    Look(word=word, icon=icon, meaning=meaning)
    for word, icon, meaning in (
        (
            Word.INVALID,
            "M8 2.2 14.4 13.5H1.6ZM8 6.4v3.4M8 11.6v.2",
            "A control failed, a run broke, or both arms sit at one limit: nothing follows.",
        ),
        (
            Word.MISMATCH,
            "M3 6h10M3 10h10M11 2.5 5 13.5",
            "The documented value and the computed one differ under the stated rule.",
        ),
        (
            Word.CONTRADICTED,
            "M3.5 3.5l9 9M12.5 3.5l-9 9",
            "The interval lies beyond the null zone, on the side opposite to the claim.",
        ),
        (
            Word.NO_EFFECT,
            "M8 3.2a4.8 4.8 0 1 0 .01 0ZM13.2 2.8 2.8 13.2",
            "The interval lies inside the null zone: any effect is too small to matter.",
        ),
        (
            Word.WEAKER,
            "M8 2.5v10.5M3.5 8.5 8 13l4.5-4.5",
            "The direction is right, but the effect falls wholly short of the documented figure.",
        ),
        (
            Word.INCONCLUSIVE,
            "M2 9.5c2-4.5 4-4.5 6-1.5s4 3 6-1.5",
            "The interval allows more than one answer, or this tier isn’t meant to decide.",
        ),
        (
            Word.DIRECTION_ONLY,
            "M2 8h11.5M9 3.5 13.5 8 9 12.5",
            "No effect is ruled out and the direction is right; the size stays open.",
        ),
        (
            Word.NOT_RUN,
            "M8 2.5a5.5 5.5 0 1 0 .01 0Z",
            "Nothing was measured; the section says why, at what cost and with which command.",
        ),
        (
            Word.EXCEEDED,
            "M3.5 8 8 3.5 12.5 8M3.5 13 8 8.5l4.5 4.5",
            "The interval lies beyond the tolerance band’s far edge: more than was claimed.",
        ),
        (
            Word.CONFIRMED,
            "M2.5 8.5 6.5 12.5 13.5 4",
            "The whole interval agrees with the claim: with its figure, or with its direction.",
        ),
        (
            Word.EXACT,
            "M3 5.5h10M3 10.5h10",
            "The documented value and the computed one agree under the stated rule.",
        ),
    )
)
look_of = {look.word: look for look in looks}
severity = {look.word: place for place, look in enumerate(looks)}
