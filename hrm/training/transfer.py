"""Starting from another model's weights: what fits is taken over, what doesn't is named."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """What became of weights in another model.

    Args:
        taken: Names of the weights that were taken over.
        fresh: Names of the model's weights that stay as they were drawn, with the reason: the other
            model has none of that name, or one of another shape.
        unused: Names of the other model's weights for which this one has no place.
    """

    taken: tuple[str, ...]
    fresh: Mapping[str, str]
    unused: tuple[str, ...]


@torch.no_grad()
def transfer(model: nn.Module, weights: Mapping[str, Tensor]) -> Transfer:
    """Copy the weights whose names and shapes a model has, buffers included; keep its others."""
    own = model.state_dict()
    found = compared(own, weights)
    for name in found.taken:
        own[name].copy_(weights[name])
    return found


def compared(own: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> Transfer:
    """Return what would become of weights in a model with these, by names and shapes."""
    fresh = {
        name: f"{list(weights[name].shape)} there, {list(value.shape)} here"
        if name in weights
        else "not there"
        for name, value in own.items()
        if name not in weights or weights[name].shape != value.shape
    }
    return Transfer(
        taken=tuple(name for name in own if name not in fresh),
        fresh=fresh,
        unused=tuple(name for name in weights if name not in own),
    )
