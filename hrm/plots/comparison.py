"""Heat maps of recipes by tasks."""

from collections.abc import Mapping

import numpy as np
import seaborn as sns
from matplotlib.figure import Figure

from hrm.plots.style import PAPER, Array, grid, styled


@styled
def heat_map(
    scores: Mapping[str, Mapping[str, float | None]],
    trivial: Mapping[str, float | None],
) -> Figure:
    """Draw scores as a heat map, each with its distance from the best trivial method.

    Args:
        scores: Shares of unknown cells that are right, 0 ... 1, by row (such as a recipe) and
            column (such as a task); None for a missing one.
        trivial: Score of the best trivial method, by column; drawn as the last row.
    """
    columns = list(trivial)
    rows = {**scores, "best trivial": trivial}
    values = table(rows, columns)
    apart = values - values[-1]
    words = [
        [_words(value, None if last else gap) for value, gap in zip(line, gaps, strict=True)]
        for last, line, gaps in zip([False] * len(scores) + [True], values, apart, strict=True)
    ]
    figure, (axes,) = grid(1, 1, 1.05 * len(columns) + 2.6, 0.5 * len(rows) + 1.1)
    sns.heatmap(
        100 * values,
        annot=np.array(words),
        fmt="",
        vmin=0,
        vmax=100,
        cmap="Blues",
        linewidths=1,
        linecolor=PAPER,
        xticklabels=columns,
        yticklabels=list(rows),
        cbar_kws={"label": "accuracy on unknown cells, %"},
        annot_kws={"fontsize": 8},
        ax=axes,
    )
    axes.tick_params(length=0)
    axes.tick_params(axis="y", rotation=0)
    axes.set_title("Recipes by tasks, and points above the best trivial method")
    return figure


def table(rows: Mapping[str, Mapping[str, float | None]], columns: list[str]) -> Array:
    """Return values [rows, columns], NaN for missing ones."""
    found = [[row.get(column) for column in columns] for row in rows.values()]
    return np.array([[np.nan if v is None else v for v in row] for row in found], dtype=np.float64)


def _words(value: float, gap: float | None) -> str:
    """Return the text of a cell: the score, and its distance from the trivial method."""
    if np.isnan(value):
        return ""
    return f"{100 * value:.1f}" if gap is None else f"{100 * value:.1f}\n{100 * gap:+.1f}"
