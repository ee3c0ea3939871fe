"""Document v2: ``EnhancedConfig`` and its four flags, both models, the demonstration."""

import sys
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from hrm import recipes
from hrm.config.learning import System
from hrm.config.parts import require
from hrm.documented.common import OURS, CycleModel, DocumentOptions, arguments, positive
from hrm.documented.demos import v2 as demo
from hrm.model import HRM
from hrm.model.halting import ConcatenatedController, DirectController
from hrm.training.transfer import Transfer, transfer

FLAGS = (
    "use_per_sample_act",
    "use_corrected_meta_rl",
    "use_sequence_attention",
    "use_optimized_controller",
)


@dataclass(frozen=True, kw_only=True)
class EnhancedConfig(DocumentOptions):
    """The sizes, and the four flags, which are all off for the original.

    Args:
        input_dim: Width of x.
        output_dim: Width of the prediction.
        hidden_low: Width of the low level.
        hidden_high: Width of the high level.
        T: Low updates per cycle.
        max_cycles: Largest number of cycles.

    Raises:
        UserError: If a value is of another type or impossible.

    Source: document v2, "Configuration Management".
    """

    use_per_sample_act: bool = False
    use_corrected_meta_rl: bool = False
    use_sequence_attention: bool = False
    use_optimized_controller: bool = False
    input_dim: int = 1024
    output_dim: int = 1
    hidden_low: int = 256
    hidden_high: int = 512
    T: int = 3
    max_cycles: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        positive(self, "input_dim", "output_dim", "hidden_low", "T", "max_cycles")
        require(
            self.hidden_high >= 4,
            "hidden_high",
            self.hidden_high,
            "4 or more, of which the controller takes a half and a quarter",
            "raise it",
        )
        require(
            not self.use_sequence_attention or self.hidden_low % 8 == 0,
            "hidden_low",
            self.hidden_low,
            "a multiple of 8, the number of attention heads, with use_sequence_attention",
            "change it, or leave the flag off",
        )

    def system(self) -> System:
        """Return the configured system."""
        return recipes.v2(**arguments(self))


EnhancedHierarchicalModelConfig = EnhancedConfig  # the document uses both names


class EnhancedHierarchicalModel(CycleModel):
    """``output, cycles_used = model(x)``, with the flags that are on.

    Source: document v2, "Gradual Migration Path".
    """

    def __init__(self, config: EnhancedConfig) -> None:
        super().__init__(config.system())
        self.config = config

    def load_original(self, original: "EnhancedHierarchicalModel") -> Transfer:
        """Load the weights of a model with fewer flags; see `enhanced_weights`."""
        return transfer(self.model, enhanced_weights(original.model, self.model))


def enhanced_weights(original: HRM, enhanced: HRM) -> dict[str, Tensor]:
    """Return the weights of an original with the names and shapes of an enhanced model.

    With ``W [I | 1] = [W | W 1]`` in its first layer, the optimised controller computes the same as
    that of the original. The query, key, value and output maps of attention over one step become
    those of attention over the sequence; the map from the high state to the query is new, and
    nothing in the original determines it. The default aggregation of the original, a projection,
    has no counterpart in attention; in that case all of attention is new.
    `hrm.training.transfer.transfer` loads the result and reports what is missing.
    """
    weights = dict(original.state_dict())
    before, after = (getattr(model.halting, "controller", None) for model in (original, enhanced))
    if isinstance(before, ConcatenatedController) and isinstance(after, DirectController):
        first = weights["halting.controller.policy.0.weight"]
        weights["halting.controller.policy.0.weight"] = torch.cat([first, first.sum(1, True)], 1)
    return weights


class HierarchicalReasoningModel(EnhancedHierarchicalModel):
    """The original model, without any flag.

    Raises:
        UserError: If a flag is on.
    """

    def __init__(self, config: EnhancedConfig) -> None:
        on = [flag for flag in FLAGS if getattr(config, flag)]
        require(
            not on,
            "original_config",
            f"one with {', '.join(on)}",
            "one without flags, which the original hasn't",
            "use EnhancedHierarchicalModel",
        )
        super().__init__(config)


def demonstrate_efficiency_comparison(
    *, seed: int = 1, updates: int | None = None
) -> tuple[EnhancedConfig, EnhancedConfig]:
    """Train a small model, print its savings, and return its configuration and the original's.

    This is `hrm demo v2`; all numbers are measured in the run, which takes less than a minute.

    Args:
        seed: Seed of boards, weights and order.
        updates: Number of optimiser steps; None for that of `hrm.documented.demos.v2.v2`.

    Source: document v2, "Basic Enhanced Usage".
    """
    found = demo.v2(seed=seed, updates=demo.UPDATES if updates is None else updates)
    sys.stdout.write(demo.text(found))
    printed = {ours: name for name, ours in OURS.items()}
    sizes: dict[str, Any] = {printed.get(name, name): size for name, size in demo.SIZES.items()}
    return EnhancedConfig(**sizes, **demo.FLAGS), EnhancedConfig(**sizes)
