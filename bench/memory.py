"""The peak of bytes in use in a training step of act-v1, gradients included.

Byte counts are exact and the same in every run. Width 128, 2 + 2 layers, 81 positions, 2 cycles of
2 updates.

- Horizon: by the number of trailing updates of a segment, of six, with gradients.
- Segments: by the number of refinement segments, with detached states between them.
- Execution: of a run of up to four halting steps, half of which are live on average.

`python -m bench.memory` prints a table.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from bench import compaction, ratio
from bench.training import data
from hrm import config, recipes
from hrm.config.learning import QHalting
from hrm.model import HRM, cost
from hrm.model.execution import Batch
from hrm.training import q_losses

batch = 32
executions = compaction.executions(batch)


class Horizon:
    """One update: forward pass, look-ahead, backward pass."""

    params = ((1, 2, 3, None), (False, True))
    param_names = ("horizon", "checkpointing")
    unit = "bytes"
    version = "1"

    def track_peak(self, horizon: int | None, checkpointing: bool) -> int:
        """Return the peak."""
        return update_peak(batch, horizon=horizon, checkpointing=checkpointing)


class Segments:
    """One update with a number of segments."""

    params = ((1, 2, 3), (2, None))
    param_names = ("count", "horizon")
    unit = "bytes"
    version = "1"

    def track_peak(self, count: int, horizon: int | None) -> int:
        """Return the peak."""
        return update_peak(batch, segments=config.Segments(count=count), horizon=horizon)


class Execution:
    """A run with a loss at each step; refilled execution has half as many places as samples."""

    params = (tuple(executions),)
    param_names = ("execution",)
    unit = "bytes"
    version = "1"

    def track_peak(self, execution: str) -> int:
        """Return the peak."""
        arm = compaction.arm("act-v1", "training", 0.5, executions[execution], batch)
        return peak(compaction.model("act-v1", 0.5, batch), arm)


def build(*, width: int = 128, cycles: int = 2, positions: int = 81, **changes: Any) -> HRM:
    """Return act-v1 with changes to its configuration."""
    torch.manual_seed(0)
    c = recipes.act_v1(
        width=width,
        h_layers=2,
        l_layers=2,
        h_cycles=cycles,
        positions=positions,
        exploration=0.0,
    ).model
    return HRM(replace(c, **changes)).train()


def step(model: HRM, tokens: Tensor, targets: Tensor) -> Callable[[], None]:
    """Return an update from the initial states, without its optimiser."""
    offered = Batch(tokens, targets=targets)
    start = model.begin(offered)

    def update() -> None:
        model.zero_grad(set_to_none=True)
        carry, prediction, decision = model.advance(start, offered)
        ahead = q_losses.continue_target(model, carry)
        loss = q_losses.segment_loss(QHalting(), prediction, decision.logits, targets, ahead)
        loss.total.backward()

    return update


def peak(model: HRM, update: Callable[[], object]) -> int:
    """Return the peak of a second call, without memory that the first call keeps."""
    with cost.one_thread():
        update()
        model.zero_grad(set_to_none=True)
        return cost.peak_memory(update)


def update_peak(size: int, positions: int = 81, **changes: Any) -> int:
    """Return the peak of an update with a number of samples."""
    model = build(positions=positions, **changes)
    return peak(model, step(model, *data(size, positions)))


if __name__ == "__main__":
    ratio.main("bench.memory", (Horizon, Segments, Execution), processes=1)
