"""Optimisers of stacked seeds: the parameters of each seed are a row of one tensor.

All formulas are those of `hrm.training.optim` and `torch.optim.AdamW`, with a learning rate for
each seed. In a row, every parameter starts at a multiple of `ALIGNED` values, and zeros fill the
gaps. Thereby each value is computed by the same instructions for every S, and results don't depend
on S.

Shapes: S seeds, P values of a row, B batch; puzzle tables have I rows of size D.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from hrm.config.axes import Optimiser
from hrm.config.learning import AdamAtan2, AdamAtan2AsCoded, AdamW
from hrm.errors import UserError

ALIGNED = 32  # number of values in two of the longest vector registers
EPS = 1e-8
KINDS = (AdamW, AdamAtan2, AdamAtan2AsCoded)


class Rows:
    """Parameters of S seeds as rows [S, P].

    Args:
        each: The parameters of each seed by name; names and shapes are equal for all seeds.

    Attributes:
        values: The rows, [S, P].
        places: The columns of each parameter, padding included.
        leaves: Views of `values` by name, [S, ...], which require gradients.
    """

    def __init__(self, each: Sequence[Mapping[str, Tensor]]) -> None:
        shapes = {name: t.shape for name, t in each[0].items()}
        widths = [-(-shape.numel() // ALIGNED) * ALIGNED for shape in shapes.values()]
        like = next(iter(each[0].values()))
        self.values = like.detach().new_zeros(len(each), sum(widths))
        self.places: dict[str, slice] = {}
        start = 0
        for (name, shape), width in zip(shapes.items(), widths, strict=True):
            self.places[name] = slice(start, start + width)
            stacked = torch.stack([one[name].detach() for one in each])
            self.values[:, start : start + shape.numel()] = stacked.flatten(1)
            start += width
        self.shapes = shapes
        self.leaves = {n: v.requires_grad_() for n, v in self.views(self.values).items()}

    def views(self, rows: Tensor) -> dict[str, Tensor]:
        """Return views of the parameters in rows [S, P], by name, [S, ...] each."""
        return {
            name: rows.detach()[:, place.start : place.start + shape.numel()].view(-1, *shape)
            for (name, shape), place in zip(self.shapes.items(), self.places.values(), strict=True)
        }

    def gathered(self, gradients: Sequence[Tensor | None]) -> tuple[Tensor, Tensor | None]:
        """Return gradients as rows [S, P], and a mask [P] of the values that have one.

        The mask is None if all have one.

        Args:
            gradients: The gradient of each of `leaves`, in order; None for a parameter without one.
        """
        rows = torch.zeros_like(self.values)
        for view, gradient in zip(self.views(rows).values(), gradients, strict=True):
            if gradient is not None:
                view.copy_(gradient)
        if all(gradient is not None for gradient in gradients):
            return rows, None
        used = torch.zeros(rows.shape[1], dtype=torch.bool)
        for place, gradient in zip(self.places.values(), gradients, strict=True):
            used[place] = gradient is not None
        return rows, used.to(rows.device)


def clip(gradients: Tensor, largest: float | None) -> Tensor:
    """Clip the gradient norm of each seed in place, and return the norms before, [S].

        g ← g · min(1, largest / (norm + 1e-6)),    unchanged if `largest` is None

    Args:
        gradients: The gradients, [S, P].
        largest: The largest norm.
    """
    norms: Tensor = torch.linalg.vector_norm(gradients, dim=1)
    if largest is not None:
        gradients.mul_((largest / (norms + 1e-6)).clamp(max=1.0)[:, None])
    return norms


class Adam:
    """AdamW, AdamAtan2 or AdamAtan2AsCoded for the rows of all seeds.

    Args:
        part: The configuration: one of these three.
        values: The parameters, [S, P], which are changed in place.
        weight_decay: λ.

    Raises:
        UserError: If `part` is another optimiser.
    """

    def __init__(self, part: Optimiser, values: Tensor, weight_decay: float) -> None:
        if not isinstance(part, KINDS):
            known = ", ".join(kind.__name__ for kind in KINDS)
            raise UserError(
                f"optimiser is {type(part).__name__} in stacked seeds; allowed are {known}; "
                "use one of them, or train the seeds one by one"
            )
        self.part, self.values, self.weight_decay = part, values, weight_decay
        self.m, self.v = torch.zeros_like(values), torch.zeros_like(values)
        self.t = torch.zeros(values.shape[1], dtype=torch.float64, device=values.device)

    @torch.no_grad()
    def step(self, g: Tensor, used: Tensor | None, rates: Tensor) -> None:
        """Take one step.

        Args:
            g: Gradients, [S, P].
            used: Mask [P] of the values that have a gradient. The others aren't changed, not even
                by decay, and neither are their moments. None if all have one.
            rates: η of each seed, [S], in float64.
        """
        b1, b2 = self.part.betas
        t = self.t + 1
        m = torch.lerp(self.m, g, 1 - b1)
        v = (self.v * b2).addcmul(g, g, value=1 - b2)
        root = (1 - b2**t).sqrt().to(v.dtype)
        size = (rates[:, None] / (1 - b1**t)).to(v.dtype)
        keep = (1 - rates * self.weight_decay).to(v.dtype)[:, None]
        values = self.values * keep - size * self._direction(m, v, root)
        new = (values, m, v, t)
        for old, found in zip((self.values, self.m, self.v, self.t), new, strict=True):
            old.copy_(found if used is None else torch.where(used, found, old))

    def _direction(self, m: Tensor, v: Tensor, root: Tensor) -> Tensor:
        """Return the direction u(m, v, t), [S, P]; `root` is √(1 − β2ᵗ)."""
        match self.part:
            case AdamAtan2():
                tiny = torch.finfo(v.dtype).tiny
                return (m / (v.sqrt() / root).clamp(min=tiny)).atan()
            case AdamAtan2AsCoded():
                turned = (m / (v.sqrt() + EPS)).atan().sin()
                return turned / (v.sqrt() / root + EPS)
        return m / (v.sqrt() / root + EPS)


class Moments(NamedTuple):
    """Adam's moments of the rows of a table, m and v [S, I, D], and step counts t [S, I, 1]."""

    m: Tensor
    v: Tensor
    t: Tensor


class Tables:
    """Sign-SGD, or AdamW, on the rows of puzzle tables that a batch uses.

    If several samples of a batch use one row, their gradients are summed by a matrix product, whose
    order of summation is fixed on every device. All of them then write equal values to the row.

    Args:
        part: AdamW, or any other part for sign-SGD.
        weights: The rows of each table, [S, I, D], which are changed in place.
        weight_decay: λ.
    """

    def __init__(self, part: Optimiser, weights: Sequence[Tensor], weight_decay: float) -> None:
        self.part, self.weights, self.weight_decay = part, weights, weight_decay
        self.moments = [
            Moments(torch.zeros_like(w), torch.zeros_like(w), torch.zeros_like(w[..., :1]))
            for w in weights
        ]

    @torch.no_grad()
    def step(self, ids: Tensor, gradients: Sequence[Tensor], rates: Tensor) -> None:
        """Take one step.

        Args:
            ids: Identities of the rows in use, [S, B].
            gradients: For each table, the gradients of the copies of these rows, [S, B, D].
            rates: η of each seed, [S].
        """
        same = ids[:, :, None] == ids[:, None, :]
        seeds = torch.arange(len(ids), device=ids.device)[:, None]
        for weights, moments, each in zip(self.weights, self.moments, gradients, strict=True):
            g = same.to(each.dtype) @ each
            rate = rates.to(g.dtype)[:, None, None]
            u = self._adam(moments, (seeds, ids), g) if isinstance(self.part, AdamW) else g.sign()
            old = weights[seeds, ids]
            weights[seeds, ids] = old * (1 - rate * self.weight_decay) - rate * u

    def _adam(self, moments: Moments, rows: tuple[Tensor, Tensor], g: Tensor) -> Tensor:
        assert isinstance(self.part, AdamW)
        b1, b2 = self.part.betas
        t = moments.t[rows] + 1
        m = torch.lerp(moments.m[rows], g, 1 - b1)
        v = torch.lerp(moments.v[rows], g.square(), 1 - b2)
        for old, new in zip(moments, (m, v, t), strict=True):
            old[rows] = new
        mean, square = m / (1 - b1**t), v / (1 - b2**t)
        found: Tensor = mean / (square.sqrt() + EPS)
        return found


def finite(rows: Tensor) -> list[bool]:
    """Return for each row whether all its values are finite."""
    found: list[bool] = rows.isfinite().flatten(1).all(1).tolist()
    return found
