"""The order of training boards, and the streams of random numbers."""

import hashlib
from abc import ABC, abstractmethod
from typing import Self

import torch
from torch import Tensor

from hrm.training import checkpoint


def stream(seed: int, purpose: str) -> int:
    """Return the seed of the stream for one purpose, different for every seed and purpose.

    It is a hash, since torch's CPU generator uses only 32 bits of a seed.
    """
    return int.from_bytes(hashlib.sha256(f"{seed} {purpose}".encode()).digest()[:4], "little")


class Order(ABC):
    """An endless iterator over batches of training indices, which a checkpoint can restore."""

    def __iter__(self) -> Self:
        return self

    @abstractmethod
    def __next__(self) -> Tensor:
        """Return the rows of the next batch."""

    @abstractmethod
    def state(self) -> checkpoint.Tree:
        """Return the state that determines the next batches."""

    @abstractmethod
    def load(self, state: checkpoint.Tree) -> None:
        """Continue from a `state`."""


class Shuffled(Order):
    """An endless iterator over shuffled batches of training indices.

    Indices are shuffled in each epoch; the last partial batch is dropped.

    Args:
        size: Number of boards in the training set.
        batch: Boards per batch.
        seed: Seed of the order.
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
        """Return the state that determines the next batches."""
        return {"epoch": self.epoch, "dealt": self.dealt}

    def load(self, state: checkpoint.Tree) -> None:
        """Continue from a `state`."""
        self.generator.set_state(checkpoint.bytes_of(state["epoch"]))
        self._shuffle()
        self.dealt = state["dealt"]

    def _shuffle(self) -> None:
        self.epoch = self.generator.get_state()
        self.order = torch.randperm(self.size, generator=self.generator)
        self.dealt = 0
