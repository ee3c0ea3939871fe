"""A diagram of a model: its blocks, their connections, and their numbers of parameters."""

from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from hrm.config import Core, Fixed, Gru, Tokens, Transformer
from hrm.plots.style import BLUE, INK, MUTED, PAPER, SHADE, VERMILION, blank, grid, styled

if TYPE_CHECKING:
    from hrm.model import HRM

Place = tuple[float, float]
_size = (2.6, 1.1)  # width and height of a box
_embedding, _low, _high = (1.6, 1.9), (5.4, 1.9), (5.4, 4.7)  # centres of boxes
_readout, _halting = (9.3, 4.7), (9.3, 2.9)


def blocks(model: "HRM") -> dict[str, int]:
    """Return the number of parameters of each top-level module; shared ones count once."""
    counts = dict.fromkeys((name for name, _ in model.named_children()), 0)
    for path, parameter in model.named_parameters():
        child = path.partition(".")[0]
        counts[child] = counts.get(child, 0) + parameter.numel()
    return counts


@styled
def architecture(model: "HRM", *, name: str = "") -> Figure:
    """Draw a model: boxes are modules, arrows the flow of data.

    Args:
        model: The model, on any device, meta included.
        name: Name of the system, for the title.
    """
    c, counts = model.config, blocks(model)
    total = sum(counts.values())

    def share(*children: str) -> str:
        count = sum(counts.pop(child, 0) for child in children)
        percent = f"{100 * count / total:.1f}" if 1000 * count >= total else "< 0.1"
        return f"{count:,} ({percent} %)" if count else "no parameters"

    figure, (axes,) = grid(1, 1, 9.6, 4.5)
    blank(axes)
    axes.set(xlim=(0, 11), ylim=(0.1, 5.7), title=f"{name}: {total:,} parameters".lstrip(": "))
    _box(axes, _embedding, "embedding", type(c.embedding).__name__, share("embed"), MUTED)
    alone = c.coupling.one_level
    high = "the low level's network" if c.one_network else share("high")
    if not alone:
        _box(axes, _high, "high level", _core(c.high), high, VERMILION)
    _box(axes, _low, "low level", _core(c.low), share("low"), BLUE)
    _box(axes, _readout, "readout", _many(c.readout.size, "value"), share("readout"), MUTED)
    rule = f"{type(c.halting).__name__}, at most {_many(c.halting.max_steps, 'step')}"
    _box(axes, _halting, "halting", rule, share("halting"), MUTED)

    _arrow(axes, _embedding, _low, "x")
    (x, bottom), (_, top) = _low, _high
    if not alone:
        _arrow(
            axes,
            (x - 0.4, bottom),
            (x - 0.4, top),
            f"z_L: {type(c.summary).__name__}\n{share('summary')}",
            beside="right",
        )
        _arrow(axes, (x + 0.4, top), (x + 0.4, bottom), "z_H", beside="left")
    low = c.readout.low or alone
    _arrow(axes, _low if low else _high, _readout, "z_L" if low else "z_H")
    if not isinstance(c.halting, Fixed):
        low = c.halting.accumulates or alone
        _arrow(axes, _low if low else _high, _halting, "z_L" if low else "z_H")

    loops = (
        f"{_many(c.low_steps, 'low update')} a cycle, {_many(c.cycles, 'cycle')} a segment, "
        f"{_many(c.segments.count, 'segment')} a halting step"
    )
    notes = [
        loops,
        f"levels: {type(c.coupling).__name__}",
        f"states start: {type(c.initial).__name__}, {share('start_low', 'start_high')}",
    ]
    if isinstance(c.embedding, Tokens) and c.embedding.puzzles is not None:
        values = c.embedding.puzzles.identities * c.embedding.puzzles.size
        notes.append(f"puzzle table: {values:,} trained values, not counted as parameters")
    if c.segments.connection is not None:
        notes.append(f"the previous answer enters the next segment: {share('connect')}")
    rest = sum(counts.values())
    notes += [f"elsewhere: {rest:,}"] if rest else []
    axes.text(0.3, 1.0, "\n".join(notes), fontsize=8.5, va="top", linespacing=1.5)
    return figure


def _core(part: Core) -> str:
    if isinstance(part, Gru):
        return f"GRU, width {part.width}"
    if isinstance(part, Transformer):
        return f"{_many(part.layers, 'layer')}, width {part.width}, {_many(part.heads, 'head')}"
    return f"{type(part).__name__}, width {part.width}"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"


def _box(axes: Axes, at: Place, title: str, kind: str, count: str, edge: str) -> None:
    (x, y), (width, height) = at, _size
    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.1",
            fc=SHADE,
            ec=edge,
            lw=1.8,
        )
    )
    style: dict[str, Any] = {"ha": "center", "va": "center"}
    axes.text(x, y + 0.31, title, weight="bold", fontsize=10, **style)
    axes.text(x, y, kind, fontsize=8, **style)
    axes.text(x, y - 0.31, count, fontsize=8.5, **style)


def _arrow(axes: Axes, start: Place, end: Place, label: str, beside: str = "center") -> None:
    """Draw an arrow from the border of one box to that of another, with a label at its middle."""
    (x, y), (to_x, to_y) = start, end
    upright = x == to_x
    side = 1 if (to_y > y if upright else to_x > x) else -1
    reach = side * (_size[1] if upright else _size[0]) / 2
    tail, tip = (
        ((x, y + reach), (x, to_y - reach)) if upright else ((x + reach, y), (to_x - reach, to_y))
    )
    style = {"arrowstyle": "-|>", "color": INK, "lw": 1.2, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xy=tip, xytext=tail, arrowprops=style)
    middle = (tail[0] + tip[0]) / 2, (tail[1] + tip[1]) / 2
    gap = {"center": 0.0, "left": 0.12, "right": -0.12}[beside]
    above = 0.0 if upright else 0.16
    axes.text(
        middle[0] + gap,
        middle[1] + above,
        label,
        ha=beside,
        va="center",
        fontsize=8.5,
        bbox={"fc": PAPER, "ec": "none", "pad": 1},
    )
