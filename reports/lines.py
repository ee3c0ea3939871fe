"""Pictures with two axes: series of runs, one line per cell.

Curves lie in an inner SVG that is stretched to the available width, without stretching strokes.
Thus one picture fits every width, and its texts keep their size.
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence

from markupsafe import Markup, escape

from ablations import text
from ablations.records.pictures import Kind, Line, Picture
from ablations.records.rows import Row
from reports import captions, svg
from reports.svg import Axis

TOP, BOTTOM = 24, 150  # edges of the plot, in pixels
START, END = 13.0, 98.0  # edges of the plot, in per cent of the width
ACROSS = 1000  # width of the inner SVG, in its own units
FEW = 12  # up to this number of points, each is marked
LETTERS = 44  # characters that fit below or above a picture at a width of 360 pixels


def drawn(row: Row, picture: Picture) -> Markup | None:
    """Return a picture, None if no line of it can be drawn."""
    heights = [y for line in picture.lines for y in _heights(line) if svg.shows(y, False)]
    places = [x for line in picture.lines for x in line.across]
    if not heights or not places:
        return None
    if picture.level is not None:
        heights.append(picture.level)
    if picture.kind is Kind.ARRIVAL:
        heights = [0.0, 1.0]
    if picture.kind is Kind.MEMORY:
        heights.append(0.0)
    size, unit = _unit(picture, heights)
    across, up = (
        Axis.holding(places, log=_spread(picture, places)),
        Axis.holding(heights, log=False),
    )
    marks = [
        *_frame(picture, across, up, size, unit),
        _inner(picture, across, up),
        *_never(picture, across, up),
    ]
    label = captions.spoken(row, picture)
    return svg.picture(marks, height=BOTTOM + 40, label=label, kind=f"lines {picture.kind}")


def key(picture: Picture) -> Markup:
    """Return a legend: the names of lines, each with its stroke, or of numbered positions."""
    if svg.fitting(picture.names, LETTERS) != list(picture.names):
        return svg.numbered(picture.names)
    if len(picture.lines) < 2:
        return Markup("")
    named = Markup("").join(
        Markup(
            '<span><svg width="26" height="10" aria-hidden="true"><path class="s{}{}" d="{}"/>'
            "</svg>{}</span>"
        ).format(i, *_sample(picture), line.label)
        for i, line in enumerate(picture.lines, start=1)
    )
    return Markup('<p class="key lines">{}</p>').format(named)


def _sample(picture: Picture) -> tuple[str, str]:
    if picture.kind is Kind.TURNS:
        return " points", "M13 5h0"
    return "", "M1 5H25"


def _heights(line: Line) -> Iterator[float | None]:
    yield from line.middle
    yield from line.low
    yield from line.high


def _unit(picture: Picture, heights: Sequence[float]) -> tuple[float, str]:
    """Return the divisor of numbers on the vertical axis, and their unit."""
    if picture.up != "bytes":
        return 1.0, picture.up
    return next(
        (size, unit) for size, unit in text.byte_units if max(heights) >= 2 * size or size == 1
    )


def _spread(picture: Picture, places: Sequence[float]) -> bool:
    """Return whether the horizontal axis is logarithmic, as for sizes that double."""
    wanted = picture.kind in (Kind.MEMORY, Kind.RATES) and not picture.names
    return wanted and min(places) > 0 and max(places) > 6 * min(places)


def _at(axis: Axis, value: float) -> float:
    """Return the position of a value on an axis, 0 ... 1."""
    return (axis.at(value) - svg.LEFT) / (svg.RIGHT - svg.LEFT)


def _x(axis: Axis, value: float) -> float:
    return round(START + (END - START) * _at(axis, value), 2)


def _y(axis: Axis, value: float) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * _at(axis, value), 1)


def _frame(picture: Picture, across: Axis, up: Axis, size: float, unit: str) -> Iterator[str]:
    """Yield the axes with ticks and labels."""
    if len(unit) <= LETTERS:
        yield svg.words(0, 11, unit, "side")
    for tick in Axis(low=up.low / size, high=up.high / size, log=False).ticks(4):
        at = _y(up, tick * size)
        named = text.percent(tick) if picture.kind is Kind.ARRIVAL else text.number(tick)
        yield svg.line(START - 1, at, 100, at, "grid")
        yield svg.words(0, at + 4, named, "side")
    if picture.level is not None:
        yield svg.line(START - 1, _y(up, picture.level), 100, _y(up, picture.level), "neutral")
    yield svg.line(START - 1, BOTTOM, 100, BOTTOM, "axis")
    for place, name in _named(picture, across):
        yield svg.words(_x(across, place), BOTTOM + 16, name, "tick")
    if not picture.names and len(picture.across) <= LETTERS:
        yield svg.words((START + END) / 2, BOTTOM + 34, picture.across, "tick")


def _named(picture: Picture, across: Axis) -> list[tuple[float, str]]:
    """Return the labels below the horizontal axis, with their positions."""
    places = sorted({x for line in picture.lines for x in line.across})
    if picture.names:
        return list(zip(places, svg.fitting(picture.names, LETTERS), strict=False))
    room = (across.at(places[-1]) - across.at(places[0])) / 10  # of a tick's name
    apart = all(across.at(b) - across.at(a) >= room for a, b in itertools.pairwise(places))
    kinds = (Kind.MEMORY, Kind.STEPS, Kind.DIFFICULTY)
    few = picture.kind in kinds and len(places) <= 8 and apart
    return [(tick, text.number(tick)) for tick in (places if few else across.ticks(5))]


def _inner(picture: Picture, across: Axis, up: Axis) -> str:
    """Return lines, bands and points in the inner SVG."""
    marks = []
    for i, line in enumerate(picture.lines, start=1):
        points = [
            (round(ACROSS * _at(across, x)), _y(up, y) - TOP, j)
            for j, (x, y) in enumerate(zip(line.across, line.middle, strict=True))
            if svg.shows(y, False)
        ]
        if not points:
            continue
        bars = picture.kind is Kind.CELLS
        if line.low and line.high:
            marks.append(_bars(line, points, up, i) if bars else _band(line, points, up, i))
        if picture.kind is not Kind.TURNS and not (bars and picture.across == "cell"):
            marks.append(f'<path class="s{i}" d="{_path(points, picture.kind)}"/>')
        marked = len(points) <= FEW and picture.kind is not Kind.ARRIVAL
        if marked or picture.kind is Kind.TURNS:
            dots = "".join(f"M{x} {y:g}h0" for x, y, _ in points)
            marks.append(f'<path class="s{i} points" d="{dots}"/>')
    return (
        f'<svg x="{START:g}%" y="{TOP}" width="{END - START:g}%" height="{BOTTOM - TOP}" '
        f'viewBox="0 0 {ACROSS} {BOTTOM - TOP}" preserveAspectRatio="none">{"".join(marks)}</svg>'
    )


def _path(points: Sequence[tuple[int, float, int]], kind: Kind) -> str:
    first, *rest = points
    if kind is Kind.ARRIVAL:  # steps
        return f"M{first[0]} {first[1]:g}" + "".join(f"H{x}V{y:g}" for x, y, _ in rest)
    return f"M{first[0]} {first[1]:g}L" + " ".join(f"{x} {y:g}" for x, y, _ in rest)


def _band(line: Line, points: Sequence[tuple[int, float, int]], up: Axis, place: int) -> str:
    there = [(x, line.low[j], line.high[j]) for x, _, j in points]
    known = [(x, low, high) for x, low, high in there if low is not None and high is not None]
    above = " ".join(f"{x} {_y(up, high) - TOP:g}" for x, _, high in known)
    below = " ".join(f"{x} {_y(up, low) - TOP:g}" for x, low, _ in reversed(known))
    return f'<path class="s{place} band" d="M{above}L{below}Z"/>' if known else ""


def _bars(line: Line, points: Sequence[tuple[int, float, int]], up: Axis, place: int) -> str:
    marks = []
    for x, _, j in points:
        low, high = line.low[j], line.high[j]
        if low is not None and high is not None:
            marks.append(f"M{x} {_y(up, low) - TOP:g}V{_y(up, high) - TOP:g}")
    return f'<path class="s{place} bar" d="{"".join(marks)}"/>'


def _never(picture: Picture, across: Axis, up: Axis) -> Iterable[str]:
    """Yield a count at the end of each line whose runs didn't all arrive, none on another's."""
    said = []
    for i, line in enumerate(picture.lines, start=1):
        last = line.middle[-1] if line.middle else None
        if line.beyond and last is not None:
            at = _y(up, last)
            yield svg.dot(_x(across, line.across[-1]), at, 4, f"s{i} censored")
            said.append((at + 18, f"{line.beyond} never"))
    lowest = -math.inf
    for at, words in sorted(said):
        lowest = max(at, lowest + 14)
        yield svg.words(END - 2, lowest, words, "count less")


def figure(row: Row, picture: Picture) -> Markup | None:
    """Return a picture with legend and caption, None if no line of it can be drawn."""
    found = drawn(row, picture)
    if found is None:
        return None
    return Markup("<figure>{}{}{}<figcaption>{}</figcaption></figure>").format(
        key(picture), _titles(picture), found, escape(captions.caption(row, picture))
    )


def _titles(picture: Picture) -> Markup:
    """Return the names of axes that are too long for the picture, above it."""
    axes = {"Vertical": picture.up, "Horizontal": "" if picture.names else picture.across}
    return Markup("").join(
        Markup('<p class="key">{} axis: {}</p>').format(which, name)
        for which, name in axes.items()
        if len(name) > LETTERS
    )
