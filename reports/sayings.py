"""The numbers of claims in words: "72 % less (65 to 76)", "24 of 26 seeds"."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from ablations import text
from ablations.records.rows import Report, Row
from ablations.records.statements import Exceptions, Part
from ablations.rule.outcomes import Group, Word
from reports.words import decided_first, groups

Number = float | None
MULTIPLE = 2.0  # ratios from here on are said as multiples, not in per cent
_uneven = re.compile(r"\b(most|least|more|less|fewer|larger|within|between|another|unequal)\b")
_times = re.compile(r"\d\s*(x\b|×(?!\s*\d)|times|-fold)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Saying:
    """How the contrasts of one claim are said: as its document prints the figure.

    Args:
        log: Whether they are ratios.
        folds: Whether a ratio is said as "3.5 times less" rather than as "72 % less".
        less: Word for a ratio below 1.
        more: Word for a ratio above 1.
        much: What it is much of: "2.4 times as much".
    """

    log: bool
    folds: bool = False
    less: str = "less"
    more: str = "more"
    much: str = "much"

    @classmethod
    def of(cls, row: Row, *, log: bool) -> "Saying":
        """Return how a row's contrasts are said."""
        timed = row.verdict.form == "timing"
        return cls(
            log=log,
            folds=bool(_times.search(row.verdict.documented)),
            less="faster" if timed else "less",
            more="slower" if timed else "more",
            much="long" if timed else "much",
        )

    def value(self, value: Number) -> str:
        """Return one value: "3.5 times faster", "28 % less", "+1.2"."""
        return self.interval(value, None, None)[0]

    def tick(self, value: float) -> str:
        """Return one value on an axis: "÷5", "−28 %", "×3", "1.2"."""
        if not self.log:
            return text.number(value)
        if value == 1:
            return "equal"
        if self.folds or not 0.3 <= value < MULTIPLE:
            sign = "÷" if value < 1 else text.times
            return sign + text.number(self._fold(value))
        return text.signed(text.number(100 * (value - 1))) + f"{text.space}%"

    def interval(self, value: Number, low: Number, high: Number) -> tuple[str, str]:
        """Return an estimate, and its interval, "" if there is none.

        Args:
            value: The estimate.
            low: Lower end of the interval; None if open.
            high: Upper end of the interval; None if open. Without an interval both are None.
        """
        if value is None:
            return "", ""
        if not self.log:
            shown = text.numbers((value, low, high))
            within = "" if low is None and high is None else _span(shown[1], shown[2], low, high)
            return text.signed(shown[0]), within
        if value <= 0:  # below every positive ratio
            return f"nothing {self.less}", ""
        return self._ratio(value, low, high)

    def _ratio(self, value: float, low: Number, high: Number) -> tuple[str, str]:
        if not self.folds and value >= MULTIPLE:  # "2.4 times as much" rather than "140 % more"
            shown = text.numbers((value, low, high))
            within = "" if low is None and high is None else _span(shown[1], shown[2], low, high)
            return f"{shown[0]} times as {self.much}", within
        below = value < 1
        nearer = high if below else low  # the end on the side of 1; an open one goes on beyond it
        one_side = nearer is not None and (nearer < 1) == below
        if low is None and high is None:
            return self._said(value, text.number(self._size(value))), ""
        if not one_side:
            ends = [
                self._said(end, text.number(self._size(end), self._decimals(end)))
                if end is not None
                else None
                for end in (low, high)
            ]
            within = _span(ends[0] or "", ends[1] or "", low, high)
            return self._said(value, text.number(self._size(value), self._decimals(value))), within
        sizes = [None if x is None else self._size(x) for x in (value, low, high)]
        shown = text.numbers(sizes)
        if below:
            low, high, shown[1], shown[2] = high, low, shown[2], shown[1]
        return self._said(value, shown[0]), _span(shown[1], shown[2], low, high)

    def _size(self, ratio: float) -> float:
        """Return a ratio's distance from 1 as it is said."""
        return self._fold(ratio) if self.folds else 100 * abs(1 - ratio)

    @staticmethod
    def _fold(ratio: float) -> float:
        return ratio if ratio >= 1 else 1 / ratio

    def _decimals(self, ratio: float) -> int:
        return 2 if self.folds else 0 if self._size(ratio) >= 1 else 1

    def _said(self, ratio: float, shown: str) -> str:
        if ratio == 1:
            return "equal"
        if not self.folds and ratio >= MULTIPLE:
            return f"{text.number(ratio)} times as {self.much}"
        unit = " times" if self.folds else f"{text.space}%"
        return f"{shown}{unit} {self.less if ratio < 1 else self.more}"


def _span(first: str, second: str, low: Number, high: Number) -> str:
    if low is None or high is None:
        return f"from {first}" if low is not None else f"up to {second}"
    return first if first == second else f"{first} to {second}"


def printed(row: Row) -> str:
    """Return what the document prints, "" if only a direction."""
    return row.verdict.documented.strip().strip("—–-")


def measured(row: Row) -> tuple[str, str]:
    """Return what was measured beside what is documented, and its interval."""
    if row.parts:
        part = deciding(row)
        return Saying.of(row, log=part.scale.log).interval(part.estimate, part.low, part.high)
    primary = sorted((c for c in row.checks if c.primary), key=lambda check: check.holds)
    if not primary:
        return ("", "")
    first = primary[0]
    limit = first.documented.removeprefix("at most ")
    if limit != first.documented:
        said = f"{first.observed} {'≤' if first.holds else '>'} {limit}"
    elif not any(letter.isdigit() for letter in first.documented):  # "no difference", of 2e-16
        said = f"{first.what}: {first.observed}"
    elif _uneven.search(first.rule):  # a limit that isn't the documented text alone, or a range
        said = f"{first.documented}, found {first.observed}"
    else:
        said = f"{first.documented} {'=' if first.holds else '≠'} {first.observed}"
    return (said if len(said) < 60 else "agrees" if first.holds else "differs"), ""


def deciding(row: Row) -> Part:
    """Return the part that has the row's word, or else the first."""
    return next((p for p in row.parts if p.verdict is row.verdict.verdict), row.parts[0])


def telling(part: Part) -> tuple[Exceptions, ...]:
    """Return the counts that a part's word rests on, the most telling first.

    For words that establish something these are the established statements farthest on their side;
    else the counts on the claimed side of the null zone.
    """
    scale = part.scale
    claimed = "above" if scale.sign > 0 else "below"
    counts = [e for e in part.exceptions if e.edge is not None]
    known = [e for e in counts if e.established]

    def beyond(found: Iterable[Exceptions]) -> list[Exceptions]:
        return sorted(
            found, key=lambda e: (e.edge or 0.0) * (1 if e.side == "above" else -1), reverse=True
        )

    along = beyond(e for e in known if e.side == claimed)
    against = beyond(e for e in known if e.side != claimed)
    match part.verdict:
        case Word.NO_EFFECT | Word.WEAKER if along and against:
            return against[0], along[0]
        case Word.CONFIRMED if along and against and scale.band is not None:
            return along[0], against[0]
        case Word.CONTRADICTED | Word.NO_GAIN if against:
            return (against[0],)
    if scale.two_sided and known:
        return (max(known, key=lambda e: abs((e.edge or 0.0) - scale.neutral)),)
    if along:
        return (along[0],)
    edge = scale.edge if scale.null is None else scale.null[1 if scale.sign > 0 else 0]
    return tuple(e for e in counts if e.side == claimed and e.edge == edge)[:1]


def sides(part: Part) -> list[tuple[float, Exceptions | None, Exceptions | None]]:
    """Return each finite edge, ascending, with the counts below and above it."""
    found: dict[float, dict[str, Exceptions]] = {}
    for count in part.exceptions:
        if count.edge is not None:
            found.setdefault(count.edge, {})[count.side] = count
    return [
        (edge, counts.get("below"), counts.get("above")) for edge, counts in sorted(found.items())
    ]


def counted(row: Row) -> str:
    """Return "24 of 26 seeds", "3 of 3 checks", "7 seeds so far"."""
    if row.parts:
        return counted_in(row, deciding(row))
    primary = [c for c in row.checks if c.primary]
    agree = sum(c.holds for c in primary)
    return f"{agree} of {text.count(len(primary), 'check')}" if primary else ""


def counted_in(row: Row, part: Part) -> str:
    """Return the count that one part's word rests on."""
    if part.look and (found := telling(part)):
        only = "" if found[0].established else "only "
        return f"{only}{found[0].pairs} of {found[0].of} {row.noun}"
    return f"{text.nouns(row.verdict.n, row.noun)} so far" if row.verdict.n else ""


def headline(report: Report) -> str:
    """Return "Of 144 claims, 61 hold, 12 hold partly, 40 don’t, 31 are open."."""
    total = len(report.rows)
    if not total:
        return "No claim was asked for."
    parts = [
        f"{n} {named.one if n == 1 else named.many}"
        for named in groups
        if (n := report.groups.get(named.group, 0))
    ]
    return f"Of {text.count(total, 'claim')}, {', '.join(parts)}."


def outside(report: Report) -> list[tuple[str, list[Row]]]:
    """Return the open rows that have no runs, by why: what needs means elsewhere, and what waits.

    Only reasons that occur are returned.
    """
    open_rows = [row for row in report.rows if row.verdict.verdict is Word.NOT_RUN]
    external = [row for row in open_rows if row.verdict.form == "external"]
    waiting = [row for row in open_rows if row.verdict.form != "external"]
    named = (
        (("needs", "need"), "hardware or data that this harness doesn’t have", external),
        (("hasn’t", "haven’t"), "been run yet", waiting),
    )
    return [(f"{verbs[len(rows) != 1]} {why}", rows) for verbs, why, rows in named if rows]


def picture(row: Row, part: Part) -> str:
    """Return one sentence under a picture: what it shows, what it rules out, what it would take."""
    saying = Saying.of(row, log=part.scale.log)
    value, within = saying.interval(part.estimate, part.low, part.high)
    if not value:
        return "No pair of these has a known value."
    if not part.look:
        some = text.nouns(row.verdict.n, row.noun)
        return f"The median of {some} is {value}; an interval takes more."
    said = f"The median of {part.look} {row.noun} is {value}"
    if within:
        said += f" ({within}): pairs like these rule out every median outside that interval"
    else:
        said += "; they rule nothing out"
    if part.verdict is Word.NO_EFFECT:
        said += "; a larger typical effect would have been seen"
    chance = _chance(row, part.look)
    if chance is not None:
        said += f"; a claim true as documented would have held by then in {text.percent(chance)}"
    if part.needed is not None:
        said += f"; about {part.needed:,} {row.noun} would settle the claim at these shares"
    return f"{said}."


def _chance(row: Row, look: int) -> float | None:
    """Return the planned chance that a claim which is true as documented holds by a look."""
    for prospect in row.planning.prospects if row.planning else ():
        if prospect.truth == "as documented":
            return next((c.holds for c in prospect.chances if c.look == look), None)
    return None


def strength(row: Row) -> float:
    """Return how far the median lies from no effect, in widths of the null zone; 0 if unknown."""
    part = deciding(row) if row.parts else None
    if part is None or part.estimate is None or part.scale.null is None:
        return 0.0
    ends = (part.estimate, part.scale.neutral, part.scale.null[1])
    if part.scale.log:
        if part.estimate <= 0:
            return 0.0
        value, neutral, edge = (math.log(end) for end in ends)
    else:
        value, neutral, edge = ends
    return abs(value - neutral) / abs(edge - neutral) if edge != neutral else 0.0


def decided(row: Row) -> bool:
    """Return whether something is established about a claim."""
    return row.verdict.group is not Group.OPEN


def rank(row: Row) -> int:
    """Return where a row stands in tables: fails, holds, partly, open."""
    return decided_first[row.verdict.group]
