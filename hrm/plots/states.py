"""Pictures of how both levels' states change from update to update.

Shapes: U records, B samples, S positions, D width.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hrm.model.probe import (
    START,
    Floats,
    Trace,
    participation_ratio,
    principal_components,
    residuals,
)
from hrm.plots.style import (
    BLUE,
    DASHES,
    INK,
    MUTED,
    PAPER,
    VERMILION,
    Array,
    grid,
    legend,
    logarithmic,
    spread,
    styled,
    whole_numbers,
)

_levels = (("high", "z_H", VERMILION, "s", DASHES[1]), ("low", "z_L", BLUE, "o", DASHES[0]))
_paths_drawn = 6  # number of samples whose path is drawn


@styled
def evolution(trace: Trace) -> Figure:
    """Draw principal components, residuals and participation ratios of both levels.

    Components are computed over the records of all samples together, with the positions of a sample
    concatenated. The participation ratio is over samples and positions at one record, and can't
    exceed their number less one. Records at which a level wasn't updated have no residual.

    Args:
        trace: From `hrm.model.probe.record`; the paths of its first samples are drawn.
    """
    figure, axes = grid(2, 2, 4.4, 3.2)
    for place, (level, name, color, marker, dashes) in zip(axes, _levels, strict=False):
        _paths(place, getattr(trace, level), name, color, marker)
        states: Floats = getattr(trace, level)
        moved = residuals(states)
        drawn = [
            u for u in range(1, len(states)) if trace.names[u] != START and moved[u - 1].max() > 0
        ]
        if drawn:
            shown = moved[[u - 1 for u in drawn]]
            spread(axes[2], drawn, shown, color=color, marker=marker, ls=dashes, label=name)
        points = states.reshape(len(states), -1, states.shape[-1])
        axes[3].plot(
            participation_ratio(points), color=color, marker=marker, ms=3.5, ls=dashes, label=name
        )
    axes[2].set(title="Residuals", ylabel="change per entry, root mean square")
    logarithmic(axes[2])
    axes[3].set(title="Dimensionality", ylabel="participation ratio, directions", ylim=(0, None))
    for place in axes[2:]:
        for u in np.flatnonzero(np.diff(trace.segments)) + 1:
            place.axvline(u - 0.5 * (trace.names[u] == START), color=MUTED, lw=0.5, zorder=0)
        place.set_xlabel("updates, a line at each segment's start")
        whole_numbers(place)
        legend(place)
    return figure


def _paths(axes: Axes, states: Array, name: str, color: str, marker: str) -> None:
    """Draw some samples' paths in the two principal components, from a ring to a filled marker."""
    count, samples = states.shape[:2]
    coordinates, shares = principal_components(states.reshape(count * samples, -1))
    ways = coordinates.reshape(count, samples, 2)
    drawn = min(_paths_drawn, samples)
    for i in range(drawn):
        x, y = ways[:, i].T
        axes.plot(x, y, color=color, lw=0.9, alpha=0.7)
        axes.plot(x, y, ".", color=color, ms=3)
        axes.plot(
            x[:1],
            y[:1],
            "o",
            color=PAPER,
            mec=INK,
            ms=6,
            zorder=3,
            label="start" if i == 0 else None,
        )
        axes.plot(
            x[-1:],
            y[-1:],
            marker,
            color=INK,
            mec=PAPER,
            ms=7,
            zorder=4,
            label="end" if i == 0 else None,
        )
    axes.set(
        title=f"{name}, {drawn} samples",
        xlabel=f"component 1, {100 * shares[0]:.0f} % of the variance",
        ylabel=f"component 2, {100 * shares[1]:.0f} %",
    )
    axes.margins(0.1)
    legend(axes)
