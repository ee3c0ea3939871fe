"""Seconds of the small parts of a step: norms, controllers, losses, optimisers; one thread.

Each call takes microseconds. Therefore a sample has a fixed number of calls, which the docstring of
each suite gives; its values are seconds for that many calls.

The suites here have every norm and controller that a model can have. `bench.blocks` and
`bench.controller`, which the claims time, measure single calls.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from bench import loop
from bench.timed import Suite, Timed, times
from hrm import config
from hrm.config import learning
from hrm.config.parts import Part
from hrm.model.registry import built
from hrm.training import averages, optim

calls, updates = 50, 10
norms: dict[str, Callable[[], Part]] = {
    "LayerNorm": lambda: config.LayerNorm(eps=1e-5),
    "RmsNorm": lambda: config.RmsNorm(eps=1e-6),
    "RmsNorm without a scale": lambda: config.RmsNorm(eps=1e-5, scale=False),
    "RootNorm": lambda: config.RootNorm(eps=1e-8),
}
controllers: dict[str, Callable[[], Part]] = {
    "linear": config.LinearController,
    "concatenated": config.ConcatenatedController,
    "direct": config.DirectController,
}
losses: dict[str, Callable[[], Part]] = {
    "squared error": learning.SquaredError,
    "cross-entropy": learning.CrossEntropy,
    "stablemax": learning.StablemaxCrossEntropy,
}
optimisers: dict[str, Callable[[], Part]] = {
    "AdamW": learning.AdamW,
    "Adam-atan2": learning.AdamAtan2,
    "Adam-atan2 as coded": learning.AdamAtan2AsCoded,
}


class Norm(Suite):
    """A norm of [32, 81, 128], forward and backward: seconds for 50 calls."""

    params = (tuple(norms),)
    param_names = ("norm",)

    @classmethod
    def make(cls, norm: str) -> Timed:
        torch.set_num_threads(1)
        width, noise = 128, torch.Generator().manual_seed(0)
        layer: nn.Module = built(norms[norm](), width)
        x, up = torch.randn(2, 32, 81, width, generator=noise)
        sources = [x.requires_grad_(), *layer.parameters()]
        return times(calls, lambda: torch.autograd.grad(layer(x), sources, up))

    def time_norm(self, norm: str) -> None:
        """Forward and backward."""
        self.call()


class Control(Suite):
    """A controller of a state [batch, 512], without gradient: seconds for 50 calls."""

    params = (tuple(controllers), (1, 32))
    param_names = ("controller", "batch")

    @classmethod
    def make(cls, controller: str, batch: int) -> Timed:
        torch.set_num_threads(1)
        torch.manual_seed(0)
        part: nn.Module = built(controllers[controller](), 512).eval()
        states = torch.randn(batch, 512, generator=torch.Generator().manual_seed(0))

        def call() -> Tensor:
            with torch.inference_mode():
                logits: Tensor = part(states, 0.5)
            return logits

        return times(calls, call)

    def time_call(self, controller: str, batch: int) -> None:
        """Logits of one cycle."""
        self.call()


class Loss(Suite):
    """An answer's loss on 32 boards of 81 cells and 11 classes, and its gradient: 50 calls."""

    params = (tuple(losses),)
    param_names = ("loss",)

    @classmethod
    def make(cls, loss: str) -> Timed:
        torch.set_num_threads(1)
        noise = torch.Generator().manual_seed(0)
        shape = (32, 81 * 11) if loss == "squared error" else (32, 81, 11)
        logits = torch.randn(shape, generator=noise).requires_grad_()
        targets = torch.randint(0, 11, (32, 81), generator=noise)
        function = built(losses[loss]())
        return times(calls, lambda: torch.autograd.grad(function(logits, targets).mean(), logits))

    def time_loss(self, loss: str) -> None:
        """Forward and backward."""
        self.call()


class Optimiser(Suite):
    """A step of all of act-v1's parameters at width 64: seconds for 10 steps."""

    params = (tuple(optimisers),)
    param_names = ("optimiser",)

    @classmethod
    def make(cls, optimiser: str) -> Timed:
        torch.set_num_threads(1)
        model = loop.model("act-v1")
        return times(updates, built(optimisers[optimiser](), model.parameters(), 1e-9, 0.1).step)

    def time_step(self, optimiser: str) -> None:
        """Time ten steps."""
        self.call()


class Beside(Suite):
    """Clipping and averaging, over all of act-v1's parameters at width 64: seconds for 50 calls."""

    params = (("clip", "average"),)
    param_names = ("what",)

    @classmethod
    def make(cls, what: str) -> Timed:
        torch.set_num_threads(1)
        model = loop.model("act-v1")
        if what == "clip":
            parameters = list(model.parameters())
            return times(calls, lambda: optim.clip(parameters, 1.0))
        kept = averages.Averaged(model, 0.999)
        return times(calls, lambda: kept.update_parameters(model))

    def time_call(self, what: str) -> None:
        """Clip the gradients, or update the averaged weights."""
        self.call()
