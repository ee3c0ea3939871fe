"""Initialise a model from another model's weights, and report which ones don't fit."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """The result of a transfer of weights.

    Args:
        taken: Names of the weights that were copied.
        fresh: Names of the model's weights that keep their initial values, each with the reason:
            the other model has none of that name, or one of another shape.
        unused: Names of the other model's weights that don't exist in this one.
    """

    taken: tuple[str, ...]
    fresh: Mapping[str, str]
    unused: tuple[str, ...]


@torch.no_grad()
def transfer(model: nn.Module, weights: Mapping[str, Tensor]) -> Transfer:
    """Copy those weights, buffers included, whose names and shapes a model has."""
    own = model.state_dict()
    found = compared(own, weights)
    for name in found.taken:
        own[name].copy_(weights[name])
    return found


def compared(own: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> Transfer:
    """Compare weights with those of a model, by names and shapes, without copying any."""
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
