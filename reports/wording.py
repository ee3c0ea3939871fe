"""The wording of numbers, which follows the documented figure: "72 % less", "2.4 times as much"."""

import re
from dataclasses import dataclass

from ablations import text
from ablations.records.rows import Row
from ablations.records.statements import Part

Number = float | None
MULTIPLE = 2.0  # ratios from this one on are given as multiples rather than in per cent
_shares = re.compile(r"(accuracy|share) (on|of|after) ")
_times = re.compile(r"\d\s*(x\b|×(?!\s*\d)|times|-fold)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Saying:
    """The wording of one claim's contrasts, which follows the figure in its document.

    Args:
        log: Whether contrasts are ratios.
        folds: Whether to say "3.5 times less" rather than "72 % less".
        less: Word for a ratio below 1.
        more: Word for a ratio above 1.
        much: Word after "times as", as in "2.4 times as much".
        share: Whether they are shares, given in per cent, or differences of these, in points.
        level: Whether they are the measured values themselves, which have no sign.
    """

    log: bool
    folds: bool = False
    less: str = "less"
    more: str = "more"
    much: str = "much"
    share: bool = False
    level: bool = False

    @classmethod
    def of(cls, row: Row, *, log: bool, unit: str = "", level: bool = False) -> "Saying":
        """Return the wording of a row's contrasts: those of a part, or of another reading."""
        timed = row.verdict.form == "timing"
        return cls(
            log=log,
            folds=bool(_times.search(row.verdict.documented)),
            less="faster" if timed else "less",
            more="slower" if timed else "more",
            much="long" if timed else "much",
            share=not log and _shares.match(unit) is not None,
            level=level,
        )

    @classmethod
    def part(cls, row: Row, part: Part) -> "Saying":
        """Return the wording of the contrasts of one of a row's parts."""
        scale = part.scale
        return cls.of(row, log=scale.log, unit=scale.unit, level=_levels(part))

    @property
    def unit(self) -> str:
        """The unit that ticks omit and the axis names: ", in points" or nothing."""
        return ", in points" if self.share and not self.level else ""

    def value(self, value: Number) -> str:
        """Return one value: "3.5 times faster", "28 % less", "+1.2"."""
        return self.interval(value, None, None)[0]

    def tick(self, value: float) -> str:
        """Return one value on an axis: "÷5", "−28 %", "×3", "1.2"."""
        if not self.log:
            return self._plain_tick(value)
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
            return self._plain(value, low, high)
        if value <= 0:  # below every positive ratio
            return f"nothing {self.less}", ""
        return self._ratio(value, low, high)

    def _plain(self, value: float, low: Number, high: Number) -> tuple[str, str]:
        by = 100 if self.share else 1
        shown = text.numbers([None if x is None else by * x for x in (value, low, high)])
        within = "" if low is None and high is None else _span(shown[1], shown[2], low, high)
        said = shown[0] if self.level else text.signed(shown[0])
        if not self.share:
            return said, within
        if self.level:
            return f"{said}{text.space}%", within
        return f"{said} point{'s' if said.strip('+' + text.minus) != '1' else ''}", within

    def _plain_tick(self, value: float) -> str:
        if not self.share:
            return text.number(value)
        shown = text.number(100 * value)
        return f"{shown}{text.space}%" if self.level else text.signed(shown)

    def _ratio(self, value: float, low: Number, high: Number) -> tuple[str, str]:
        if not self.folds and value >= MULTIPLE:  # "2.4 times as much" rather than "140 % more"
            shown = text.numbers((value, low, high))
            within = "" if low is None and high is None else _span(shown[1], shown[2], low, high)
            return f"{shown[0]} times as {self.much}", within
        below = value < 1
        nearer = high if below else low  # the end on the side of 1; if open, it may cross 1
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
        """Return a ratio's distance from 1, as the wording expresses it."""
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


def _levels(part: Part) -> bool:
    """Return whether a part's contrasts are the values of single cells, less nothing."""
    known = [p for p in part.points if p.low is not None and p.low == p.high]
    return bool(known) and all([p.low] == list(p.values.values()) for p in known)


def _span(first: str, second: str, low: Number, high: Number) -> str:
    if low is None or high is None:
        return f"from {first}" if low is not None else f"up to {second}"
    return first if first == second else f"{first} to {second}"
