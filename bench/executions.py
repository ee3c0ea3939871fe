"""Seconds of a run whose samples stop at given steps, by execution and live fraction.

act-v1 at width 128, 2 + 2 layers, 81 positions, up to four halting steps, four samples, one thread.
`bench.compaction` defines the live fraction and has the ratios. In training, the answer of every
live step enters the loss, and the time includes the backward pass.
"""

import torch

from bench import compaction
from bench.timed import Suite, Timed

size = 4
executions = compaction.executions(size)


class Run(Suite):
    """One run of a batch; refilled execution has half as many places as there are samples."""

    params = (tuple(executions), compaction.modes, (0.5, 1.0))
    param_names = ("execution", "mode", "live")
    rounds = 1

    @classmethod
    def make(cls, execution: str, mode: str, live: float) -> Timed:
        torch.set_num_threads(1)
        return compaction.arm("act-v1", mode, live, executions[execution], size)

    def time_run(self, execution: str, mode: str, live: float) -> None:
        """Run all samples until the last one stops."""
        self.call()
