"""Initialisation: every parameter is drawn from a random stream of its own.

The stream of a parameter is determined by one number, the root, and the parameter's name. Therefore
two models give equal initial values to parameters of equal name and shape; adding a head to a model
doesn't change the others.

A module defines how its parameters are drawn in a method ``draw_weights(stream)``, where
``stream(name)`` is the generator for its parameter of that name. Linear maps are drawn as the
configuration says. For any other module, `reset_parameters` is called with one stream for the whole
module; a module without that method keeps its values.
"""

import hashlib
import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn

from hrm import config
from hrm.model import layers
from hrm.model.registry import builds

Stream = Callable[[str], Generator]


class Initialisation(ABC):
    """How the weights and biases of linear maps are drawn.

    Args:
        part: The configuration of the initialisation.
    """

    def __init__(self, part: config.Initialisation) -> None:
        self.part = part

    @abstractmethod
    def weight(self, weight: Tensor, generator: Generator) -> None:
        """Fill a weight [outputs, inputs] in place."""

    def bias(self, bias: Tensor, inputs: int, generator: Generator) -> None:
        """Fill the bias [outputs] of a map with `inputs` inputs in place; here with zeros."""
        bias.zero_()


@builds(config.TorchDefault)
class TorchDefault(Initialisation):
    """Weights and biases uniform within ± 1/√fan_in, as torch draws them."""

    def weight(self, weight: Tensor, generator: Generator) -> None:
        nn.init.kaiming_uniform_(weight, a=math.sqrt(5), generator=generator)

    def bias(self, bias: Tensor, inputs: int, generator: Generator) -> None:
        bound = 1 / math.sqrt(inputs)
        nn.init.uniform_(bias, -bound, bound, generator=generator)


@builds(config.TruncatedNormal)
class TruncatedNormal(Initialisation):
    """Weights normal, cut at ± 2 and rescaled to a standard deviation of 1/√fan_in."""

    def weight(self, weight: Tensor, generator: Generator) -> None:
        layers.truncated_normal(weight, 1 / math.sqrt(weight.shape[1]), generator)


@builds(config.ScaledNormal)
class ScaledNormal(Initialisation):
    """Weights normal with standard deviation 1/√fan_in."""

    def weight(self, weight: Tensor, generator: Generator) -> None:
        nn.init.normal_(weight, std=1 / math.sqrt(weight.shape[1]), generator=generator)


@torch.no_grad()
def draw_weights(model: nn.Module, maps: Initialisation, root: int) -> None:
    """Draw all parameters of a model, each from the stream of its name.

    A module is drawn after its children, so that it may replace their values. On the meta device
    nothing is drawn.

    Args:
        model: The model, changed in place.
        maps: How linear maps are drawn.
        root: Equal roots give equal values to parameters of equal name, shape and distribution.
    """
    for path, module in reversed(list(model.named_modules())):
        held = next(itertools.chain(module.parameters(), module.buffers()), None)
        if held is None or held.is_meta:
            continue

        def stream(name: str, path: str = path, device: torch.device = held.device) -> Generator:
            return Generator(device).manual_seed(_seed(root, f"{path}.{name}"))

        if isinstance(module, nn.Linear):
            maps.weight(module.weight, stream("weight"))
            if module.bias is not None:
                maps.bias(module.bias, module.in_features, stream("bias"))
        elif hasattr(module, "draw_weights"):
            module.draw_weights(stream)
        elif hasattr(module, "reset_parameters"):
            with torch.random.fork_rng(devices=[held.device] if held.is_cuda else []):
                torch.manual_seed(_seed(root, path))
                module.reset_parameters()


def _seed(root: int, name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{root} {name}".encode()).digest()[:8], "little")
