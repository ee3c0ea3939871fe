"""Training curves: losses, score and halting steps; thin lines are seeds, thick ones means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hrm.plots.style import (
    DASHES,
    INK,
    SERIES,
    Array,
    grid,
    legend,
    level_lines,
    logarithmic,
    styled,
)

_log_from = 20  # losses that differ by this factor or more get a logarithmic axis


class Point(Protocol):
    """The attributes of `hrm.training.loop.Moment` that are drawn."""

    @property
    def update(self) -> int: ...
    @property
    def loss(self) -> float: ...
    @property
    def steps(self) -> float: ...
    @property
    def score(self) -> float: ...
    @property
    def parts(self) -> Mapping[str, float]: ...


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The curve of one seed.

    Args:
        updates: Updates of the points, ascending, [K].
        losses: The total loss and its parts by name, each [K].
        score: Scores, [K].
        steps: Mean halting steps per sample, [K].
    """

    updates: Array
    losses: Mapping[str, Array]
    score: Array
    steps: Array

    @classmethod
    def of(cls, moments: Sequence[Point]) -> "Curve":
        """Return the curve of a run's moments."""
        columns = [(m.update, m.loss, m.score, m.steps) for m in moments]
        updates, loss, score, steps = np.array(columns, dtype=np.float64).reshape(-1, 4).T
        names = moments[0].parts if moments else ()
        parts = {name: np.array([m.parts[name] for m in moments]) for name in names}
        return cls(updates=updates, losses={"total": loss, **parts}, score=score, steps=steps)


@styled
def dynamics(
    curves: Sequence[Curve],
    *,
    baselines: Mapping[str, float] | None = None,
    score: str = "accuracy on unknown cells",
    diverged: Sequence[int] = (),
) -> Figure:
    """Draw losses, score and halting steps over updates.

    The mean ends with the shortest curve, because a mean over fewer seeds would jump.

    Args:
        curves: One curve per seed.
        baselines: Scores of trivial methods by name, drawn as horizontal lines.
        score: Label of the score, with its unit.
        diverged: Updates at which seeds diverged, drawn as crosses below the losses.
    """
    figure, (losses, scores, steps) = grid(1, 3, 3.6, 2.9)
    names = list(dict.fromkeys(name for curve in curves for name in curve.losses))
    for i, name in enumerate(names):
        shown = [(c.updates, c.losses[name]) for c in curves if name in c.losses]
        _lines(losses, shown, color=SERIES[i % 5], linestyle=DASHES[i % 5], label=name)
    values = np.concatenate([v for c in curves for v in c.losses.values()] or [np.ones(1)])
    if (values > 0).all() and values.max() > _log_from * values.min():
        logarithmic(losses)
    if diverged:
        losses.plot(
            diverged,
            [0.03] * len(diverged),
            "X",
            color=INK,
            ms=7,
            transform=losses.get_xaxis_transform(),
            label="diverged",
        )
    legend(losses)
    _lines(scores, [(c.updates, c.score) for c in curves], color=SERIES[0], label="model")
    level_lines(scores, baselines)
    legend(scores)
    _lines(steps, [(c.updates, c.steps) for c in curves], color=SERIES[0], label="model")
    steps.set_ylim(bottom=0)
    for axes, title, label in (
        (losses, "Loss", "loss per sample"),
        (scores, "Score", score),
        (steps, "Computation", "halting steps per sample"),
    ):
        axes.set(title=title, xlabel="updates", ylabel=label)
    return figure


@styled
def comparison(
    curves: Mapping[str, Curve], *, baselines: Mapping[str, float] | None = None
) -> Figure:
    """Draw loss and accuracy on unknown cells over updates of several models, by name.

    Args:
        curves: Curves by the name of the model.
        baselines: Scores of trivial methods by name, drawn as horizontal lines.
    """
    figure, (losses, scores) = grid(1, 2, 4.4, 3.1)
    for i, (name, curve) in enumerate(curves.items()):
        look: dict[str, Any] = {"color": SERIES[i % 5], "linestyle": DASHES[i % 5], "lw": 1.6}
        losses.plot(curve.updates, curve.losses["total"], label=name, **look)
        scores.plot(curve.updates, curve.score, **look)
    level_lines(scores, baselines)
    losses.set(title="Loss", xlabel="updates", ylabel="loss per sample")
    scores.set(title="Score", xlabel="updates", ylabel="accuracy on unknown cells")
    legend(losses)
    legend(scores)
    return figure


def mean(curves: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Return the updates that all curves share, and the mean of their values there."""
    shared = curves[0][0]
    for updates, _ in curves[1:]:
        shared = np.intersect1d(shared, updates)
    return shared, np.mean([v[np.isin(u, shared)] for u, v in curves], axis=0)


def _lines(axes: Axes, curves: Sequence[tuple[Array, Array]], **style: Any) -> None:
    if not curves:
        return
    several = len(curves) > 1
    for updates, values in curves if several else ():
        axes.plot(updates, values, **{**style, "label": None}, lw=0.7, alpha=0.5)
    updates, values = mean(curves)
    axes.plot(updates, values, **style, lw=2.2 if several else 1.6)
