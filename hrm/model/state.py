"""The state of a sample between updates: that of both levels, and the memory of halting.

Shapes: B batch, S positions, D width of the level.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class State(NamedTuple):
    """High and low state, [B, D] or [B, S, D], and the memory of halting, [B, M]; M is mostly 0."""

    high: Tensor
    low: Tensor
    memory: Tensor

    def at(self, rows: Tensor) -> "State":
        """Return the state of some rows, given as indices or as a mask."""
        return State(*(t[rows] for t in self))

    def detach(self) -> "State":
        """Return the state, detached from its graph."""
        return State(*(t.detach() for t in self))


def where(rows: Tensor, new: State, old: State) -> State:
    """Return the new state where the mask [B] holds, the old one elsewhere."""
    return State(*(pick(rows, a, b) for a, b in zip(new, old, strict=True)))


def gather(states: Sequence[State], rows: Tensor) -> State:
    """Return the states of all rows in order, from pieces that hold them in order `rows` [B]."""
    order = rows.argsort()
    return State(*(torch.cat(ts)[order] for ts in zip(*states, strict=True)))


def pick(rows: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """Return `new` in the rows where the mask [B] holds, `old` elsewhere; all [B, ...]."""
    return torch.where(rows.view(-1, *[1] * (new.dim() - 1)), new, old)
