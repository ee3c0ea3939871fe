"""The puzzle table: one learned row per puzzle identity, trained outside autograd.

    e_b = W[i_b]                                  forward: a copy of the batch's rows
    ∂ℓ/∂W[i] = Σ over b with i_b = i of ∂ℓ/∂e_b   summed by the optimiser, for rows in use alone

W has a row for every puzzle, and a batch uses few of them. As a parameter, W would have a dense
gradient and optimiser moments of its size, and a decoupled weight decay would shrink every row at
every step. Therefore W is a buffer. Only the copies get gradients, and
`hrm.training.optim.SparseSignSGD` applies them to the rows.

Shapes: B batch, D size of a row.

Source: document act-v1, "Puzzle Embeddings".
"""

import torch
from torch import Tensor, nn

from hrm.errors import UserError


class PuzzleTable(nn.Module):
    """e = W[i], [B] -> [B, D]; W [identities, D] starts at zero.

    The table has no parameters: an optimiser over `model.parameters()` doesn't change it, nor does
    `model.zero_grad()`. W is saved, loaded and moved with the module. Under DistributedDataParallel
    pass `broadcast_buffers=False`: the tables stay equal without it, and would be sent at every
    forward pass.

    In training with gradients enabled, the returned rows are a leaf that requires a gradient. They
    and their identities are kept until `zero_grad`, so that several forward passes before a step
    accumulate; a loop that never calls `zero_grad` keeps all of them. Otherwise the rows are plain
    values.

    Args:
        identities: Number of rows.
        size: D.

    Attributes:
        shift: Zeros [B, D] that are added to the rows instead of keeping them; their gradient is
            that of the rows. For models that are called as pure functions; None to keep the rows.
    """

    weights: Tensor

    def __init__(self, identities: int, size: int) -> None:
        super().__init__()
        assert identities > 0 and size > 0
        self.register_buffer("weights", torch.zeros(identities, size))
        self._lent: list[tuple[Tensor, Tensor]] = []  # identities and rows of each forward pass
        self.shift: Tensor | None = None

    def forward(self, ids_B: Tensor) -> Tensor:
        """Return a copy of the rows of identities [B], in the type of the table.

        Raises:
            UserError: If they aren't whole numbers [B] in 0 ... identities − 1.
        """
        if self.shift is not None:
            rows_BD = self.weights[ids_B]
            return rows_BD + self.shift if torch.is_grad_enabled() else rows_BD
        self._check(ids_B)
        ids_B = ids_B.to(self.weights.device, torch.long, copy=True)  # the caller may reuse its own
        rows_BD = self.weights[ids_B]
        if self.training and torch.is_grad_enabled():
            self._lent.append((ids_B, rows_BD.requires_grad_()))
        return rows_BD

    def lend(self, ids_B: Tensor, rows_BD: Tensor) -> None:
        """Keep rows that were returned elsewhere, or the `shift` that was added to them."""
        self._lent.append((ids_B, rows_BD))

    def gradients(self) -> tuple[Tensor, Tensor]:
        """Return identities [N] and gradients [N, D] of the rows that were kept, in order of use.

        An identity may occur several times. Forward passes whose rows have no gradient are left
        out.
        """
        found = [(ids, rows.grad) for ids, rows in self._lent if rows.grad is not None]
        ids_N = torch.cat([self.weights.new_empty(0, dtype=torch.long), *(i for i, _ in found)])
        return ids_N, torch.cat([self.weights.new_empty(0, self.size), *(g for _, g in found)])

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the rows that were kept, and their gradients."""
        self._lent.clear()

    @property
    def identities(self) -> int:
        """Number of rows."""
        return self.weights.shape[0]

    @property
    def size(self) -> int:
        """D."""
        return self.weights.shape[1]

    def extra_repr(self) -> str:
        return f"identities={self.identities}, size={self.size}"

    def _check(self, ids_B: Tensor) -> None:
        whole = not (ids_B.is_floating_point() or ids_B.is_complex() or ids_B.dtype == torch.bool)
        if not whole or ids_B.dim() != 1:
            raise UserError(
                f"puzzle identities are {ids_B.dtype} of shape {list(ids_B.shape)}; allowed are "
                "whole numbers of shape [batch]: pass one identity per sample"
            )
        if ids_B.is_meta:  # meta tensors have shapes without values, to count operations
            return
        outside = ids_B[(ids_B < 0) | (ids_B >= self.identities)]
        if len(outside):
            raise UserError(
                f"puzzle identity {int(outside[0])} is not in the table; allowed are 0 ... "
                f"{self.identities - 1}: build the table with the data's number of identities"
            )
