"""Seconds of an update of act-v1, by the number of trailing updates of a segment with gradients.

Width 128, 2 + 2 layers, 81 positions, 2 cycles of 2, four samples, one thread: forward pass, look
ahead, backward pass, without the optimiser. `bench.memory` has the bytes.
"""

import torch

from bench import memory, training
from bench.timed import Suite, Timed

size, positions = 4, 81


class Horizon(Suite):
    """One update; with None, gradients flow through all six updates of the levels."""

    params = ((1, 2, 3, None), (False, True))
    param_names = ("horizon", "checkpointing")
    rounds = 1

    @classmethod
    def make(cls, horizon: int | None, checkpointing: bool) -> Timed:
        torch.set_num_threads(1)
        model = memory.build(positions=positions, horizon=horizon, checkpointing=checkpointing)
        return memory.step(model, *training.data(size, positions))

    def time_update(self, horizon: int | None, checkpointing: bool) -> None:
        """Time the forward and the backward pass of one update."""
        self.call()
