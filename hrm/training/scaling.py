"""Loss scaling: gradients of float16 activations, kept above what float16 can tell from zero.

    g' = ∂(s ℓ)/∂p, g = g' / s        s the scale; float16's smallest number is 6e-8

A step whose gradients aren't finite isn't taken, and halves s; 2,000 steps in a row that are taken
double it.

Source: Micikevicius et al., "Mixed Precision Training" (2018), section 3.2; `torch.amp.GradScaler`.
"""

import torch
from torch import Tensor
from torch.optim import Optimizer

from hrm.config.parts import require
from hrm.training.optim import SparseSignSGD
from hrm.training.sparse_adam import SparseAdam


def able(device: torch.device) -> bool:
    """Return whether a device computes in float16 fast enough to be worth a scaled loss: a GPU."""
    return device.type == "cuda"


class LossScaling:
    """Backward passes and steps of optimisers with one scale, which all of them take or none.

        scaling.backward(loss)
        scaling.step()

    Puzzle tables step by the signs of their gradients, which no scale changes.

    Args:
        optimisers: Optimisers of parameters and of puzzle tables.
        scaler: torch's gradient scaler; if it isn't enabled, losses and gradients don't change.

    Raises:
        UserError: If one is an Adam of puzzle tables, which depends on the scale.
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
        """s, 1 where the scaler isn't enabled."""
        return float(self.scaler.get_scale())

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of the scaled loss to those that are there."""
        self.scaler.scale(loss).backward()

    def step(self) -> bool:
        """Divide the gradients by the scale, and step; return False where they aren't finite."""
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
        """Return whether all gradients are; a sign would pass NaN for zero."""
        found = [p.grad for o in self.others for group in o.param_groups for p in group["params"]]
        found += [table.gradients()[1] for o in self.tables for table in o.tables]
        return all(bool(g.isfinite().all()) for g in found if g is not None)
