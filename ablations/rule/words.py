"""The reason for a verdict, in one sentence with the counts."""

import math
from dataclasses import dataclass

from ablations.rule.outcomes import Group, Objection, Tally, Verdict, Word, group_of
from ablations.rule.table import Table
from ablations.rule.zones import Zones
from ablations.text import number

MULTIPLE = 2.0  # ratios beyond it are said as multiples, not in per cent
_there = "there is"


@dataclass(frozen=True, kw_only=True)
class Reader:
    """How contrasts are worded: ratios in per cent less or more, all others in the metric's unit.

    Args:
        zones: Zones of the claim.
    """

    zones: Zones

    @property
    def percent(self) -> bool:
        """Whether contrasts are ratios near enough to 1 to be given in per cent."""
        return self.zones.log and max(map(self.zones.value, self.zones.edges)) <= MULTIPLE

    @property
    def turn(self) -> int:
        """+1 if the worded value grows with the contrast, else -1."""
        return 1 if self.percent else self.zones.sign

    @property
    def what(self) -> str:
        """The name of the compared quantity; "" for values in per cent."""
        return "" if self.percent else "ratio" if self.zones.log else "difference"

    @property
    def median(self) -> str:
        """The name of a median: "median ratio", "median difference" or "median"."""
        return f"median {self.what}".rstrip()

    def value(self, contrast: float) -> str:
        """Return a contrast in the reader's unit: "25 % less", "−4 points"."""
        value = self.zones.value(contrast)
        if not self.percent:
            return number(value) + (f" {self.zones.unit}" if self.zones.unit else "")
        if value > MULTIPLE:
            return f"{number(value)} times as much"
        if math.isclose(value, 1):
            return "no change"
        return f"{number(100 * abs(1 - value))} % {'less' if value < 1 else 'more'}"

    def span(self, low: float, high: float) -> str:
        """Return an interval from its lower to its higher end, as `turn` has it."""
        if self.percent and math.inf in (-low, high):
            return self._open(low, high)
        first, last = map(self.value, (low, high)[:: self.turn])
        shown, _, side = first.rpartition(" ")
        shared = side in ("less", "more") and last.endswith(f" {side}")
        return f"{shown if shared else first} to {last}"

    def _open(self, low: float, high: float) -> str:
        """Return an interval in per cent whose end is open."""
        if low == -math.inf and high == math.inf:
            return "anything"
        end = low if high == math.inf else high
        greater = (end == low) == (self.zones.sign > 0)  # whether larger ratios are in it
        least = greater == (self.zones.value(end) >= 1)
        return f"at {'least' if least else 'most'} {self.value(end)}"

    def statement(self, edge: float, *, up: bool) -> tuple[str, str]:
        """Say that a contrast lies beyond an edge, as ("the reduction is", "above 20 %").

        Args:
            edge: The edge, a contrast.
            up: Whether the contrast lies beyond the edge in the claimed direction.
        """
        value = self.zones.value(edge)
        greater = up == (self.zones.sign > 0)
        if not self.percent:
            return f"the {self.what} is", f"{'above' if greater else 'below'} {self.value(edge)}"
        if math.isclose(value, 1):
            return _there, "an increase" if greater else "a reduction"
        side = "above" if greater == (value > 1) else "below"
        what = "increase" if value > 1 else "reduction"
        return f"the {what} is", f"{side} {number(100 * abs(1 - value))} %"


@dataclass(frozen=True, kw_only=True)
class _Sentence:
    """The parts of a sentence about one verdict."""

    verdict: Verdict
    zones: Zones
    table: Table
    noun: str

    @property
    def reader(self) -> Reader:
        return Reader(zones=self.zones)

    def above(self, edge: float, *, after: float | None = None) -> str:
        """Say how many pairs lie beyond an edge in the claimed direction.

        Args:
            edge: The edge.
            after: The edge of the statement before, whose subject isn't repeated.
        """
        return self._said(self.verdict.count(edge).above, edge, after, up=True)

    def below(self, edge: float, *, after: float | None = None) -> str:
        """Say how many pairs lie short of an edge; as `above`."""
        return self._said(self.verdict.count(edge).below, edge, after, up=False)

    def _said(self, tally: Tally, edge: float, after: float | None, *, up: bool) -> str:
        subject, where = self.reader.statement(edge, up=up)
        pairs = f"in {tally.pairs} of {tally.of}"
        if after is None:
            return f"{pairs} {self.noun} {subject} {where}"
        before, _ = self.reader.statement(after, up=up)
        named = before == subject != _there
        return f"{pairs} {where}" if named else f"{pairs} {subject} {where}"

    def reason(self) -> str:
        """Return the reason for the word before SPLIT."""
        word = self.verdict.by_itself
        if word is Word.NOT_RUN:
            return f"there are no {self.noun}"
        if word is Word.INVALID:
            return "; ".join(self.verdict.faults) or self._contradiction()
        if not self.verdict.look:
            return self._few()
        if self.zones.nearly_all is not None:
            return self._nearly_all(word, self.zones.nearly_all)
        return self._sized(word)

    def _sized(self, word: Word) -> str:
        assert self.zones.null is not None
        w = self.zones.null
        if word is Word.INCONCLUSIVE:
            takes = self.verdict.look - self.table.exceptions[self.verdict.look]
            return f"{self.above(w)}, {self.below(w, after=w)}; either takes {takes}"
        if group_of(word) is Group.FAILS:
            return self._fails(word, w)
        if self.zones.two_sided:
            return self._either_side(word, w)
        return self._in_direction(word, w)

    def _fails(self, word: Word, w: float) -> str:
        if word is Word.CONTRADICTED:
            return f"{self.below(-w)}, an effect against the claimed direction"
        if word is Word.NO_EFFECT:
            return f"{self.below(w)}, {self.above(-w, after=w)}: no effect worth having"
        return f"{self.below(w)}; whether it is an effect the other way is open"

    def _either_side(self, word: Word, w: float) -> str:
        edge = w if word is Word.CONFIRMED else 0.0
        said = self.above(edge) if self.verdict.low > edge else self.below(-edge)
        if word is Word.CONFIRMED:
            return said
        return f"{said}; whether it is an effect worth having is open"

    def _in_direction(self, word: Word, w: float) -> str:
        weak, strong = (w, math.inf) if self.zones.band is None else self.zones.band
        match word:
            case Word.EXCEEDED:
                claimed = self.reader.span(weak, strong)
                return f"{self.above(strong)}, beyond what is claimed: {claimed}"
            case Word.CONFIRMED if strong < math.inf:
                return f"{self.above(weak)}, {self.below(strong, after=weak)}"
            case Word.AT_LEAST:
                _, end = self.reader.statement(strong, up=False)
                return f"{self.above(weak)}; whether it is {end} is open"
            case Word.WEAKER:
                short = f"but {self.below(weak, after=w)}"
                return f"{self.above(w)}, {short}, which is less than what is claimed"
            case Word.DIRECTION_ONLY:
                edge = w if self.verdict.low <= w else weak
                return f"{self.above(0.0)}; {self.above(edge, after=0.0)}, which is open"
        return self.above(weak)

    def _nearly_all(self, word: Word, edge: float) -> str:
        if word is Word.CONTRADICTED:
            return self.below(edge)
        if word is Word.CONFIRMED:
            return f"{self.above(edge)}: more than three quarters of all {self.noun} would be"
        rest = [(n, c) for n, c in self.table.shares.items() if n >= self.verdict.look]
        takes = f"; {rest[0][0] - rest[0][1]} of {rest[0][0]} would be enough" if rest else ""
        return f"{self.above(edge)}{takes}"

    def _contradiction(self) -> str:
        looks = ", ".join(map(str, self.table.reached(self.verdict.n)))
        return (
            f"the looks at {looks} {self.noun} contradict each other: earlier and later "
            f"{self.noun} aren't alike"
        )

    def _few(self) -> str:
        verdict, estimate = self.verdict, self.verdict.estimate
        said = f"{verdict.n} of the {self.table.looks[0]} {self.noun} that the first look takes"
        if estimate is None:
            return said
        return f"{said}; the {self.reader.median} of these is {self.reader.value(estimate)}"

    def objection(self) -> str:
        """Return the reason for SPLIT: the word before it, and what contradicts that word."""
        verdict = self.verdict
        said = []
        if Objection.MEAN in verdict.against:
            assert verdict.mean is not None
            said.append(f"the mean is {self.reader.value(verdict.mean)}")
        if Objection.FAILURES in verdict.against:
            favourable, adverse = verdict.failures
            said.append(
                f"failed runs count against the claim in {adverse} of {verdict.read} {self.noun}, "
                f"and for it in {favourable}"
            )
        return f"{verdict.by_itself} for the typical pair ({self.reason()}), but " + " and ".join(
            said
        )

    def remarks(self) -> str:
        """Return remarks on the pairs: how many would settle it, are unknown, or aren't read."""
        verdict, noun = self.verdict, self.noun
        said = ""
        if verdict.needed is not None:
            said += f"; about {verdict.needed} {noun} would settle it at these shares"
        if verdict.unknown:
            said += (
                f"; unknown in {verdict.unknown} of {verdict.read} {noun}, which count against "
                "every statement"
            )
        if verdict.look and verdict.n > verdict.look:
            said += (
                f"; {verdict.n - verdict.look} of {verdict.n} {noun} lie beyond the look at "
                f"{verdict.look} and aren't read"
            )
        return said


def sentence(verdict: Verdict, zones: Zones, table: Table, noun: str = "pairs") -> str:
    """Return the reason for a verdict, with the counts it rests on.

    Args:
        verdict: The verdict, whose sentence isn't read.
        zones: Zones of the claim.
        table: Table of its family.
        noun: What a pair is, in the plural.
    """
    parts = _Sentence(verdict=verdict, zones=zones, table=table, noun=noun)
    reason = parts.objection() if verdict.word is Word.SPLIT else parts.reason()
    return reason + parts.remarks()
