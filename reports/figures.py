"""Rows to inline SVG: forest plots, a claim's interval, and its pairs.

Colours are placeholders while matplotlib draws and CSS variables in what is returned, so that one
SVG serves the light and the dark scheme. Text stays text, every identifier is derived from the
claim, and no setting of the user's matplotlib has a say: equal rows give equal bytes.
"""

import io
import math
import re
import textwrap
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeGuard

import matplotlib as mpl
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from ablations.records import Row
from reports import text
from reports.words import look_of, looks

Limits = tuple[float, float]

_names = (
    "ink",
    "muted",
    "rule",
    "paper",
    "null-zone",
    "band-zone",
    "band-edge",
    *(k.slug for k in looks),
)
_hex = {name: f"#0dd0{i:02x}" for i, name in enumerate(_names)}
_variable = {code: f"var(--{name})" for name, code in _hex.items()}


def drawable(row: Row) -> bool:
    """Return whether a row has an estimate that its axis can show."""
    return _shows(row.verdict.estimate, row.log)


def forest(rows: Sequence[Row], *, narrow: bool = False) -> Markup:
    """Return the forest plot of claims that share an axis.

    Args:
        rows: Drawable rows, all of them ratios or all of one unit, in the order of drawing.
        narrow: Names above the intervals instead of beside them, for a small screen.
    """
    width, left, right, step = (360, 8, 8, 42) if narrow else (1112, 340, 224, 27)
    height = step * len(rows) + 44
    label = f"Forest plot of {len(rows)} claims: " + "; ".join(map(_spoken, rows))
    with _figure(width, height, f"forest {narrow} {rows[0].log} {rows[0].unit}") as (figure, done):
        axes = figure.add_axes(
            (left / width, 40 / height, (width - left - right) / width, step * len(rows) / height)
        )
        axes.set_ylim(len(rows) - 0.5, -0.5)
        limits = _horizontal(axes, rows, most=4 if narrow else 8)
        axes.axvline(rows[0].neutral, color=_hex["muted"], lw=1, ls=(0, (3, 3)), zorder=1)
        for y, row in enumerate(rows):
            if y:
                axes.plot(
                    [0, 1],
                    [y - 0.5] * 2,
                    transform=axes.get_yaxis_transform(),
                    color=_hex["rule"],
                    lw=0.6,
                )
            _draw_interval(axes, row, y + 0.2 * narrow, limits, step)
            _name(axes, row, y, left, width - left - right, narrow)
        axes.set_xlabel(
            "ratio, logarithmic axis" if rows[0].log else _clean(text.unit(rows[0].unit), 60)
        )
    return done(label)


def strip(row: Row) -> Markup:
    """Return one claim's interval and zones, with a dot for each pair's contrast above them."""
    width, height = 440, 128
    with _figure(width, height, f"strip {row.verdict.id}") as (figure, done):
        axes = figure.add_axes((12 / width, 42 / height, 1 - 24 / width, 1 - 46 / height))
        axes.set_ylim(1.15, -0.75)
        dots = [p.contrast for p in row.points if _shows(p.contrast, row.log)]
        limits = _horizontal(axes, [row], most=6, also=dots)
        axes.axvline(row.neutral, color=_hex["muted"], lw=1, ls=(0, (3, 3)), zorder=1)
        _draw_interval(axes, row, 0.6, limits, 40)
        axes.plot(
            dots,
            [-0.3] * len(dots),
            "o",
            ms=6,
            color=_hex["ink"],
            alpha=0.45,
            mew=0,
            clip_on=False,
        )
        axes.set_xlabel(_clean(text.unit(row.unit), 60) + (", logarithmic axis" if row.log else ""))
    return done(f"Contrast of each pair, interval and zones. {_spoken(row)}")


def pairs(row: Row) -> Markup | None:
    """Return each seed's values, joined from the baseline on; None if there are none."""
    cells = [
        (place, value, point.seed)
        for point in row.points
        for place, label in enumerate(row.labels)
        if _shows(value := point.values.get(label), False)
    ]
    if not cells:
        return None
    log = row.log and all(value > 0 for _, value, _ in cells)
    count = len(row.labels)
    width, height = min(max(110 + 110 * count, 240), 440), 236
    with _figure(width, height, f"pairs {row.verdict.id}") as (figure, done):
        axes = figure.add_axes((64 / width, 52 / height, 1 - 80 / width, 1 - 66 / height))
        x, y, seed = zip(*cells, strict=True)
        style: dict[str, Any] = {
            "color": _hex["ink"],
            "ax": axes,
            "legend": False,
            "clip_on": False,
        }
        sns.lineplot(x=x, y=y, units=seed, estimator=None, alpha=0.4, lw=1, **style)
        sns.scatterplot(x=x, y=y, s=30, alpha=0.75, linewidth=0, **style)
        axes.set_xlim(-0.35, count - 0.65)
        room = max(8, 44 // count)
        axes.set_xticks(
            range(count), ["\n".join(textwrap.wrap(_clean(n, 3 * room), room)) for n in row.labels]
        )
        axes.set_ylim(*_scale(axes.yaxis, *_padded(y, log), log, 5))
        axes.set(xlabel="", ylabel="")
        axes.tick_params(axis="x", length=0, pad=8)
    seeds = len(set(seed))
    return done(
        f"Values by seed, {seeds} line{'s' * (seeds != 1)}, over {text.listed(row.labels)}; "
        f"from {text.number(min(y))} to {text.number(max(y))}. The table holds every value."
    )


def _name(axes: Axes, row: Row, y: float, left: float, plot: float, narrow: bool) -> None:
    """Write a row's id, verdict and numbers: beside its interval, or above it."""
    tone = _hex[look_of[row.verdict.verdict].slug]
    where: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center"}
    identity = _clean(row.verdict.id, 32)
    if narrow:
        axes.text(0, y - 0.26, identity, color=_hex["ink"], fontsize=11.5, **where)
        axes.text(
            1,
            y - 0.26,
            row.verdict.verdict,
            color=tone,
            ha="right",
            fontsize=10,
            weight="bold",
            **where,
        )
        return
    axes.text(-left / plot, y, identity, color=_hex["ink"], fontsize=12.5, **where)
    axes.text(
        -16 / plot,
        y,
        row.verdict.verdict,
        color=tone,
        ha="right",
        fontsize=10.5,
        weight="bold",
        **where,
    )
    shown = f"{text.estimate(row)} {text.interval(row)}".strip()
    axes.text(1 + 224 / plot, y, shown, color=_hex["ink"], ha="right", fontsize=12, **where)


def _draw_interval(axes: Axes, row: Row, y: float, limits: Limits, step: float) -> None:
    """Draw zones, interval and estimate at height y; bounds outside the limits end in an arrow."""
    verdict, tone = row.verdict, _hex[look_of[row.verdict.verdict].slug]
    assert verdict.estimate is not None, f"{verdict.id} has no estimate to draw"
    zones: tuple[tuple[Limits | None, float, dict[str, Any]], ...] = (
        (row.null, 7.5, {"fc": _hex["null-zone"], "ec": "none"}),
        (row.band, 9.5, {"fc": _hex["band-zone"], "ec": _hex["band-edge"], "lw": 0.9}),
    )
    for bounds, half, style in zones:
        if bounds is not None:
            a, b = (_held(x, limits) for x in bounds)
            axes.add_patch(
                Rectangle((a, y - half / step), b - a, 2 * half / step, zorder=2, **style)
            )
    if verdict.low is not None and verdict.high is not None:
        a, b = _held(verdict.low, limits), _held(verdict.high, limits)
        (line,) = axes.plot(
            [a, b], [y, y], color=tone, lw=2, solid_capstyle="butt", zorder=3, clip_on=False
        )
        line.set_gid(f"claim:{verdict.id}")
        ends = ((a, verdict.low, "<"), (b, verdict.high, ">"))
        for shown, bound, arrow in ends:
            beyond = shown != bound
            axes.plot(
                [shown],
                [y],
                arrow if beyond else "|",
                ms=6 if beyond else 9,
                mew=0 if beyond else 2,
                color=tone,
                zorder=3,
                clip_on=False,
            )
    axes.plot(
        [verdict.estimate],
        [y],
        "o",
        ms=8,
        color=tone,
        mec=_hex["paper"],
        mew=1.2,
        zorder=4,
        clip_on=False,
    )


def _horizontal(axes: Axes, rows: Sequence[Row], most: int, also: Sequence[float] = ()) -> Limits:
    """Lay out the shared axis below, and return its limits.

    Every estimate and zone fits; a bound that is much farther out would flatten the rest, so that
    it ends in an arrow instead.
    """
    log = rows[0].log
    core = [
        x for r in rows for x in (r.verdict.estimate, r.neutral, *(r.null or ()), *(r.band or ()))
    ]
    low, high = _padded([x for x in (*core, *also) if _shows(x, log)], log, 0.0)
    reach = _to(high, log) - _to(low, log)
    inside = [
        b
        for r in rows
        for b in (r.verdict.low, r.verdict.high)
        if _shows(b, log) and abs(_to(b, log) - (_to(low, log) + _to(high, log)) / 2) <= 1.5 * reach
    ]
    limits = _scale(axes.xaxis, *_padded([low, high, *inside], log), log, most, text.times * log)
    axes.set_xlim(*limits)
    axes.yaxis.set_major_locator(NullLocator())
    axes.spines["left"].set_visible(False)
    return limits


def _scale(axis: Axis, low: float, high: float, log: bool, most: int, suffix: str = "") -> Limits:
    """Set an axis's scale and about `most` round ticks at most; return its limits."""
    ticks: Sequence[float]
    if log:
        axis.axes.set(**{"xscale" if axis is axis.axes.xaxis else "yscale": "log"})
    if log and high / low > 10:
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        every = max(1, math.ceil(len(decades) / most))
        steps = (1, 2, 5) if 3 * len(decades) <= most + 3 else (1, 3) if len(decades) <= 3 else (1,)
        ticks = [s * 10.0**d for d in decades if d % every == 0 for s in steps]
    else:
        ticks = list(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
    axis.set_major_locator(FixedLocator([t for t in ticks if low <= t <= high]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(
        FuncFormatter(lambda v, _: f"{v:,.6g}".replace("-", text.minus) + suffix)
    )
    return low, high


def _padded(values: Sequence[float], log: bool, margin: float = 0.06) -> Limits:
    low, high = _to(min(values), log), _to(max(values), log)
    gap = margin * (high - low) if high > low else (0.1 if log else 0.1 * abs(high) or 1.0)
    return _back(low - gap, log), _back(high + gap, log)


def _shows(value: float | None, log: bool) -> TypeGuard[float]:
    return value is not None and math.isfinite(value) and (value > 0 or not log)


def _to(value: float, log: bool) -> float:
    return math.log(value) if log else value


def _back(value: float, log: bool) -> float:
    return math.exp(value) if log else value


def _held(value: float, limits: Limits) -> float:
    return min(max(value, limits[0]), limits[1])


def _clean(words: str, most: int) -> str:
    """Return what a figure can show: one line of at most so many printable characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _spoken(row: Row) -> str:
    """Return a row's figure in words, for those who don't see it."""
    bounds = text.interval(row)
    parts = [f"{row.verdict.id}, {row.verdict.verdict}, estimate {text.estimate(row)}"]
    parts += [f"interval {bounds}"] * bool(bounds)
    parts += [f"null zone {text.zone(row.null, row.log)}"] if row.null else []
    parts += [f"tolerance band {text.zone(row.band, row.log)}"] if row.band else []
    return ", ".join(parts)


class _Done:
    """Turns the finished figure into markup, once its drawing context has closed."""

    def __init__(self, width: float) -> None:
        self.width, self.source = width, ""

    def __call__(self, label: str) -> Markup:
        return _inline(self.source, label, self.width)


@contextmanager
def _figure(width: float, height: float, salt: str) -> Iterator[tuple[Figure, _Done]]:
    """Yield a figure in CSS pixels and what makes inline SVG of it after the block."""
    done = _Done(width)
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message=r"Glyph .* missing from font"
        )  # the browser has its own
        mpl.rcdefaults()
        settings: dict[Any, Any] = {**sns.axes_style("ticks"), **_settings, "svg.hashsalt": salt}
        mpl.rcParams.update(settings)
        figure = Figure(figsize=(width / 72, height / 72))
        figure.patch.set_visible(False)
        yield figure, done
        for axes in figure.axes:
            axes.patch.set_visible(False)
            sns.despine(ax=axes, left=not axes.spines["left"].get_visible())
        buffer = io.StringIO()
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None})
        done.source = buffer.getvalue()


_settings: dict[str, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": 11.5,
    "axes.labelsize": 11.5,
    "xtick.labelsize": 11.5,
    "ytick.labelsize": 11.5,
    "axes.linewidth": 0.9,
    "xtick.major.size": 4.0,
    "ytick.major.size": 4.0,
    "axes.edgecolor": _hex["muted"],
    "axes.labelcolor": _hex["muted"],
    "xtick.color": _hex["muted"],
    "ytick.color": _hex["muted"],
    "text.color": _hex["ink"],
    "path.simplify": False,
}


def _inline(source: str, label: str, width: float) -> Markup:
    """Return SVG for the inside of a page: no namespaces, style sheet, metadata or stray ids."""
    root = ElementTree.fromstring(source)
    referred = set(re.findall(r"[\"(]#([^\")]+)[\")]", source))
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.rpartition("}")[2] in {"metadata", "style"}:
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        old, identity = dict(element.attrib), element.get("id", "")
        element.attrib.clear()
        for key, value in old.items():
            key = key.rpartition("}")[2]
            if key == "style":
                value = re.sub("#0dd0[0-9a-f]{2}", lambda m: _variable[m[0]], value)
                value = re.sub(r"font-family:[^;]*;?|'DejaVu Sans'", "", value)
            if key != "id" or value in referred:
                element.set(key, value)
        if identity.startswith("claim:"):
            element.set("data-claim", identity.removeprefix("claim:"))
    box = root.get("viewBox", "")
    root.attrib.clear()
    root.attrib |= {
        "class": "plot",
        "viewBox": box,
        "role": "img",
        "aria-label": label,
        "style": f"--width:{width}px",
    }
    return Markup(ElementTree.tostring(root, encoding="unicode"))
