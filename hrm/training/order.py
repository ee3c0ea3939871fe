"""The order in which boards are trained on, and the streams of random numbers."""

import hashlib
from abc import ABC, abstractmethod
from typing import Self

import torch
from torch import Tensor

from hrm.training import checkpoint


def stream(seed: int, purpose: str) -> int:
    """Return the seed of one purpose's stream: different for every seed and purpose.

    torch's CPU generator keeps 32 bits of a seed, so adding to it isn't enough.
    """
    return int.from_bytes(hashlib.sha256(f"{seed} {purpose}".encode()).digest()[:4], "little")


class Order(ABC):
    """Deals the indices of a training set in batches for ever, and can go on from a checkpoint."""

    def __iter__(self) -> Self:
        return self

    @abstractmethod
    def __next__(self) -> Tensor:
        """Return the rows of the next batch."""

    @abstractmethod
    def state(self) -> checkpoint.Tree:
        """Return what the next batches depend on."""

    @abstractmethod
    def load(self, state: checkpoint.Tree) -> None:
        """Go on from where `state` was taken."""


class Shuffled(Order):
    """Deals the indices of a training set in batches for ever.

    They are shuffled anew each epoch; a last partial batch is dropped.

    Args:
        size: Of the training set. batch: of a batch. seed: of the order.
    """

    def __init__(self, size: int, batch: int, seed: int) -> None:
        if size < batch:
            raise ValueError(f"{size} boards don't fill a batch of {batch}")
        self.size, self.batch = size, batch
        self.generator = torch.Generator().manual_seed(stream(seed, "order"))
        self._shuffle()

    def __next__(self) -> Tensor:
        if self.dealt + self.batch > self.size:
            self._shuffle()
        rows = self.order[self.dealt : self.dealt + self.batch]
        self.dealt += self.batch
        return rows

    def state(self) -> checkpoint.Tree:
        """Return what the next batches depend on."""
        return {"epoch": self.epoch, "dealt": self.dealt}

    def load(self, state: checkpoint.Tree) -> None:
        """Go on from where `state` was taken."""
        self.generator.set_state(checkpoint.bytes_of(state["epoch"]))
        self._shuffle()
        self.dealt = state["dealt"]

    def _shuffle(self) -> None:
        self.epoch = self.generator.get_state()
        self.order = torch.randperm(self.size, generator=self.generator)
        self.dealt = 0
