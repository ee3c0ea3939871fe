"""The presentation of verdicts: icon and meaning of each word, colour and names of each group."""

from dataclasses import dataclass

from ablations.rule.outcomes import Group, Word, group_of


@dataclass(frozen=True, kw_only=True)
class Look:
    """The presentation of a word.

    Args:
        icon: Path data on a 16 x 16 grid, drawn as a stroke.
        meaning: Meaning of the word, in one line.
    """

    word: Word
    icon: str
    meaning: str

    @property
    def group(self) -> Group:
        """The group, whose colour the word has."""
        return group_of(self.word)


@dataclass(frozen=True, kw_only=True)
class Named:
    """The presentation of a group.

    Args:
        one: Verb in the singular, "holds".
        many: Verb in the plural, "hold".
        meaning: Meaning of the group.
    """

    group: Group
    one: str
    many: str
    meaning: str

    def counted(self, n: int) -> str:
        """Return "61 hold", "1 holds"."""
        return f"{n} {self.one if n == 1 else self.many}"


# In the order of the headline. Tables have another order: fails, holds, partly, open.
groups = (
    Named(
        group=Group.HOLDS,
        one="holds",
        many="hold",
        meaning="an effect worth having, at least as large as the document prints",
    ),
    Named(
        group=Group.PARTLY,
        one="holds partly",
        many="hold partly",
        meaning="the direction is right, the size or the whole story is not",
    ),
    Named(
        group=Group.FAILS,
        one="doesn’t",
        many="don’t",
        meaning="no effect worth having, or the opposite",
    ),
    Named(group=Group.OPEN, one="is open", many="are open", meaning="nothing is established"),
)
decided_first = {g: i for i, g in enumerate((Group.FAILS, Group.HOLDS, Group.PARTLY, Group.OPEN))}

looks = tuple(
    Look(word=word, icon=icon, meaning=meaning)
    for word, icon, meaning in (
        (
            Word.CONFIRMED,
            "M2.5 8.5 6.5 12.5 13.5 4",
            "The median effect is worth having, and of the documented size where one is printed.",
        ),
        (
            Word.EXCEEDED,
            "M3.5 8 8 3.5 12.5 8M3.5 13 8 8.5l4.5 4.5",
            "The effect is larger than documented.",
        ),
        (
            Word.AT_LEAST,
            "M3 13.5h10M8 11V2.5M4 6.5 8 2.5l4 4",
            "The effect is as large as documented; whether it is larger is open.",
        ),
        (
            Word.EXACT,
            "M3 5.5h10M3 10.5h10",
            "The documented value and the computed one agree.",
        ),
        (
            Word.CONTRADICTED,
            "M3.5 3.5l9 9M12.5 3.5l-9 9",
            "The effect has the opposite direction.",
        ),
        (
            Word.NO_EFFECT,
            "M8 3.2a4.8 4.8 0 1 0 .01 0ZM13.2 2.8 2.8 13.2",
            "Any effect is too small to be worth having.",
        ),
        (
            Word.NO_GAIN,
            "M2.5 4h11M8 13.5V7M5 10.5l3 3 3-3",
            "No gain worth having; whether it does harm is open.",
        ),
        (
            Word.MISMATCH,
            "M3 6h10M3 10h10M11 2.5 5 13.5",
            "The documented value and the computed one differ.",
        ),
        (
            Word.WEAKER,
            "M8 2.5v10.5M3.5 8.5 8 13l4.5-4.5",
            "An effect worth having, smaller than documented.",
        ),
        (
            Word.DIRECTION_ONLY,
            "M2 8h11.5M9 3.5 13.5 8 9 12.5",
            "The direction is right; the size is open.",
        ),
        (
            Word.SPLIT,
            "M8 13.5V8M8 8 3.5 3M8 8l4.5-5",
            "True of the typical run; the mean or the failed runs say otherwise.",
        ),
        (
            Word.INCONCLUSIVE,
            "M2 9.5c2-4.5 4-4.5 6-1.5s4 3 6-1.5",
            "Too few pairs, too close to call, or a control is undecided.",
        ),
        (
            Word.INVALID,
            "M8 2.2 14.4 13.5H1.6ZM8 6.4v3.4M8 11.6v.2",
            "A control failed or a run is unusable: nothing follows.",
        ),
        (Word.NOT_RUN, "M8 2.5a5.5 5.5 0 1 0 .01 0Z", "Nothing was measured."),
    )
)
look_of = {look.word: look for look in looks}
name_of = {named.group: named for named in groups}
