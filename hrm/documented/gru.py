"""Document gru: ``HRMConfig``, ``HierarchicalReasoningModel``.

Where text and code of the document differ, this follows the text: actions are sampled in training,
and gradients flow through the states at which samples stop (`hrm.recipes.gru`).
"""

from dataclasses import dataclass, replace

import torch

from hrm import recipes
from hrm.config import Masked
from hrm.config.learning import System
from hrm.config.parts import require
from hrm.documented.common import CycleModel, DocumentOptions, arguments, positive
from hrm.system import environment


@dataclass(frozen=True, kw_only=True)
class GruConfig(DocumentOptions):
    """The document's options, with its defaults; it prints this class as ``HRMConfig``.

    Args:
        hidden_low: Width of the low level.
        hidden_high: Width of the high level.
        T: Low updates per cycle.
        max_cycles: Largest number of cycles.
        use_act: Whether a policy stops samples; otherwise they take all cycles.
        device: Device of the model; None for "cuda" if torch finds a GPU, and "cpu" otherwise.
        detach_low_to_high: Whether the high level reads the low state without gradient.
        detach_high_to_low: Whether the low level reads the high state without gradient.
        compute_cost_weight: λ in R = −task loss − λ · cycles.
        input_dim: Width of x.
        output_dim: Width of the prediction.
        per_sample_evaluation: Whether samples stop on their own in evaluation mode, too; in the
            document, the batch stops as one there.

    Raises:
        UserError: If a value is of another type or impossible.
    """

    hidden_low: int
    hidden_high: int
    T: int
    max_cycles: int
    use_act: bool = True
    device: str | None = None
    detach_low_to_high: bool = True
    detach_high_to_low: bool = False
    compute_cost_weight: float = 0.0
    input_dim: int = 1024
    output_dim: int = 1
    per_sample_evaluation: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        positive(self, "hidden_low", "hidden_high", "T", "max_cycles", "input_dim", "output_dim")
        require(
            self.compute_cost_weight >= 0,
            "compute_cost_weight",
            self.compute_cost_weight,
            "0 or more, the price of a cycle",
            "use 0.0 for free cycles",
        )
        if self.device is not None:
            environment.known(self.device)

    def system(self) -> System:
        """Return the configured system."""
        named = arguments(self)
        del named["device"], named["per_sample_evaluation"]
        system = recipes.gru(**named)
        if not self.per_sample_evaluation:
            return system
        return replace(system, model=replace(system.model, evaluation=Masked()))


HRMConfig = GruConfig  # kinds are unique, and hrm.config has an HRMConfig


class HierarchicalReasoningModel(CycleModel):
    """``output, cycles_used = model(x)``; in evaluation mode the batch stops as one.

    Source: document gru, "Basic Usage" and "Training Example".
    """

    def __init__(self, config: GruConfig) -> None:
        available = "cuda" if torch.cuda.is_available() else "cpu"
        super().__init__(config.system(), config.device or available)
        self.config = config
