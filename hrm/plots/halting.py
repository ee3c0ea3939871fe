"""Pictures of halting: steps by difficulty, signals by step, and the cost of executions.

Shapes: N samples, K halting steps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hrm.plots.style import (
    BLUE,
    DASHES,
    INK,
    MARKERS,
    PAPER,
    RULE,
    SERIES,
    Array,
    grid,
    legend,
    level_lines,
    styled,
    whole_numbers,
)

_annotated = 16  # largest number of columns for which shares are written into the cells


@dataclass(frozen=True, kw_only=True)
class Execution:
    """The cost of one execution of the same decisions, and the score of its answers.

    Args:
        name: Name of the execution, such as "compacted".
        rows: Rows computed in each call of the step, see `hrm.model.execution.Run`.
        samples: Number of samples.
        score: Share of the unknown cells that are right.
    """

    name: str
    rows: Sequence[int]
    samples: int
    score: float

    @property
    def per_sample(self) -> float:
        """Steps computed per sample, including those after it stopped."""
        return sum(self.rows) / self.samples


def strata(difficulty: Array, most: int = 5) -> list[tuple[float, float]]:
    """Return at most `most` ranges, both ends included, with about equal numbers of samples.

    Samples of equal difficulty are never in different ranges. If there are few different values,
    each of them is a range.
    """
    values = np.unique(difficulty)
    if len(values) <= most:
        return [(v, v) for v in values.tolist()]
    cuts = np.unique(np.quantile(difficulty, np.arange(1, most) / most, method="inverted_cdf"))
    ends = [*cuts[cuts < values[-1]].tolist(), values[-1].item()]
    starts = [values[0].item(), *(values[values > end][0].item() for end in ends[:-1])]
    return list(zip(starts, ends, strict=True))


def shares(
    steps: Array, difficulty: Array, ranges: Sequence[tuple[float, float]], most: int
) -> Array:
    """Return the shares of each range's samples that took 1 ... `most` steps, [ranges, most]."""
    inside = [steps[(low <= difficulty) & (difficulty <= high)] for low, high in ranges]
    found: Array = np.array([[np.mean(s == k) for k in range(1, most + 1)] for s in inside])
    return found


@styled
def by_difficulty(
    steps: Array,
    difficulty: Array,
    *,
    max_steps: int,
    unit: str = "difficulty",
) -> Figure:
    """Draw the distribution of halting steps in each range of difficulty, and its mean.

    Ranges have about equal numbers of samples, see `strata`.

    Args:
        steps: Halting steps of each sample, [N], 1 ... max_steps.
        difficulty: Difficulty of each sample, [N].
        max_steps: Largest number of steps.
        unit: Unit of the difficulty, such as "moves".
    """
    ranges = strata(difficulty)
    table = shares(steps, difficulty, ranges, max_steps)
    means = table @ np.arange(1, max_steps + 1)
    width = max(4.6, 0.42 * max_steps + 2.2)
    figure, (axes,) = grid(1, 1, width, 0.5 * len(ranges) + 1.5)
    edges = np.arange(max_steps + 1) + 0.5
    rows = np.arange(len(ranges) + 1) - 0.5
    mesh = axes.pcolormesh(edges, rows, 100 * table, cmap="Blues", vmin=0, vmax=100)
    mesh.set(edgecolor=PAPER, linewidth=1)
    if max_steps <= _annotated:
        for (row, column), share in np.ndenumerate(table):
            if share > 0:
                axes.text(
                    column + 1,
                    row + 0.24,
                    f"{100 * share:.0f}",
                    ha="center",
                    va="center",
                    fontsize=7.5,
                    color=PAPER if share > 0.55 else INK,
                )
    axes.plot(means, np.arange(len(ranges)) - 0.2, "D", color=INK, mec=PAPER, ms=7, label="mean")
    counts = [int(((a <= difficulty) & (difficulty <= b)).sum()) for a, b in ranges]
    names = [f"{a:g}" if a == b else f"{a:g} to {b:g}" for a, b in ranges]
    axes.set_yticks(
        range(len(ranges)), [f"{n}\n{c:,} samples" for n, c in zip(names, counts, strict=True)]
    )
    axes.set(
        title="Halting steps by difficulty", xlabel="halting steps", ylabel=unit, ylim=rows[[0, -1]]
    )
    whole_numbers(axes)
    figure.colorbar(mesh, ax=axes, label="share of the row's samples, %")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0)
    return figure


@styled
def signals(values: Array, steps: Array, *, signal: str = "probability to stop") -> Figure:
    """Draw the halting signal at each step over the live samples, and the number of these.

    Args:
        values: Signals, [K, N], such as probabilities, or margins Q(halt) - Q(continue).
        steps: Number of steps of each sample, [N].
        signal: Label of the values.
    """
    live = np.arange(len(values))[:, None] < steps
    taken = 1 + np.flatnonzero(live.any(axis=1))
    spread = np.array([np.quantile(values[k - 1, live[k - 1]], [0.25, 0.5, 0.75]) for k in taken])
    figure, (left, right) = grid(1, 2, 3.6, 2.9)
    left.fill_between(taken, spread[:, 0], spread[:, 2], color=BLUE, alpha=0.2, lw=0)
    left.plot(taken, spread[:, 1], "-o", color=BLUE)
    left.set(title="Median and quartiles", ylabel=signal)
    right.step(taken, 100 * live.mean(axis=1)[taken - 1], "-", where="mid", color=BLUE)
    right.plot(taken, 100 * live.mean(axis=1)[taken - 1], "o", color=BLUE)
    right.set(title="Still thinking", ylabel="live samples, %", ylim=(0, 105))
    for axes in (left, right):
        axes.set_xlabel("halting step")
        whole_numbers(axes)
    return figure


@styled
def efficiency(
    executions: Sequence[Execution],
    *,
    baselines: Mapping[str, float] | None = None,
    operations: int | None = None,
) -> Figure:
    """Draw the rows computed at each call, and the score over the cost per sample.

    Args:
        executions: Executions of the same samples; the cost of the first one is 100 %.
        baselines: Scores of trivial methods by name, drawn as level lines.
        operations: Floating-point operations of one step of one row, to show costs in operations;
            None to show them in steps.
    """
    factor, unit = 1.0, "rows computed per sample"
    if operations is not None:
        factor, unit = operations / 1e6, "million operations per sample"
    figure, (left, right) = grid(1, 2, 4.3, 3.1)
    costs, reference = [e.per_sample for e in executions], executions[0]
    lines = []
    for i, e in enumerate(executions):
        look: dict[str, Any] = {"color": SERIES[i % 5], "marker": MARKERS[i % 5], "mfc": "none"}
        look |= {"ls": DASHES[i % 5], "mew": 1.8, "ms": 12 - i}
        share = f"{100 * e.per_sample / reference.per_sample:.0f} %"
        lines.append(Line2D([], [], label=f"{e.name}, {share}", **look))
        # Drawn as stairs of width 1 per call, so that areas are costs.
        calls = np.arange(len(e.rows) + 1)
        left.stairs(e.rows, calls, color=look["color"], ls=look["ls"], lw=1.8)
        right.plot([e.per_sample * factor], [e.score], **look)
    level_lines(right, baselines)
    legend(right)
    title = f"cost relative to {reference.name}"
    figure.legend(handles=lines, title=title, loc="outside right upper", handlelength=3.5)
    left.set(title="Rows at each call", xlabel="calls of the step", ylabel="rows computed")
    left.set(xlim=(0, None), ylim=(0, None))
    whole_numbers(left)
    right.set(title="Score and cost", xlabel=unit, ylabel="accuracy on unknown cells")
    right.set_xlim(0, 1.1 * max(costs) * factor)
    right.margins(y=0.25)
    right.grid(axis="y", color=RULE, lw=0.6)
    return figure
