"""Loss scaling: prevents gradients of float16 activations from underflowing to zero.

    g' = ∂(s ℓ)/∂p, g = g' / s        ℓ loss, p parameter, s scale

The smallest positive number of float16 is 6e-8. If gradients aren't finite, the step is skipped and
s is halved; after 2,000 consecutive steps that were taken, s is doubled.

Source: Micikevicius et al., "Mixed Precision Training" (2018), section 3.2; `torch.amp.GradScaler`.
"""

import torch
from torch import Tensor
from torch.optim import Optimizer

from hrm.config.parts import require
from hrm.training.optim import SparseSignSGD
from hrm.training.sparse_adam import SparseAdam


def able(device: torch.device) -> bool:
    """Return whether loss scaling is worthwhile on a device: only GPUs are fast in float16."""
    return device.type == "cuda"


class LossScaling:
    """Backward passes and optimiser steps with one scale; all optimisers take a step, or none does.

        scaling.backward(loss)
        scaling.step()

    Puzzle tables are trained with the signs of their gradients, which don't depend on the scale.

    Args:
        optimisers: Optimisers of parameters and of puzzle tables.
        scaler: torch's gradient scaler; if it isn't enabled, losses and gradients don't change.

    Raises:
        UserError: If the scaler is enabled and one is a `SparseAdam`, whose moments would depend on
            the scale.
    """

    def __init__(self, *optimisers: Optimizer, scaler: torch.amp.GradScaler) -> None:
        for optimiser in optimisers:
            require(
                not isinstance(optimiser, SparseAdam) or not scaler.is_enabled(),
                "optimiser of puzzle tables",
                type(optimiser).__name__,
                "SparseSignSGD with a scaled loss",
                "use it, or bfloat16",
            )
        self.scaler = scaler
        self.tables = [o for o in optimisers if isinstance(o, SparseSignSGD)]
        self.others = [o for o in optimisers if not isinstance(o, SparseSignSGD)]

    @property
    def scale(self) -> float:
        """The current scale s; 1 if the scaler isn't enabled."""
        return float(self.scaler.get_scale())

    def backward(self, loss: Tensor) -> None:
        """Compute the gradients of the scaled loss and add them to the present ones."""
        self.scaler.scale(loss).backward()

    def step(self) -> bool:
        """Divide the gradients by s and take a step; return whether it was taken.

        It isn't taken if a gradient isn't finite.
        """
        for optimiser in self.others:
            self.scaler.unscale_(optimiser)
        if self.scaler.is_enabled() and not self._finite():
            self.scaler.update(self.scale * self.scaler.get_backoff_factor())
            return False
        for optimiser in self.others:
            self.scaler.step(optimiser)
        for optimiser in self.tables:
            optimiser.step()
        self.scaler.update()
        return True

    def _finite(self) -> bool:
        """Return whether all gradients are finite, also those of tables, where sign(NaN) is 0."""
        found = [p.grad for o in self.others for group in o.param_groups for p in group["params"]]
        found += [table.gradients()[1] for o in self.tables for table in o.tables]
        return all(bool(g.isfinite().all()) for g in found if g is not None)
