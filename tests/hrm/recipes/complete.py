"""What the tests of the recipe complete share: its system, and the names of its reference.

The documented arm's open readings are those of the recipe: two cycles of two low updates, the input
enters each low update, the low state starts again from the high one after each high update.
"""

from dataclasses import replace

import torch
from torch import Tensor

from ablations.references import complete, complete_coded, complete_documented
from ablations.references.blocks import Weights
from ablations.references.losses import IGNORED
from hrm import recipes
from hrm.config import Minimum, QLearning
from hrm.config.learning import System
from hrm.model import HRM
from hrm.model.execution import Batch
from tests.hrm.equality import all_close

# heads of width 8 at both levels
batch, length, inputs, classes, high_width, low_width = 6, 5, 3, 4, 32, 16
shape = {
    "low_layers": 2,
    "high_layers": 1,
    "low_heads": 2,
    "high_heads": 4,
    "max_steps": 4,
    "rotary_dtype": torch.float32,
}
coded = complete_coded.Sizes(**shape)
documented = complete_documented.Sizes(**shape, exploration=0.5, inject=True, reset=True)


def system_of(arm: str) -> System:
    """The recipe; as documented with Q values on both sides of each other, and more exploration."""
    system = recipes.complete(
        inputs=inputs,
        outputs=classes,
        positions=length,
        h_dim=high_width,
        l_dim=low_width,
        h_layers=coded.high_layers,
        l_layers=coded.low_layers,
        h_heads=coded.high_heads,
        l_heads=coded.low_heads,
        max_steps=coded.max_steps,
        as_coded=arm == "coded",
    )
    if arm == "coded":
        return system
    assert isinstance(system.model.halting, QLearning)
    exploration = Minimum(probability=documented.exploration)
    halting = replace(system.model.halting, biases=(0.0, 0.0), exploration=exploration)
    return replace(system, model=replace(system.model, halting=halting))


maps = {
    "embed.map": "input",
    "low.from_context": "high_to_low",
    "high.from_inputs": "low_to_high",
    "readout": "output",
    "halting.network.0": "halt1",
    "halting.network.2": "halt2",
    "halting.heads.0": "q_head",
}
block_names = {
    "attention.out.weight": "o",
    "feed_forward.gate.weight": "gate",
    "feed_forward.up.weight": "up",
    "feed_forward.down.weight": "down",
    "norm_attention.weight": "norm1",
    "norm_feed_forward.weight": "norm2",
}


def renamed(tensors: dict[str, Tensor | None]) -> dict[str, Tensor | None]:
    """The reference's names; it has queries, keys and values apart."""
    found = {}
    for name, value in tensors.items():
        outer, _, kind = name.rpartition(".")
        if outer in maps:
            found[f"{maps[outer]}.{kind}"] = value
            continue
        level, _, i, rest = name.split(".", 3)
        if rest == "attention.qkv.weight":
            parts = (None, None, None) if value is None else value.chunk(3)
            found |= {f"{level}.{i}.{letter}": p for letter, p in zip("qkv", parts, strict=True)}
        else:
            found[f"{level}.{i}.{block_names[rest]}"] = value
    return found


def weights_of(model: HRM) -> Weights:
    return renamed({name: value.clone() for name, value in model.state_dict().items()})


def gradients_of(model: HRM) -> dict[str, Tensor | None]:
    return renamed({name: p.grad for name, p in model.named_parameters()})


def batches_of(count: int, dtype: torch.dtype = torch.float64) -> list[complete.Batch]:
    """Batches in which one position of each sequence isn't labelled.

    The coded reference averages over the labelled positions of the batch, the package over those of
    each sample first; they mean the same where all samples have as many labels.
    """
    g = torch.Generator().manual_seed(1)
    found = []
    for _ in range(count):
        labels = torch.randint(classes, (batch, length), generator=g)
        unlabelled = torch.randint(length, (batch, 1), generator=g)
        labels.scatter_(1, unlabelled, IGNORED)
        series = torch.randn(batch, length, inputs, generator=g).to(dtype)
        found.append({"inputs": series, "labels": labels})
    return found


def batch_of(data: complete.Batch) -> Batch:
    return Batch(data["inputs"], None, data["labels"])


def joined(parts: list[complete.Batch]) -> complete.Batch:
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def noises_of(generator: torch.Generator, count: int) -> list[complete_documented.Noise]:
    """What a model draws from an equal generator, step by step."""
    return [torch.rand(batch, 2, generator=generator).unbind(-1) for _ in range(count)]


def same_gradients(
    found: dict[str, Tensor | None], expected: dict[str, Tensor | None], unused: str = "halt"
) -> None:
    """All gradients agree, those that are None too: of the maps of this name, and no others."""
    nothing = {name for name, g in expected.items() if g is None}
    assert nothing == {name for name in expected if unused and name.startswith(unused)}
    assert nothing == {name for name, g in found.items() if g is None}
    all_close(
        {name: g for name, g in found.items() if g is not None},
        {name: g for name, g in expected.items() if g is not None},
    )
