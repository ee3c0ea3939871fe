"""A picture of pairs in one line of text, with the zones that were fixed beforehand."""

import math

import numpy as np

from ablations.rule.outcomes import Verdict
from ablations.rule.pairs import Pairs
from ablations.rule.words import Reader
from ablations.rule.zones import Zones

WIDTH = 72
SINGLE, SEVERAL, MEDIAN = "•", "●", "|"
NULL, BAND, AXIS = "░", "▒", "─"
BEYOND = "‹›"  # marks pairs at infinity, or known only to lie beyond an end of the axis


def strip(pairs: Pairs, zones: Zones, verdict: Verdict) -> str:
    """Return a line with a dot for each pair read, and a line that explains it.

    The axis has the direction of the reader's values. Unknown pairs aren't drawn.
    """
    turn = Reader(zones=zones).turn
    read = pairs.first(verdict.read)
    read = read if turn > 0 else read.turned()
    low, high = _limits(read, [edge * turn for edge in zones.edges])
    cells = [AXIS] * WIDTH

    def place(x: float) -> int:
        share = min(max((x - low) / (high - low), 0.0), 1.0)
        return min(int(share * WIDTH), WIDTH - 1)

    for mark, ends in _areas(zones):
        first, last = sorted(end * turn for end in ends)
        cells[place(first) : place(last) + 1] = mark * (place(last) + 1 - place(first))
    for a, b in zip(read.low.tolist(), read.high.tolist(), strict=True):
        if a == b and math.isfinite(a):
            cells[place(a)] = SEVERAL if cells[place(a)] in (SINGLE, SEVERAL) else SINGLE
        elif a > -math.inf or b < math.inf:  # a pair at infinity, or with a limit on one side
            up = a > -math.inf
            cells[place(a if up else b)] = BEYOND[up]
    if verdict.estimate is not None and math.isfinite(verdict.estimate):
        cells[place(verdict.estimate * turn)] = MEDIAN
    return f"{''.join(cells)}\n{_legend(zones, low * turn, high * turn)}"


def _limits(read: Pairs, edges: list[float]) -> tuple[float, float]:
    """Return the ends of the axis: all finite values and edges, and a little room."""
    values = np.concatenate([read.low, read.high, edges])
    finite = values[np.isfinite(values)]
    low, high = float(finite.min()), float(finite.max())
    room = (high - low) / 30 or abs(high) / 10 or 1.0
    return low - room, high + room


def _areas(zones: Zones) -> list[tuple[str, tuple[float, float]]]:
    if zones.nearly_all is not None:
        return [(BAND, (zones.nearly_all, math.inf))]
    assert zones.null is not None
    areas = [] if zones.band is None else [(BAND, zones.band)]
    return [*areas, (NULL, (-zones.null, zones.null))]


def _legend(zones: Zones, low: float, high: float) -> str:
    names = {NULL: "not worth having", BAND: "claimed"}
    reader = Reader(zones=zones)
    parts = [f"{reader.value(low)} to {reader.value(high)}"]
    parts += [f"{mark} {names[mark]}: {reader.span(*span)}" for mark, span in _areas(zones)]
    return "; ".join([*parts, f"{SINGLE} one, {SEVERAL} several, {MEDIAN} median"])
