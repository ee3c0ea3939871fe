"""Optimisers of the documented systems: Adam-atan2 in both forms, sparse sign-SGD.

g gradient, p parameter, t its number of steps, η learning rate, λ weight decay (decoupled).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import functional as F
from torch.optim import Optimizer
from torch.optim.optimizer import ParamsT

from hrm.config import learning
from hrm.config.learning import AdamW
from hrm.errors import UserError
from hrm.model.puzzles import PuzzleTable
from hrm.model.registry import builds
from hrm.system import distributed

Closure = Callable[[], float]
# Parameters, gradients, m, v and t, one of each per parameter.
Block = tuple[list[Tensor], list[Tensor], list[Tensor], list[Tensor], list[int]]


class _Adam(Optimizer, ABC):
    """Adam's moments with a direction u(m, v, t) that subclasses define.

        m ← β1 m + (1 − β1) g
        v ← β2 v + (1 − β2) g²
        p ← p (1 − ηλ) − η / (1 − β1ᵗ) · u(m, v, t)

    Parameters without a gradient aren't changed, not even by decay, and their t doesn't advance.

    Raises:
        UserError: At construction or by `add_param_group`, if there are no parameters, or a rate is
            out of its range; in `step`, if a gradient is sparse.
    """

    def __init__(self, params: ParamsT, defaults: dict[str, Any]) -> None:
        given: list[Any] = list(params)
        if not given:
            raise UserError(
                f"{type(self).__name__} got no parameters; pass at least one (a puzzle table has "
                "none: SparseSignSGD trains it)"
            )
        super().__init__(given, defaults)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        _check_rates({**self.defaults, **param_group})
        super().add_param_group(param_group)
        self.size = sum(p.numel() for group in self.param_groups for p in group["params"])

    @torch.no_grad()
    def step(self, closure: Closure | None = None) -> float | None:  # type: ignore[override]
        loss = _loss(closure)
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            if any(p.grad.is_sparse for p in params):
                raise UserError(
                    f"{type(self).__name__} got a sparse gradient; allowed are dense ones: build "
                    "the embedding with sparse=False, or train a PuzzleTable with SparseSignSGD"
                )
            if params:
                self._update(params, group)
        return loss

    def _update(self, params: list[Tensor], group: dict[str, Any]) -> None:
        g: list[Any] = [p.grad for p in params]
        m, v, t = self._moments(params)
        whole: Block = (params, g, m, v, t)
        large = self.size > _entries and params[0].device.type == "cpu"
        for block in _blocks(*whole) if large else [whole]:
            self._update_block(*block, group)

    def _update_block(
        self,
        params: list[Tensor],
        g: list[Tensor],
        m: list[Tensor],
        v: list[Tensor],
        t: list[int],
        group: dict[str, Any],
    ) -> None:
        lr, (b1, b2) = float(group["lr"]), group["betas"]
        torch._foreach_lerp_(m, g, 1 - b1)
        torch._foreach_mul_(v, b2)
        torch._foreach_addcmul_(v, g, g, 1 - b2)
        u = self._direction(m, v, t, group)
        torch._foreach_mul_(u, [-lr / (1 - b1**n) for n in t])
        if group["weight_decay"]:
            torch._foreach_mul_(params, 1 - lr * group["weight_decay"])
        torch._foreach_add_(params, u)

    def _moments(self, params: list[Tensor]) -> tuple[list[Tensor], list[Tensor], list[int]]:
        """Return m and v before this step, and its number t, one of each per parameter."""
        states = [self.state[p] for p in params]
        for p, state in zip(params, states, strict=True):
            if not state:
                state |= {"step": 0, "exp_avg": torch.zeros_like(p)}
                state["exp_avg_sq"] = torch.zeros_like(p)
            state["step"] += 1
        return (
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [state["step"] for state in states],
        )

    @abstractmethod
    def _direction(
        self, m: list[Tensor], v: list[Tensor], t: list[int], group: dict[str, Any]
    ) -> list[Tensor]:
        """Return u(m, v, t) as new tensors, one per parameter."""


_entries = 2**17  # size of a block: four tensors and a temporary one fit into a processor's cache


def _blocks(
    params: list[Tensor], g: list[Tensor], m: list[Tensor], v: list[Tensor], t: list[int]
) -> Iterator[Block]:
    """Yield blocks that fit into the cache of a CPU, so that a step reads memory only once.

    Results don't change by a bit: everything is computed entry by entry, and blocks end at
    multiples of vector registers. On other devices there is one block, since each would cost a
    kernel launch.
    """
    rows: list[tuple[Tensor, Tensor, Tensor, Tensor, int]] = []
    size = 0
    for *whole, steps in zip(params, g, m, v, t, strict=True):
        pieces = [whole]
        if all(each.is_contiguous() for each in whole):
            split = (each.view(-1).split(_entries) for each in whole)
            pieces = [list(piece) for piece in zip(*split, strict=True)]
        for p, gradient, first, second in pieces:
            if rows and size + p.numel() > _entries:
                yield tuple(map(list, zip(*rows, strict=True)))  # type: ignore[misc]
                rows, size = [], 0
            rows.append((p, gradient, first, second, steps))
            size += p.numel()
    yield tuple(map(list, zip(*rows, strict=True)))  # type: ignore[misc]


class AdamAtan2(_Adam):
    """u = atan2(m, √v / √(1 − β2ᵗ)).

    The update is invariant when the loss is multiplied by a positive constant; there is no ε. Its
    entries are at most η/(1 − β1ᵗ) · π/2 in size, and atan2(0, 0) = 0.

    Args:
        params: Parameters, or parameter groups.
        lr: η ≥ 0.
        betas: β1 and β2, each in [0, 1).
        weight_decay: λ ≥ 0.

    Source: Everett et al., "Scaling Exponents Across Parameterizations and Optimizers" (2024);
    document act-v1.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float,
        *,
        betas: tuple[float, float] = (0.9, 0.95),
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    def _direction(
        self, m: list[Tensor], v: list[Tensor], t: list[int], group: dict[str, Any]
    ) -> list[Tensor]:
        b2 = group["betas"][1]
        root = torch._foreach_sqrt(v)
        torch._foreach_div_(root, [math.sqrt(1 - b2**n) for n in t])
        # atan2(y, x) = atan(y / x) for x > 0; torch has no atan2 over lists. The smallest normal
        # number makes 0 / 0 zero, and changes nothing where v hasn't underflowed.
        torch._foreach_clamp_min_(root, [torch.finfo(r.dtype).tiny for r in root])
        u = torch._foreach_div(m, root)
        torch._foreach_atan_(u)
        return list(u)


class AdamAtan2AsCoded(_Adam):
    """u = sin(atan2(m, √v + ε)) / (√v / √(1 − β2ᵗ) + ε): what document complete's code computes.

    If ε is negligible, multiplying the loss by c divides the update by c, because the sine is
    invariant to scale and is divided by √v. With the usual β, the first step is about 9.5 η / |g|.

    Args:
        params: Parameters, or parameter groups.
        lr: η ≥ 0.
        betas: β1 and β2, each in [0, 1).
        eps: ε > 0.
        weight_decay: λ ≥ 0.

    Source: document complete, "Adam-atan2", as coded.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, defaults)

    def _direction(
        self, m: list[Tensor], v: list[Tensor], t: list[int], group: dict[str, Any]
    ) -> list[Tensor]:
        b2, eps = group["betas"][1], group["eps"]
        root = torch._foreach_sqrt(v)
        u = torch._foreach_div(m, torch._foreach_add(root, eps))
        torch._foreach_atan_(u)  # √v + ε > 0: atan(y / x) is atan2(y, x)
        torch._foreach_sin_(u)
        torch._foreach_div_(root, [math.sqrt(1 - b2**n) for n in t])
        torch._foreach_add_(root, eps)
        torch._foreach_div_(u, root)
        return list(u)


@builds(AdamW)
def _adam_w(part: AdamW, parameters: ParamsT, lr: float, weight_decay: float) -> Optimizer:
    return torch.optim.AdamW(
        parameters, lr=lr, weight_decay=weight_decay, betas=part.betas, fused=True
    )


@builds(learning.AdamAtan2)
def _adam_atan2(
    part: learning.AdamAtan2, parameters: ParamsT, lr: float, weight_decay: float
) -> Optimizer:
    return AdamAtan2(parameters, lr, weight_decay=weight_decay, betas=part.betas)


@builds(learning.AdamAtan2AsCoded)
def _adam_atan2_as_coded(
    part: learning.AdamAtan2AsCoded, parameters: ParamsT, lr: float, weight_decay: float
) -> Optimizer:
    return AdamAtan2AsCoded(parameters, lr, weight_decay=weight_decay, betas=part.betas)


class SparseSignSGD(Optimizer):
    """Sign-SGD on the rows of puzzle tables that are in use.

        G[i] = Σ of the gradients of all copies of row i, over all processes
        W[i] ← W[i] (1 − ηλ) − η sign(G[i])    for the identities i that got a gradient, no others

    If `torch.distributed` is initialised, each process gathers the identities and gradients of all
    processes and takes the same step, which is that of one process with the whole batch. Every
    process of the group has to call `step`, with the same tables in the same order; their batches
    may differ in size, or be empty. sign(NaN) counts as 0, so check the loss for NaN.

    Args:
        tables: The puzzle tables to train.
        lr: η ≥ 0.
        weight_decay: λ ≥ 0.
        process_group: The processes that share a batch; None for the default group.

    Raises:
        UserError: At construction, if there are no tables, if anything but tables is given (such as
            parameters, which tables don't have), or if a rate is out of its range.

    Source: document act-v1, "Basic Training Loop".
    """

    def __init__(
        self,
        tables: Iterable[PuzzleTable],
        lr: float,
        weight_decay: float = 0.0,
        process_group: dist.ProcessGroup | None = None,
    ) -> None:
        self.tables = list(tables)
        self.process_group = process_group
        given: list[object] = [*self.tables]
        others = {type(t).__name__ for t in given if not isinstance(t, PuzzleTable)}
        if others or not self.tables:
            raise UserError(
                f"SparseSignSGD got {', '.join(sorted(others)) or 'nothing'} to train; allowed are "
                "PuzzleTables: pass the tables themselves, not their parameters (they have none)"
            )
        rates = {"lr": lr, "weight_decay": weight_decay}
        _check_rates(rates)
        super().__init__([table.weights for table in self.tables], rates)

    @torch.no_grad()
    def step(self, closure: Closure | None = None) -> float | None:  # type: ignore[override]
        loss = _loss(closure)
        (group,) = self.param_groups
        lr, decay = float(group["lr"]), group["weight_decay"]
        # not the group's tensors, because moving a module replaces its buffers
        for place, table in enumerate(self.tables):
            ids_N, gradients_ND = table.gradients()
            if dist.is_available() and dist.is_initialized():
                with distributed.collective():
                    ids_N, gradients_ND = self._gathered(ids_N, gradients_ND)
            if len(ids_N):
                touched, sums = _sum_per_identity(ids_N, gradients_ND)
                decayed = table.weights[touched] * (1 - lr * decay)
                table.weights[touched] = decayed - lr * self.direction(place, touched, sums)
        return loss

    def direction(self, place: int, rows: Tensor, gradients: Tensor) -> Tensor:
        """Return the direction of the step for rows [K] of a table, to be subtracted, [K, D]."""
        return gradients.sign()

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the rows that the tables returned, whatever `set_to_none` is."""
        for table in self.tables:
            table.zero_grad()

    def _gathered(self, *local: Tensor) -> list[Tensor]:
        """Concatenate tensors [N, ...] over the processes, whose N may differ, in rank order."""
        world = dist.get_world_size(self.process_group)
        count = torch.tensor([len(local[0])], device=local[0].device)
        each = [torch.empty_like(count) for _ in range(world)]
        dist.all_gather(each, count, self.process_group)
        counts = [int(n) for n in each]
        result = []
        for tensor in local:
            missing = max(counts) - len(tensor)
            padded = F.pad(tensor, (0, 0) * (tensor.dim() - 1) + (0, missing))
            parts = [torch.empty_like(padded) for _ in range(world)]
            dist.all_gather(parts, padded, self.process_group)
            result.append(torch.cat([part[:n] for part, n in zip(parts, counts, strict=True)]))
        return result


@torch.no_grad()
def clip(parameters: Iterable[Tensor], largest: float | None) -> Tensor:
    """Clip the norm of all gradients together, and return the norm before; 0 if there are none.

        g ← g · min(1, largest / (norm + 1e-6)),    unchanged if `largest` is None

    Results equal those of `torch.nn.utils.clip_grad_norm_` bit for bit, without sorting gradients
    by device and type. Parameters without a gradient are left out; the others are on one device.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    if not gradients:
        return torch.zeros(())
    norm: Tensor = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    if largest is not None:
        torch._foreach_mul_(gradients, (largest / (norm + 1e-6)).clamp(max=1.0))
    return norm


def _sum_per_identity(ids_N: Tensor, gradients_ND: Tensor) -> tuple[Tensor, Tensor]:
    """Return each identity once, [K], and the sum of its gradients, [K, D].

    Rows are summed in their order, on a GPU as well. A sum by atomic additions would differ between
    processes in its last bits, hence sometimes in its sign, and the tables would diverge.
    """
    order = ids_N.argsort(stable=True)
    touched, counts = ids_N[order].unique_consecutive(return_counts=True)
    sums = torch.segment_reduce(gradients_ND[order], "sum", lengths=counts, axis=0)
    return touched, sums


def _loss(closure: Closure | None) -> float | None:
    if closure is None:
        return None
    with torch.enable_grad():
        return closure()


def _check_rates(group: dict[str, Any]) -> None:
    """Refuse learning rates, decays, betas and epsilons outside their ranges."""
    for name in ("lr", "weight_decay"):
        if not 0 <= group[name] < math.inf:
            raise UserError(f"{name} is {group[name]}; allowed are finite numbers from 0, as 1e-4")
    for beta in group.get("betas", ()):
        if not 0 <= beta < 1:
            raise UserError(f"betas are {group['betas']}; allowed are 0 <= beta < 1, as 0.9, 0.95")
    if not 0 < group.get("eps", 1.0) < math.inf:
        raise UserError(f"eps is {group['eps']}; allowed are positive numbers, such as 1e-8")
