"""A norm of a level, and the forward and backward pass of a training step, of document amulgent.

`norm` and `training_pass` are targets (`bench.turns`) that claims time for their arms; the suite
below times the document's two norms. Everything is computed with gradients, eagerly, on one thread.
"""

import functools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from bench.turns import Target, Timed
from hrm import recipes
from hrm.config import Transformer
from hrm.config.learning import System
from hrm.model.registry import built
from hrm.training import loop

norms = ("LayerNorm", "RMSNorm")
batches = (32,)


def norm(parts: Sequence[System], batch: int) -> list[Callable[[], Tensor]]:
    """Return a forward and a backward pass of each low level's norm, on [batch, 1, width]."""

    def timed(part: System) -> Callable[[], Tensor]:
        core = part.model.low
        assert isinstance(core, Transformer)
        layer, noise = built(core.norm, core.width), torch.Generator().manual_seed(batch)
        x, up = torch.randn(2, batch, 1, core.width, generator=noise)
        sources = [x.requires_grad_(), *layer.parameters()]

        def call() -> Tensor:
            gradients = torch.autograd.grad(layer(x), sources, up)
            return gradients[0]

        return call

    return [timed(part) for part in parts]


def training_pass(parts: Sequence[System], batch: int) -> list[Callable[[], Tensor]]:
    """Return a forward pass of each model and the backward pass of its answer's mean square."""

    def timed(part: System) -> Callable[[], Tensor]:
        model = loop.build(part, loop.Seeds(weights=0, order=0)).train()
        noise = torch.Generator().manual_seed(batch)
        x = torch.randn(model.example(batch).shape, generator=noise)

        def call() -> Tensor:
            model.zero_grad(set_to_none=True)
            loss: Tensor = model(x, steps=1, drafts=False).prediction.square().mean()
            loss.backward()
            return loss

        return call

    return [timed(part) for part in parts]


class Norms:
    """One norm of width 128, and one training pass, by norm and batch."""

    params = (norms, batches)
    param_names = ("norm", "batch")
    repeat = (3, 10, 0.1)
    warmup_time = 0.05
    version = "1"  # pinned, so that editing this class doesn't end the history of its benchmarks

    def time_norm(self, kind: str, batch: int) -> None:
        """One norm, forward and backward."""
        timed(norm, batch)[kind]()

    def time_training_pass(self, kind: str, batch: int) -> None:
        """The whole model, forward and backward."""
        timed(training_pass, batch)[kind]()


@functools.cache
def timed(target: Target, batch: int) -> dict[str, Timed]:
    """Return the timed callable of each norm; sets the number of threads to one."""
    torch.set_num_threads(1)
    systems = [recipes.amulgent(use_rmsnorm=kind == "RMSNorm") for kind in norms]
    return dict(zip(norms, target(systems, batch), strict=True))
