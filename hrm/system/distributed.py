"""Distributed data parallel: processes that share every batch and take the same step.

Each of N processes holds the whole model and computes its own part of the batch, in rank order:

    ℓ = Σ_r ℓ_r,   ∂ℓ/∂θ = Σ_r ∂ℓ_r/∂θ          one sum over processes per step, of one flat tensor

Anything that depends on the batch as a whole (means over it, lockstep) is computed from all parts,
so that losses equal those of one process with the same batch, to rounding. Sums are bit-identical
in all processes, and therefore so are their weights.

With a single process, every function does its local part only. Collectives are called by all
processes in the same order. Source: PyTorch's `torch.distributed` and `torchrun`.
"""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

from hrm.errors import Lost, UserError
from hrm.system import environment

# How long the others wait for a process that neither answers nor ends; one that ends is noticed at
# once. Long enough for the first process to evaluate while they wait.
PATIENCE = timedelta(minutes=30)


def world() -> int:
    """Return the number of processes."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Return this process's number, from 0; the first one writes files and prints."""
    return dist.get_rank() if world() > 1 else 0


@contextlib.contextmanager
def joined(device: str = "cpu") -> Iterator[torch.device]:
    """Join the process group if torchrun started this process, and leave it at the end.

    Args:
        device: ``cpu``, ``cuda`` or ``cuda:<number>``.

    Returns:
        The device of this process; with several processes on GPUs, that of its local rank.

    Raises:
        UserError: If there is no such device.
    """
    together = {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"} <= os.environ.keys()
    several = together and int(os.environ["WORLD_SIZE"]) > 1
    if several and device == "cuda":
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    elif several and device != "cpu":
        raise UserError(
            f"device is {device!r}; allowed is cpu or cuda where several processes train, each of "
            "which has a GPU of its own; leave the number out"
        )
    chosen = on(device)
    if not several:
        yield chosen
        return
    if os.environ["MASTER_PORT"] == "0":  # no process would ever answer
        raise UserError(
            "the port at which processes meet is 0; allowed is a free one; start torchrun with "
            "--standalone or --rdzv-backend=c10d, which finds one, or name one by --master-port"
        )
    backend = "gloo"
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
        backend = "cpu:gloo,cuda:nccl"
    with collective():
        dist.init_process_group(backend, timeout=PATIENCE)
    try:
        yield chosen
    finally:
        dist.destroy_process_group()


def on(device: str) -> torch.device:
    """Return a device by its name.

    Raises:
        UserError: If there is no device of that name.
    """
    return torch.device(environment.known(device))


# -- sums and parts -------------------------------------------------------------------------------
def total(part: Tensor) -> Tensor:
    """Return the sum Σ_r of a tensor, of equal shape in all processes; without gradient."""
    part = part.detach()
    if world() > 1:
        part = part.clone()
        with collective():
            dist.all_reduce(part)
    return part


def totals(parts: list[float]) -> list[float]:
    """Return the sum Σ_r of each number."""
    if world() == 1:
        return parts
    found: list[float] = total(torch.tensor(parts, dtype=torch.float64)).tolist()
    return found


def mean(part: Tensor) -> Tensor:
    """Return the mean over the entries of all processes, equally many in each, []; no gradient."""
    return total(part.mean()) / world()


def everywhere(flags: Tensor) -> Tensor:
    """Return whether flags are true in all processes, []."""
    return total((~flags.all()).long()) == 0


def gathered(part: Tensor, dim: int = 0) -> Tensor:
    """Concatenate tensors of equal shape in rank order; gradients reach the own part only.

    If each process computes the same loss of the whole batch, the gradients add up to that of the
    loss.
    """
    if world() == 1:
        return part
    mine = part.detach().contiguous()
    parts = [torch.empty_like(mine) for _ in range(world())]
    if mine.numel():
        with collective():
            dist.all_gather(parts, mine)
    parts[rank()] = part
    return torch.cat(parts, dim)


def first(function: Callable[[], float]) -> float:
    """Return the result of a function that only the first process calls."""
    if world() == 1:
        return function()
    found = torch.tensor(function() if rank() == 0 else 0.0, dtype=torch.float64)
    with collective():
        dist.broadcast(found, 0)
    return found.item()


def sum_gradients(parameters: Iterable[Tensor]) -> None:
    """Replace gradients by their sums over processes; if no process has one, it stays None."""
    if world() == 1:
        return
    kept = list(parameters)
    zeros = [torch.zeros_like(p) if p.grad is None else p.grad for p in kept]
    has = torch.tensor([p.grad is not None for p in kept], device=kept[0].device)
    flat = total(torch.cat([*(g.flatten() for g in zeros), has.to(kept[0].dtype)]))
    sums = flat.split([*(p.numel() for p in kept), len(kept)])
    for p, gradient, anybody in zip(kept, sums[:-1], sums[-1].tolist(), strict=True):
        p.grad = gradient.view_as(p) if anybody else None


@contextlib.contextmanager
def collective() -> Iterator[None]:
    """Turn the failure of a collective into an error about another process.

    Raises:
        Lost: If the collective fails.
    """
    try:
        yield
    except RuntimeError as error:
        raise Lost(str(error).splitlines()[0]) from error
