"""Exponential moving averages of a model's parameters."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


class Averaged(AveragedModel):
    """An exponential moving average of a model's parameters, which starts at them.

        θ̄ ← decay · θ̄ + (1 − decay) · θ    at each `update_parameters`; buffers are copied

    Results equal those of torch's class with `get_ema_multi_avg_fn` bit for bit. That class walks
    and sorts the modules at each call, which for a small model takes as long as the optimiser's
    step. Here the lists are made once, so neither model may be moved to another device afterwards.

    Args:
        model: The model whose parameters are averaged.
        decay: The weight of the old average, in 0 ... 1.

    Source: "Less is More" (arXiv 2510.04871), section 4.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__(model)  # a copy
        self.decay, self.source = decay, [model]  # in a list, so that it isn't a submodule
        self.parameter_lists = _tensors(self.module.parameters()), _tensors(model.parameters())
        self.buffer_lists = _tensors(self.module.buffers()), _tensors(model.buffers())

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        assert model is self.source[0]
        means, parameters = self.parameter_lists
        torch._foreach_lerp_(means, parameters, 1 - self.decay)
        copies, buffers = self.buffer_lists
        if copies:
            torch._foreach_copy_(copies, buffers)
        self.n_averaged.add_(1)


def _tensors(found: Iterable[Tensor]) -> list[Tensor]:
    return list(found)
