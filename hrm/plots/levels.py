"""Messages between the levels, and the halting probability that each position accumulates.

Shapes: M messages, K steps, B samples, S positions, D width of a message.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from hrm.config.parts import require
from hrm.model import HRM, probe
from hrm.model.coupling import Levels, Thought, Update
from hrm.model.halting import Accumulated
from hrm.plots.style import (
    BLUE,
    DASHES,
    INK,
    VERMILION,
    Array,
    grid,
    legend,
    spread,
    styled,
    whole_numbers,
)

_directions = (("down", "high to low", VERMILION, "s"), ("up", "low to high", BLUE, "o"))


@dataclass(frozen=True, kw_only=True)
class Messages:
    """Messages that one level passed to the other, in order.

    Args:
        updates: The update that read each message, counted from 1 over all steps, [M].
        values: The messages as the other level's core reads them, [M, B, D] or [M, B, S, D].
    """

    updates: Array
    values: Array

    def norms(self) -> Array:
        """Return each message's root mean square over its entries, [M, B]."""
        found: Array = np.sqrt(np.square(self._flat()).mean(axis=2))
        return found

    def cosines(self) -> Array:
        """Return the cosine between each message and the one before, [M - 1, B]; 0 if one is 0."""
        flat = self._flat()
        lengths = np.linalg.norm(flat, axis=2)
        scale = lengths[1:] * lengths[:-1]
        found: Array = (flat[1:] * flat[:-1]).sum(axis=2) / np.where(scale > 0, scale, 1)
        return found

    def _flat(self) -> Array:
        return self.values.reshape(*self.values.shape[:2], -1)


@dataclass(kw_only=True)
class _Heard:
    """Messages recorded during a forward pass."""

    update: int = 0
    read: Tensor | None = None  # the last high state that the low level read
    down: list[tuple[int, Tensor]] = field(default_factory=list)
    up: list[tuple[int, Tensor]] = field(default_factory=list)


def messages(
    model: HRM, inputs: Tensor, identities: Tensor | None = None
) -> dict[str, Messages | None]:
    """Return the messages between a model's levels, in both directions; all samples take all steps.

    Downwards it is z_H as the low core reads it, recorded once for as long as it doesn't change.
    Upwards it is the summary of the low states that the high core reads or, if low states are added
    to z_H, the added term. A direction without messages is None.

    Args:
        model: The model, which isn't changed.
        inputs: As `HRM.forward` takes them.
        identities: As `HRM.forward` takes them.
    """
    training = model.training
    model.eval()
    try:
        with torch.no_grad(), _heard(model) as heard:
            model(inputs, identities=identities, steps=model.halting.max_steps)
    finally:
        model.train(training)
    return {"down": _together(heard.down), "up": _together(heard.up)}


@contextmanager
def _heard(model: HRM) -> Iterator[_Heard]:
    """Record a model's messages within the block, and yield them."""
    heard = _Heard()
    schedule, high, context = model.schedule, model.core_high, model.low.from_context
    before = vars(model.low).get("from_context")

    def counted(update: Update) -> Update:
        def inside(model: Levels, z: Thought, x: Tensor | None) -> Thought:
            heard.update += 1
            new = update(model, z, x)
            if update.__name__ == "add_low":
                heard.up.append((heard.update, new.high - z.high))
            return new

        return inside

    def core_high(state: Tensor, read: Tensor | None) -> Tensor:
        if read is not None:
            heard.up.append((heard.update, read))
        return high(state, read)

    def from_context(state: Tensor) -> Tensor:
        found = context(state)
        if heard.read is None or not torch.equal(heard.read, state):
            heard.down.append((heard.update, found))
        heard.read = state
        return found

    vars(model)["schedule"] = lambda: [counted(update) for update in schedule()]
    vars(model)["core_high"] = core_high  # before the class's own method, as `schedule`
    vars(model.low)["from_context"] = from_context
    try:
        yield heard
    finally:
        del vars(model)["schedule"], vars(model)["core_high"], vars(model.low)["from_context"]
        if before is not None:
            vars(model.low)["from_context"] = before


def _together(heard: list[tuple[int, Tensor]]) -> Messages | None:
    """Return recorded messages as one object; of each update, only the last message is kept."""
    last = dict(heard)
    if not last:
        return None
    values = np.stack([value.double().cpu().numpy() for value in last.values()])
    return Messages(updates=np.array(list(last)), values=values)


@styled
def communication(found: dict[str, Messages | None]) -> Figure:
    """Draw the norms of messages, and their cosines with the previous ones: medians over samples.

    Args:
        found: From `messages`; at least one direction has messages.
    """
    require(any(found.values()), "messages", "none", "one or more", "take a system of two levels")
    figure, (left, right) = grid(1, 2, 4.2, 3.1)
    for (way, name, color, marker), dashes in zip(_directions, DASHES, strict=False):
        said = found[way]
        if said is None:
            continue
        for axes, at, values in (
            (left, said.updates, said.norms()),
            (right, said.updates[1:], said.cosines()),
        ):
            if len(values):
                spread(axes, at, values, color=color, marker=marker, ls=dashes, label=name)
    left.set(title="Size of messages", ylabel="root mean square", ylim=(0, None))
    right.set(
        title="Change of messages", ylabel="cosine with the message before", ylim=(None, 1.05)
    )
    for axes in (left, right):
        axes.set_xlabel("updates of either level")
        whole_numbers(axes)
        legend(axes)
    return figure


# -- accumulated halting --------------------------------------------------------------------------
def probabilities(model: HRM, inputs: Tensor, identities: Tensor | None = None) -> Array:
    """Return the halting probability of each position at each low update, [K, B, S].

    All samples take all steps. The model halts by accumulated probabilities.
    """
    assert isinstance(model.halting, Accumulated)
    trace = probe.record(model, inputs, identities)
    low = trace.low[[name == "update_low_counting" for name in trace.names]]
    weight = next(model.halting.parameters())
    with torch.no_grad():
        logits = model.halting.network(torch.from_numpy(low).to(weight))
    found: Array = logits.squeeze(-1).sigmoid().double().cpu().numpy()
    return found


def crossings(values: Array, threshold: float) -> Array:
    """Return where a position's sum of probabilities reaches the threshold, [K, ...].

    The sum then restarts at 0.

    Source: document complete, as coded.
    """
    total, found = np.zeros(values.shape[1:]), []
    for added in values:
        total = total + added
        found.append(total >= threshold)
        total[found[-1]] = 0
    return np.array(found)


@styled
def positions(values: Array, threshold: float, *, name: str = "Board 0") -> Figure:
    """Draw the halting probability by position and step: for the first board, and as a mean of all.

    Args:
        values: Probabilities from `probabilities`, [K, B, S].
        threshold: Threshold of the sums; a mark shows where a sum reaches it.
        name: Name of the first board.
    """
    steps, _, cells = values.shape
    figure, (left, right) = grid(1, 2, 4.4, max(3.1, 0.045 * cells + 1.2))
    edges = np.arange(steps + 1) + 0.5
    mesh = left.pcolormesh(
        edges, np.arange(cells + 1) - 0.5, values[:, 0].T, cmap="Blues", vmin=0, vmax=1
    )
    step, place = np.nonzero(crossings(values[:, 0], threshold))
    left.plot(step + 1, place, ".", color=INK, ms=4, label=f"sum reaches {threshold:g}")
    left.set(title=name, xlabel="halting step", ylabel="position")
    left.invert_yaxis()
    figure.colorbar(mesh, ax=left, label="halting probability")
    if len(step):
        left.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0)
    at, means = np.arange(1, steps + 1), values.mean(axis=1)
    right.fill_between(at, means.min(axis=1), means.max(axis=1), color=BLUE, alpha=0.2, lw=0)
    right.plot(at, means.mean(axis=1), "-o", color=BLUE, ms=3.5)
    right.set(title=f"Mean and range of {cells} positions", xlabel="halting step", ylim=(0, 1))
    right.set_ylabel(f"mean of {values.shape[1]} boards")
    for axes in (left, right):
        whole_numbers(axes)
    return figure
