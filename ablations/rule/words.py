"""The reason for a verdict, in one sentence with the counts."""

import math
from dataclasses import dataclass

from ablations.rule.outcomes import Group, Objection, Tally, Verdict, Word, group_of
from ablations.rule.table import Table
from ablations.rule.zones import Zones
from ablations.text import number


@dataclass(frozen=True, kw_only=True)
class Reader:
    """How contrasts are said: a ratio below 1 as a saving in per cent, all else as it is read.

    Args:
        zones: Of the claim.
    """

    zones: Zones

    @property
    def saving(self) -> bool:
        """Whether contrasts are said as savings."""
        return self.zones.log and self.zones.sign < 0

    @property
    def turn(self) -> int:
        """+1 if the reader's values grow with contrasts, else -1."""
        return 1 if self.saving else self.zones.sign

    @property
    def what(self) -> str:
        """The name of what is compared."""
        return "saving" if self.saving else "ratio" if self.zones.log else "difference"

    def value(self, contrast: float) -> str:
        """Return a contrast in the reader's unit."""
        value = self.zones.value(contrast)
        if self.saving:
            return f"{number(100 * (1 - value))} %"
        unit = f" {self.zones.unit}" if self.zones.unit else ""
        return number(value) + unit

    def side(self, up: bool) -> str:
        """Return "above" or "below" as the reader sees it; up is the claimed direction."""
        return "above" if up == (self.turn > 0) else "below"

    def span(self, low: float, high: float) -> str:
        """Return an interval as the reader sees it, from its lower to its higher end."""
        return " to ".join(map(self.value, (low, high)[:: self.turn]))


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

    def above(self, edge: float, *, again: bool = False) -> str:
        """Say how many pairs lie beyond an edge in the claimed direction."""
        return self._said(self.verdict.count(edge).above, edge, up=True, again=again)

    def below(self, edge: float, *, again: bool = False) -> str:
        """Say how many pairs lie short of an edge."""
        return self._said(self.verdict.count(edge).below, edge, up=False, again=again)

    def _said(self, tally: Tally, edge: float, *, up: bool, again: bool) -> str:
        """Say a tally; again: what is counted has been named before."""
        where = f"{self.reader.side(up)} {self.reader.value(edge)}"
        if again:
            return f"in {tally.pairs} of {tally.of} {where}"
        return f"in {tally.pairs} of {tally.of} {self.noun} the {self.reader.what} is {where}"

    def reason(self) -> str:
        """Say why the word is what it is by itself."""
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
            return f"{self.above(w)}, {self.below(w, again=True)}; either takes {takes}"
        if group_of(word) is Group.FAILS:
            return self._fails(word, w)
        if self.zones.two_sided:
            return self._either_side(word, w)
        return self._in_direction(word, w)

    def _fails(self, word: Word, w: float) -> str:
        if word is Word.CONTRADICTED:
            return f"{self.below(-w)}, an effect against the claimed direction"
        if word is Word.NO_EFFECT:
            return f"{self.below(w)}, {self.above(-w, again=True)}: no effect worth having"
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
                return f"{self.above(strong)}, beyond the {claimed} that is claimed"
            case Word.CONFIRMED if strong < math.inf:
                return f"{self.above(weak)}, {self.below(strong, again=True)}"
            case Word.AT_LEAST:
                end = f"{self.reader.side(up=False)} {self.reader.value(strong)}"
                return f"{self.above(weak)}; whether it is {end} is open"
            case Word.WEAKER:
                short = f"but {self.below(weak, again=True)}"
                return f"{self.above(w)}, {short}, which is less than what is claimed"
            case Word.DIRECTION_ONLY:
                edge = w if self.verdict.low <= w else weak
                return f"{self.above(0.0)}; {self.above(edge, again=True)}, which is open"
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
        return f"{said}; the median {self.reader.what} of these is {self.reader.value(estimate)}"

    def objection(self) -> str:
        """Say what speaks against the word by itself."""
        verdict = self.verdict
        said = []
        if Objection.MEAN in verdict.against:
            assert verdict.mean is not None
            said.append(f"the mean is {self.reader.value(verdict.mean)}")
        if Objection.FAILURES in verdict.against:
            baseline, treatment = verdict.failures
            of = f"of {verdict.read} {self.noun}"
            said.append(f"the baseline fails in {baseline} {of}, the treatment in {treatment}")
        return f"{verdict.by_itself} for the typical pair ({self.reason()}), but " + " and ".join(
            said
        )

    def remarks(self) -> str:
        """Say what else counts: pairs it would take, unknown ones, and those not read."""
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
        verdict: All but its sentence is read.
        zones: Of the claim.
        table: Of its family.
        noun: What a pair is, in the plural.
    """
    parts = _Sentence(verdict=verdict, zones=zones, table=table, noun=noun)
    reason = parts.objection() if verdict.word is Word.SPLIT else parts.reason()
    return reason + parts.remarks()
