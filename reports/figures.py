"""Pictures of claims: every pair with the zones, a line of the forest, each seed's values."""

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence

from markupsafe import Markup

from ablations import text
from ablations.records.rows import Row
from ablations.records.statements import Part, Point
from ablations.rule.outcomes import group_of
from reports import svg
from reports.sayings import counted, counted_in, deciding, measured, sides, telling
from reports.svg import Axis
from reports.wording import Saying

TOP, STACK, STEP = 18, 66, 8.0  # of a strip: where zones begin, the highest stack, a dot's height
FARTHEST = 30.0  # ratio on a shared axis, so that a few don't flatten all others
CLOSE = 1.5  # per cent of the width: ends of an interval within which the estimate hides them
LETTERS = 30  # characters that fit below the values of cells, in the narrowest place
COLUMN = 1.6  # per cent of the width within which pairs are stacked


def drawable(part: Part) -> bool:
    """Return whether an axis can show a part's estimate."""
    return svg.shows(part.estimate, part.scale.log)


def strip(row: Row, part: Part) -> Markup:
    """Return every pair of a part above its interval, with zones and the counts at their edges."""
    axis = _axis([part], also=[end for p in part.points for end in (p.low, p.high)])
    placed = [(point, *_place(point, axis)) for point in part.points]
    columns = Counter(round(x / COLUMN) for _, x, _ in placed)
    step = min(STEP, STACK / max(columns.values(), default=1))
    dots = round(TOP + 12 + step * max(columns.values(), default=1))
    line, bottom = dots + 22, dots + 38
    marks = [
        *_zones(part, axis, TOP, bottom),
        *_edges(part, axis, bottom),
        *_pairs(placed, dots, step),
        *_interval(part, axis, line, 5),
        *svg.below(axis, bottom, Saying.part(row, part).tick),
    ]
    group = group_of(part.verdict) if len(row.parts) > 1 else row.verdict.group
    return svg.picture(marks, height=bottom + 22, label=_spoken(row, part), kind=f"strip {group}")


def forest_axis(rows: Sequence[Row]) -> Axis:
    """Return the axis that the deciding parts of some rows share; some ratios lie beyond it."""
    found = _axis([deciding(row) for row in rows])
    if not found.log:
        return found
    return Axis(low=max(found.low, 1 / FARTHEST), high=min(found.high, FARTHEST), log=True)


def forest_line(row: Row, axis: Axis) -> Markup:
    """Return one claim's zones and interval on a shared axis; faint if it has no verdict."""
    part = deciding(row)
    marks = [*_zones(part, axis, 3, 25), *_interval(part, axis, 14, 5)]
    kind = f"line {row.verdict.group}"
    return svg.picture(marks, height=28, label=_spoken(row, part), kind=kind)


def forest_ticks(axis: Axis, rows: Sequence[Row]) -> Markup:
    """Return the axis that some rows share itself."""
    saying = Saying(log=True) if axis.log else Saying.part(rows[0], deciding(rows[0]))
    ends = " to ".join(text.number(end) for end in (axis.low, axis.high))
    kind = "a logarithmic" if axis.log else "an"
    label = f"The axis of the lines above, {kind} axis from {ends}"
    return svg.picture(svg.below(axis, 2, saying.tick), height=24, label=label, kind="line")


def mini(row: Row) -> Markup | None:
    """Return a small picture of a claim's first part with an axis of its own."""
    part = deciding(row) if row.parts else None
    if part is None or not drawable(part):
        return None
    axis = _axis([part])
    marks = [
        *_zones(part, axis, 3, 29),
        *_interval(part, axis, 16, 6),
        *svg.below(axis, 29, Saying.part(row, part).tick),
    ]
    return svg.picture(
        marks, height=52, label=_spoken(row, part), kind=f"strip {row.verdict.group}"
    )


def agreement(row: Row) -> Markup | None:
    """Return a square for each check, filled if both values agree; None without checks."""
    primary = [check for check in row.checks if check.primary]
    if not primary:
        return None
    step = min(5.0, (svg.RIGHT - svg.LEFT) / len(primary))
    marks = [
        svg.box(svg.LEFT + i * step, 4, svg.LEFT + (i + 0.7) * step, 20, f"check-{state}")
        for i, state in enumerate("agrees" if check.holds else "differs" for check in primary)
    ]
    said = measured(row)[0]
    if len(primary) <= 4 and any(sign in said for sign in "=≠"):
        marks.append(svg.words(svg.LEFT + len(primary) * step + 1, 18, said, "said"))
    label = f"{row.verdict.id}: {counted(row)} agree"
    return svg.picture(marks, height=24, label=label, kind=f"strip {row.verdict.group}")


def values(row: Row, part: Part) -> Markup | None:
    """Return lines that join each seed's values over cells; None with fewer than two of either."""
    labels = cells(row, part)
    known = [v for p in part.points for v in p.values.values() if svg.shows(v, False)]
    if len(labels) < 2 or len(part.points) < 2 or len(known) < 2:
        return None
    log = part.scale.log and min(known) > 0
    axis = Axis.holding(known, log=log)
    top, bottom = 12, 150
    width = (svg.RIGHT - svg.LEFT) / (len(labels) - 1) * 0.62
    places = [50 + (i - (len(labels) - 1) / 2) * width for i in range(len(labels))]

    def height(value: float) -> float:
        share = (axis.at(value) - svg.LEFT) / (svg.RIGHT - svg.LEFT)
        return round(bottom - share * (bottom - top), 1)

    lines, alone = [], []
    for point in part.points:
        read = [point.values.get(label) for label in labels]
        at = [(x, height(v)) for x, v in zip(places, read, strict=True) if svg.shows(v, log)]
        lines += [svg.line(a, b, c, d) for (a, b), (c, d) in itertools.pairwise(at)]
        alone += [svg.dot(x, y, 2.5) for x, y in at if len(at) == 1]
    marks = []
    for tick in axis.ticks(4):
        marks.append(svg.line(svg.LEFT + 6, height(tick), 100, height(tick), "grid"))
        marks.append(svg.words(0, height(tick) + 4, text.number(tick), "side"))
    marks += [svg.group(lines, "joined"), svg.group(alone, "pair")]
    for place, name in zip(places, svg.fitting(labels, LETTERS), strict=True):
        marks.append(svg.words(place, bottom + 20, name, "tick"))
    label = (
        f"Values of {text.count(len(part.points), 'pair')}, from {text.number(min(known))} to "
        f"{text.number(max(known))}, joined over {text.listed(labels)}."
    )
    return svg.picture(marks, height=bottom + 26, label=label, kind="values")


def numbered(labels: Sequence[str]) -> Markup:
    """Return a legend of numbered cells; empty if their names are in the picture."""
    fits = svg.fitting(labels, LETTERS) == list(labels)
    return Markup("") if fits else svg.numbered(labels)


def cells(row: Row, part: Part) -> list[str]:
    """Return the labels of the cells that a part reads, in the order of the row."""
    found = {label for point in part.points for label in point.values}
    return [label for label in row.labels if label in found]


def _axis(parts: Sequence[Part], also: Sequence[float | None] = ()) -> Axis:
    scale = parts[0].scale
    core: list[float | None] = [scale.neutral]
    ends: list[float | None] = list(also)
    for part in parts:
        core += [part.estimate, part.scale.edge, *(part.scale.null or ())]
        core += part.scale.band or ()
        ends += [part.low, part.high]
    return Axis.holding(core, also=ends, log=scale.log)


def _zones(part: Part, axis: Axis, top: float, bottom: float) -> Iterable[str]:
    """Yield the null zone, the band and the line of no effect."""
    scale = part.scale
    if scale.null is not None:
        yield svg.box(axis.at(scale.null[0]), top, axis.at(scale.null[1]), bottom, "null")
    if scale.band is not None:
        low, high = scale.band
        start = svg.LEFT - 2 if low is None else axis.at(low)
        end = svg.RIGHT + 2 if high is None else axis.at(high)
        yield svg.box(start, top, end, bottom, "band")
    if scale.edge is not None:
        yield svg.line(axis.at(scale.edge), top, axis.at(scale.edge), bottom, "edge")
    yield svg.line(axis.at(scale.neutral), top, axis.at(scale.neutral), bottom, "neutral")


def _edges(part: Part, axis: Axis, bottom: float) -> Iterable[str]:
    """Yield the counts on both sides of the edges that decide the word."""
    counts = {edge: (below, above) for edge, below, above in sides(part)}
    for told in telling(part):
        if told.edge is None:
            continue
        at = axis.at(told.edge)
        below, above = counts[told.edge]
        yield svg.line(at, TOP, at, bottom, "edge")
        yield svg.words(at, 12, f"{below.pairs if below else 0} ◂", "count less", dx=-4)
        yield svg.words(at, 12, f"▸ {above.pairs if above else 0}", "count more", dx=4)


def _pairs(placed: Sequence[tuple[Point, float, int]], bottom: float, step: float) -> Iterable[str]:
    """Yield a mark for each pair, stacked if they coincide; pairs that aren't read are faint."""
    stacks: Counter[int] = Counter()
    marks: dict[bool, list[str]] = {True: [], False: []}
    for point, x, side in placed:
        place = round(x / COLUMN)
        y = round(bottom - stacks[place] * step, 1)
        stacks[place] += 1
        if side:
            marks[point.read].append(svg.arrow(x, y, up=side > 0))
        elif point.low is None and point.high is None:
            marks[point.read].append(svg.words(x, y + 4, "?", "unknown"))
        else:
            marks[point.read].append(svg.dot(x, y, 3))
    yield svg.group(marks[True], "pair")
    yield svg.group(marks[False], "pair unread")


def _place(point: Point, axis: Axis) -> tuple[float, int]:
    """Return the position of a pair, and the side on which it is open: -1, 0 (none) or 1."""
    if point.infinite:
        return (svg.RIGHT + 2 if point.infinite > 0 else svg.LEFT - 2), point.infinite
    if point.low is None and point.high is None:
        return svg.LEFT - 2, 0
    if point.low is None or point.high is None:
        known = point.low if point.high is None else point.high
        assert known is not None
        return axis.at(known), 1 if point.high is None else -1
    middle = point.low if point.low == point.high else (point.low + point.high) / 2
    return axis.at(middle), 0 if axis.has(middle) else (1 if middle > axis.low else -1)


def _interval(part: Part, axis: Axis, y: float, radius: float) -> Iterable[str]:
    """Yield the interval, with arrows at open ends, and the estimate."""
    marks = []
    if part.look and not (part.low is None and part.high is None):
        low = svg.LEFT - 1 if part.low is None else axis.at(part.low)
        high = svg.RIGHT + 1 if part.high is None else axis.at(part.high)
        marks.append(svg.line(low, y, high, y, "interval"))
        ends = ((low, part.low, False), (high, part.high, True))
        for at, end, upper in ends:
            if end is None or not axis.has(end):
                up = upper if end is None else end > axis.high
                marks.append(svg.arrow(at, y, up=up, kind="end"))
            elif high - low > CLOSE:
                marks.append(svg.line(at, y - radius - 2, at, y + radius + 2, "interval"))
    if svg.shows(part.estimate, part.scale.log):
        at = axis.at(part.estimate)
        if axis.has(part.estimate):
            marks.append(svg.dot(at, y, radius, "estimate"))
        else:
            marks.append(svg.arrow(at, y, up=part.estimate > axis.high, kind="end"))
    yield svg.group(marks, "told")


def _spoken(row: Row, part: Part) -> str:
    """Return the text alternative of a picture."""
    saying = Saying.part(row, part)
    value, within = saying.interval(part.estimate, part.low, part.high)
    said = [f"{row.verdict.id}: {part.verdict}", value or "nothing known"]
    said += [f"interval {within}"] if within else []
    said += [count] if (count := counted_in(row, part)) else []
    if part.scale.null is not None:
        said.append("null zone {} to {}".format(*map(saying.value, part.scale.null)))
    if part.scale.band is not None:
        ends = ["open" if e is None else saying.value(e) for e in part.scale.band]
        said.append("documented {} to {}".format(*ends))
    return ", ".join(said)
