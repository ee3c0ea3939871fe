"""The style that all pictures share, and how they are written."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from numpy.typing import NDArray

from hrm.config.parts import require
from hrm.system.files import whole

P = ParamSpec("P")
R = TypeVar("R")

Array = NDArray[Any]

INK, MUTED, RULE, SHADE, PAPER = "#1c2430", "#5b6573", "#c3c9d1", "#e9ecf0", "#ffffff"
# Seaborn's "colorblind" colours, from dark to light; any kind of colour vision can tell them apart.
BLUE, VERMILION, GREEN, ORANGE = "#0173b2", "#c64e00", "#029e73", "#de8f05"
SERIES = (BLUE, ORANGE, VERMILION, GREEN, INK)
DASHES: Sequence[Any] = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 2, 1, 2)), (0, (8, 2)))
MARKERS = ("o", "s", "^", "D", "v")

_settings: dict[str, Any] = {
    "figure.dpi": 100,
    "savefig.dpi": 150,
    "svg.fonttype": "none",
    "svg.hashsalt": "hrm.plots",
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "legend.facecolor": "white",  # lines behind the legend show faintly
    "legend.edgecolor": "none",
    "legend.framealpha": 0.85,
    "axes.linewidth": 0.8,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "lines.linewidth": 1.6,
}


@contextmanager
def settings() -> Iterator[None]:
    """Replace the user's settings by ours within a block."""
    with mpl.rc_context():
        mpl.rcdefaults()
        ours: dict[Any, Any] = {**sns.axes_style("ticks"), **_settings}
        mpl.rcParams.update(ours)
        yield


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function to draw with our settings."""

    @functools.wraps(draw)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        with settings():
            return draw(*args, **kwargs)

    return inside


def grid(rows: int, columns: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """Return a figure and its axes row by row; width and height, in inches, are per panel."""
    figure = Figure(figsize=(columns * width, rows * height), layout="constrained")
    engine = figure.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)
    engine.set(w_pad=0.07, h_pad=0.07)
    made: Array = figure.subplots(rows, columns, squeeze=False)
    axes: list[Axes] = made.ravel().tolist()
    for each in axes:
        sns.despine(ax=each)
    return figure, axes


def logarithmic(axes: Axes) -> None:
    """Make the vertical axis logarithmic, with plain numbers at its ticks."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())


def whole_numbers(axes: Axes) -> None:
    """Restrict the horizontal axis' ticks to whole numbers."""
    axes.locator_params(axis="x", integer=True)


def blank(axes: Axes) -> None:
    """Remove frame, ticks and labels of axes."""
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)


def legend(axes: Axes, **options: Any) -> None:
    """Show a legend if there are several series."""
    if len(axes.get_legend_handles_labels()[1]) > 1:
        axes.legend(**options)


def level_lines(axes: Axes, baselines: Mapping[str, float] | None) -> None:
    """Draw the scores of trivial methods, by name, as horizontal lines."""
    for i, (name, level) in enumerate((baselines or {}).items()):
        axes.axhline(level, color=MUTED, lw=1.2, ls=DASHES[1 + i % 4], label=name)


def spread(
    axes: Axes, at: Sequence[int] | Array, values: Array, *, color: str, **look: Any
) -> None:
    """Draw the median over samples, and the range of all samples.

    Args:
        axes: Where to draw.
        at: Horizontal positions, [K].
        values: Values at these positions, [K, samples].
        color: Colour of both.
        look: Line style, marker and label of the median.
    """
    axes.fill_between(at, values.min(axis=1), values.max(axis=1), color=color, alpha=0.2, lw=0)
    axes.plot(at, np.median(values, axis=1), color=color, ms=3.5, **look)


def thinned(count: int, most: int) -> list[int]:
    """Return at most `most` of 0 ... count - 1, evenly spaced, with the first and the last."""
    return sorted({int(i) for i in np.linspace(0, count - 1, min(count, most)).round()})


@styled
def save(figure: Figure, path: Path) -> None:
    """Write a figure to a .svg or .png file, which is replaced atomically.

    Raises:
        UserError: If the file's name has another ending.
        OSError: If it can't be written.
    """
    kind = path.suffix.removeprefix(".").lower()
    require(
        kind in ("svg", "png"), "picture's file", path.name, "NAME.svg or NAME.png", "rename it"
    )
    metadata = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
    with whole(path) as temporary:
        figure.savefig(temporary, format=kind, metadata=metadata)
