"""The puzzle identities that a model gets: those of its boards, or others."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ablations.protocols.boards import Table
from hrm.config.parts import require
from hrm.model.execution import Batch
from hrm.tasks import Boards
from hrm.training.loop import Encoded, stream


def renamed(dealt: Table, told: str, seed: int) -> Table:
    """Return boards with the identities that a model gets.

    Args:
        dealt: The boards, which aren't changed.
        told: "given" for their own identities, "blank" for 0, "shared" for 1, "random" for a random
            one other than their own.
        seed: Seed of the draws.

    Raises:
        UserError: If the task has too few identities.
    """
    if told == "given":
        return dealt
    count = identities(dealt, told)
    splits = dealt.splits
    sets = {
        name: _renamed(getattr(splits, name), told, stream(seed, f"identities, {name}"), count)
        for name in ("train", "validation", "test")
    }
    return Table(dealt.task, replace(splits, **sets))


def identities(dealt: Table, told: str) -> int:
    """Return the number of identities of a task, the blank one included.

    Raises:
        UserError: If there are too few.
    """
    count: int = getattr(dealt.task, "identities", 1)
    least = {"given": 1, "blank": 1, "shared": 2, "random": 3}[told]
    require(
        count >= least,
        "identities",
        told,
        f"given with a task of {count}, the blank one included",
        "use a task with identities, such as Identified",
    )
    return count


def _renamed(boards: Boards, told: str, seed: int, count: int) -> Boards:
    own = boards.identities
    match told:
        case "blank":
            names: Any = np.zeros_like(own)
        case "shared":
            names = np.ones_like(own)
        case _:  # another one: so many further in the circle 1 … count − 1
            steps = np.random.default_rng(seed).integers(1, count - 1, size=len(own))
            names = 1 + (own - 1 + steps) % (count - 1)
    return replace(boards, identities=names.astype(own.dtype))


@dataclass(frozen=True, kw_only=True)
class Redrawn(Encoded):
    """Boards whose identities are drawn, from 1 on, each time that they are used.

    Args:
        count: Number of identities, the blank one included.
        generator: Generator of the draws.
    """

    count: int
    generator: torch.Generator

    def batch(self, rows: Tensor) -> Batch:
        drawn = torch.randint(1, self.count, (len(rows),), generator=self.generator)
        return Batch(self.inputs[rows], drawn.to(self.inputs.device), self.targets[rows])
