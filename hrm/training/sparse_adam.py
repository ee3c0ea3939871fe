"""Adam on the rows of puzzle tables that are in use.

Legend: G gradient of a row, W the row, t the number of steps in which it was in use, η learning
rate, λ weight decay.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from hrm.model.puzzles import PuzzleTable
from hrm.training.optim import SparseSignSGD


class SparseAdam(SparseSignSGD):
    """AdamW with moments and step counts per row.

        m ← β1 m + (1 − β1) G
        v ← β2 v + (1 − β2) G²
        W[i] ← W[i] (1 − ηλ) − η (m / (1 − β1ᵗ)) / (√(v / (1 − β2ᵗ)) + ε)

    for the identities i that have a gradient; the other rows, with their moments and step counts,
    don't change. With a single row, which is always in use, this equals `torch.optim.AdamW`.
    Gradients are gathered from all processes, as in `SparseSignSGD`.

    Args:
        tables: The puzzle tables to train.
        lr: η ≥ 0.
        weight_decay: λ ≥ 0.
        betas: (β1, β2).
        eps: ε.

    Raises:
        UserError: As `SparseSignSGD`.
    """

    def __init__(
        self,
        tables: Iterable[PuzzleTable],
        lr: float,
        weight_decay: float = 0.0,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(tables, lr, weight_decay)
        self.betas, self.eps = betas, eps

    def direction(self, place: int, rows: Tensor, gradients: Tensor) -> Tensor:
        state = self.state[self.param_groups[0]["params"][place]]
        if not state:
            weights = self.tables[place].weights
            state["m"], state["v"] = torch.zeros_like(weights), torch.zeros_like(weights)
            state["t"] = weights.new_zeros(len(weights))
        first, second = self.betas
        t = state["t"][rows] + 1
        m = torch.lerp(state["m"][rows], gradients, 1 - first)
        v = torch.lerp(state["v"][rows], gradients.square(), 1 - second)
        state["t"][rows], state["m"][rows], state["v"][rows] = t, m, v
        mean, square = m / (1 - first ** t[:, None]), v / (1 - second ** t[:, None])
        found: Tensor = mean / (square.sqrt() + self.eps)
        return found
