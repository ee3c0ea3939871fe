"""Axes and marks of inline SVG with horizontal positions in per cent, so that it fits every width.

Only horizontal positions scale. Heights and strokes are in CSS pixels, and colours are classes of
the page, so that one SVG serves light and dark, wide and narrow. Texts are escaped here.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from markupsafe import Markup, escape

from ablations import text

LEFT, RIGHT = 4.0, 96.0  # ends of the axis, in per cent of the width


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A horizontal axis.

    Args:
        low: Lower end; above 0 if `log`.
        high: Upper end.
        log: Whether it is logarithmic.
    """

    low: float
    high: float
    log: bool

    @classmethod
    def holding(
        cls, core: Sequence[float | None], *, also: Sequence[float | None] = (), log: bool
    ) -> "Axis":
        """Return an axis that contains some numbers, and others that don't extend it too much.

        Args:
            core: Numbers that must be on it; numbers that an axis can't show are ignored.
            also: Further numbers, which extend the axis if they lie within twice the core's range
                of its middle.
            log: Whether it is logarithmic.
        """
        numbers = [_to(x, log) for x in core if shows(x, log)] or [0.0]
        low, high = min(numbers), max(numbers)
        if high - low < 1e-12:
            gap = 0.1 if log else abs(high) * 0.1 or 1.0
            low, high = low - gap, high + gap
        middle, reach = (low + high) / 2, 2 * (high - low)
        inside = [y for x in also if shows(x, log) if abs((y := _to(x, log)) - middle) <= reach]
        low, high = min([low, *inside]), max([high, *inside])
        gap = 0.03 * (high - low)
        return cls(low=_back(low - gap, log), high=_back(high + gap, log), log=log)

    def at(self, value: float) -> float:
        """Return the position of a value, in per cent of the width, limited to the axis's ends."""
        low, high = _to(self.low, self.log), _to(self.high, self.log)
        if not shows(value, self.log):
            share = 1.0 if value > self.high else 0.0
        else:
            share = (_to(value, self.log) - low) / (high - low)
        return round(LEFT + (RIGHT - LEFT) * min(max(share, 0.0), 1.0), 2)

    def has(self, value: float) -> bool:
        """Return whether a value lies on the axis."""
        return shows(value, self.log) and self.low <= value <= self.high

    def ticks(self, most: int = 5) -> list[float]:
        """Return at most `most` round numbers on the axis."""
        if self.log and self.high / self.low > 6:
            return self._decades(most)
        step = 10.0 ** math.floor(math.log10((self.high - self.low) / most))
        for factor in (1, 2, 2.5, 5, 10, 20):
            found = _multiples(self.low, self.high, step * factor)
            if len(found) <= most:
                return found
        raise AssertionError(self)

    def _decades(self, most: int) -> list[float]:
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        for steps in ((1, 2, 5), (1, 3), (1,)):
            found = [
                s * 10.0**d for d in range(first, last + 1) for s in steps if self.has(s * 10.0**d)
            ]
            if len(found) <= most:
                return found
        every = math.ceil((last - first + 1) / most)
        return [10.0**d for d in range(first, last + 1) if d % every == 0 and self.has(10.0**d)]


def shows(value: float | None, log: bool) -> TypeGuard[float]:
    """Return whether an axis can show a value at all.

    A logarithmic one shows 1e-300 to 1e300: beyond, its ends couldn't be told apart.
    """
    if value is None or not math.isfinite(value):
        return False
    return not log or 1e-300 <= value <= 1e300


def picture(marks: Iterable[str], *, height: int, label: str, kind: str) -> Markup:
    """Return an inline SVG as wide as its place.

    Args:
        marks: Its elements.
        height: In CSS pixels.
        label: Text alternative.
        kind: CSS class.
    """
    start = f'<svg class="plot {kind}" width="100%" height="{height}" role="img" aria-label="'
    return Markup("{}{}{}{}</svg>").format(
        Markup(start), label, Markup('">'), Markup("".join(marks))
    )


def fitting(names: Sequence[str], letters: int) -> list[str]:
    """Return the names of places if they fit into so many letters together, or their numbers."""
    room = letters // max(len(names), 1)
    if all(len(text.short(name, room + 1)) <= room for name in names):
        return list(names)
    return [str(place) for place, _ in enumerate(names, start=1)]


def numbered(names: Iterable[str]) -> Markup:
    """Return the legend of positions that have numbers for names."""
    items = [Markup("<li>{}</li>").format(name) for name in names]
    return Markup('<ol class="key places">{}</ol>').format(Markup("").join(items))


def line(x1: float, y1: float, x2: float, y2: float, kind: str = "") -> str:
    """Return a line; x in per cent, y in pixels."""
    return f'<line x1="{x1:g}%" y1="{y1:g}" x2="{x2:g}%" y2="{y2:g}"{_class(kind)}/>'


def box(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """Return a filled rectangle; x in per cent, y in pixels."""
    width = max(x2 - x1, 0.1)
    return f'<rect x="{x1:g}%" y="{y1:g}" width="{width:.4g}%" height="{y2 - y1:g}"{_class(kind)}/>'


def dot(x: float, y: float, radius: float, kind: str = "") -> str:
    """Return a filled circle."""
    return f'<circle cx="{x:g}%" cy="{y:g}" r="{radius:g}"{_class(kind)}/>'


def arrow(x: float, y: float, *, up: bool, kind: str = "") -> str:
    """Return a triangle towards larger values (up) or smaller ones."""
    name = "mark-more" if up else "mark-less"
    return f'<use href="#{name}" x="{x:g}%" y="{y:g}"{_class(kind)}/>'


def words(x: float, y: float, said: str, kind: str, *, dx: int = 0) -> str:
    """Return a text, which its class aligns."""
    shift = f' dx="{dx}"' if dx else ""
    return f'<text x="{x:g}%" y="{y:g}"{shift}{_class(kind)}>{escape(said)}</text>'


def group(marks: Iterable[str], kind: str) -> str:
    """Return marks of one class."""
    inner = "".join(marks)
    return f'<g class="{kind}">{inner}</g>' if inner else ""


def below(axis: Axis, y: float, named: Callable[[float], str]) -> Iterable[str]:
    """Yield an axis line with ticks and their labels."""
    yield line(LEFT - 2, y, RIGHT + 2, y, "axis")
    for tick in axis.ticks():
        at = axis.at(tick)
        yield line(at, y, at, y + 4, "axis")
        yield words(at, y + 17, named(tick), "tick")


def _multiples(low: float, high: float, step: float) -> list[float]:
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [float(f"{i * step:.12g}") for i in range(first, last + 1)]


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _to(value: float, log: bool) -> float:
    return math.log(value) if log else value


def _back(value: float, log: bool) -> float:
    return math.exp(min(max(value, -700.0), 700.0)) if log else value
