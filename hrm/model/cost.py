"""The cost of a computation: its floating-point operations and its exact peak of memory.

**Operations.** Each term of a matrix product counts as two operations, a multiplication and an
addition. Linear maps, GRU gates and attention are counted, forward and backward; element-wise work,
norms, softmax and look-ups are not. Attention is two products, Q Kᵀ and P V, with or without a
mask:

    forward   2 · B · H · Q · S · (E + F)      B batch, H heads, Q queries, S keys,
    backward  twice that                       E width of queries and keys, F width of values

whichever kernel runs. Kernels that don't keep the scores compute Q Kᵀ once more in their backward
pass; this is not counted, since it is a detail of how they save memory. They also compute the
gradients of queries, keys and values whether or not they are needed, and all of these are counted.
What a program recomputes itself, as in gradient checkpointing, is counted each time. The counts are
taken from the operations that torch dispatches, so that they are equal on every machine, and on the
meta device, where nothing is computed.

**Memory.** The peak is taken from torch's allocators: the bytes allocated and not yet freed,
including scratch memory of kernels, excluding what was allocated before, such as a model's
parameters. Gradients that the call allocates are counted, so set them to None first; call a
function that caches anything once beforehand. A dispatch mode can't measure the peak: while one is
active, autograd adds gradients out of place and keeps more memory alive (a quarter more, in a small
act-v1 step).
"""

import contextlib
import functools
import gc
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch._C._profiler import _ExtraFields_Allocation, _ProfilerEvent
from torch.autograd.profiler import profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from hrm.errors import UserError

# Matrix products, by the place of their left factor among the arguments.
_PRODUCTS = {
    **dict.fromkeys(("aten.mm", "aten.bmm", "aten.mv", "aten.dot", "aten.vdot"), 0),
    **dict.fromkeys(("aten.addmm", "aten._addmm_activation", "aten.baddbmm", "aten.addmv"), 1),
}
_ATTENTION = {
    f"aten._scaled_dot_product_{kernel}"
    for kernel in (
        *("flash_attention_for_cpu", "flash_attention", "efficient_attention"),
        *("cudnn_attention", "fused_attention_overrideable"),
    )
}
_ATTENTION_BACKWARD = {f"{name}_backward" for name in _ATTENTION}
# Kernels that hide their products are refused, so that no count is silently too small.
_HIDING = {
    f"aten.{name}"
    for name in (
        *("_native_multi_head_attention", "_transformer_encoder_layer_fwd", "_cudnn_rnn"),
        *("miopen_rnn", "mkldnn_rnn_layer", "addbmm", "convolution", "_trilinear"),
    )
}


class Uncounted(UserError):  # noqa: N818 (a finding about the code that is counted)
    """Raised where a kernel performs operations that can't be counted; the message names it."""


@dataclass(frozen=True, kw_only=True)
class Count:
    """Floating-point operations.

    Args:
        forward: Operations outside of backward passes.
        backward: Operations in backward passes, including those that checkpointing recomputes
            there.
        children: `forward` by the top-level child of the counted model that computed it, "" for
            operations of no child. Only children that computed something, in the order of first
            use.
    """

    forward: int
    backward: int
    children: Mapping[str, int]

    @property
    def total(self) -> int:
        """The sum of forward and backward operations."""
        return self.forward + self.backward


def operations(function: Callable[[], object], model: nn.Module | None = None) -> Count:
    """Count the floating-point operations of a call.

    Args:
        function: The call, which is run once.
        model: The model whose top-level children are counted separately.

    Raises:
        Uncounted: If a kernel runs whose operations can't be counted, such as a convolution.

    Example:
        >>> layer = nn.Linear(3, 5)
        >>> operations(lambda: layer(torch.zeros(2, 3)).sum().backward())
        Count(forward=60, backward=60, children={'': 60})
    """
    mode = _Operations()
    with contextlib.ExitStack() as stack:
        for name, module in () if model is None else model.named_modules():
            if name:
                enter, leave = mode.hooks(name.partition(".")[0])
                stack.enter_context(module.register_forward_pre_hook(enter))
                stack.enter_context(module.register_forward_hook(leave, always_call=True))
        with mode:
            function()
    return Count(
        forward=sum(mode.forward.values()), backward=mode.backward, children=dict(mode.forward)
    )


def peak_memory(function: Callable[[], object]) -> int:
    """Return the largest number of bytes that a call had allocated at once, over all devices.

    The number is exact, and reproducible with the same number of threads. Python's cyclic garbage
    collector is off during the call, because the times at which it runs are arbitrary; memory that
    only it would free counts as allocated.
    """
    with _undisturbed(), profile(profile_memory=True) as profiler:
        function()
    assert profiler.kineto_results is not None
    alive: dict[int, int] = {}
    now = peak = 0
    for _, event in sorted(
        _reported(profiler.kineto_results.experimental_event_tree()), key=lambda timed: timed[0]
    ):
        if event.alloc_size > 0:
            alive[event.ptr] = event.alloc_size
            now += event.alloc_size
            peak = max(peak, now)
        else:
            now -= alive.pop(event.ptr, 0)  # 0: it existed before
    return peak


def allocations(function: Callable[[], object]) -> list[tuple[str, int]]:
    """Return (operation, bytes) for every operation of a call that returns new storage, in order.

    Views and operations in place return no new storage. This works on the meta device, too. In
    backward passes it includes some sums of gradients that autograd computes in place when nothing
    records it.
    """
    with _Storages() as mode:
        function()
    made: list[tuple[str, int]] = mode.made
    return made


class _Mode(TorchDispatchMode):
    """Calls `run` for every elementary operation.

    Composite operations are decomposed here, since in inference mode they arrive whole.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        with self:
            out = func.decompose(*args, **kwargs)
        if out is not NotImplemented:
            return out
        return self.run(str(func.overloadpacket), functools.partial(func, *args, **kwargs))

    def run(self, name: str, call: "functools.partial[Any]") -> Any:
        """Run an elementary operation, record it, and return its result."""
        raise AssertionError


class _Operations(_Mode):
    """Adds up the floating-point operations of matrix products."""

    def __init__(self) -> None:
        super().__init__()
        self.forward: dict[str, int] = {}
        self.backward = 0
        self.inside: list[str] = []

    def hooks(self, child: str) -> tuple[Callable[..., None], Callable[..., None]]:
        """Return the hooks to call before and after the forward pass of a child."""

        def enter(*_: object) -> None:
            self.inside.append(child)

        def leave(*_: object) -> None:
            self.inside.pop()

        return enter, leave

    def run(self, name: str, call: "functools.partial[Any]") -> Any:
        if name in _HIDING:
            raise Uncounted(
                f"operations of {name} are hidden in its kernel; allowed is what is computed from "
                f"matrix products; compute it from separate maps, or do without the count"
            )
        out = call()
        cost = _cost(name, call.args, out)
        if torch._C._current_graph_task_id() != -1:
            self.backward += cost
        elif cost:
            child = self.inside[0] if self.inside else ""
            self.forward[child] = self.forward.get(child, 0) + cost
        return out


class _Storages(_Mode):
    """Lists the bytes of new storage of each operation: storages that it allocates or enlarges."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[tuple[str, int]] = []

    def run(self, name: str, call: "functools.partial[Any]") -> Any:
        # The argument of lift_fresh was just made by `torch.tensor`, without a recorded operation.
        given = () if name == "aten.lift_fresh" else _storages((call.args, call.keywords))
        before = {s._cdata: s.nbytes() for s in given}
        out = call()
        after = {s._cdata: s.nbytes() for s in _storages(out)}
        fresh = sum(size for key, size in after.items() if size > before.get(key, 0))
        if fresh:
            self.made.append((name, fresh))
        return out


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Disable the garbage collector, and the profiler's messages on stderr, within the block."""
    collecting, level = gc.isenabled(), "KINETO_LOG_LEVEL"
    silenced = level not in os.environ
    gc.disable()
    if silenced:
        os.environ[level] = "9"
    try:
        yield
    finally:
        if silenced:
            del os.environ[level]
        if collecting:
            gc.enable()


def _reported(events: Iterable[_ProfilerEvent]) -> Iterator[tuple[int, _ExtraFields_Allocation]]:
    """Yield the time and the record of each allocation and each release of memory."""
    for event in events:
        if isinstance(event.extra_fields, _ExtraFields_Allocation):
            yield event.start_time_ns, event.extra_fields
        yield from _reported(event.children)


def _cost(name: str, args: tuple[Any, ...], out: Any) -> int:
    """Return the operations of one elementary operation."""
    if name in _PRODUCTS:
        left: Tensor = args[_PRODUCTS[name]]
        return 2 * int(out.numel()) * left.shape[-1]
    if name in _ATTENTION:
        return _attention(*args[:3])
    if name in _ATTENTION_BACKWARD:
        return 2 * _attention(*args[1:4])
    return 0


def _attention(q_BHQE: Tensor, k_BHSE: Tensor, v_BHSF: Tensor) -> int:
    """Return 2 · B · H · Q · S · (E + F)."""
    queries = q_BHQE.shape[:-1].numel()
    return 2 * queries * k_BHSE.shape[-2] * (q_BHQE.shape[-1] + v_BHSF.shape[-1])


def _storages(data: object) -> Iterator[torch.UntypedStorage]:
    leaves: Iterable[Any] = tree_leaves(data)
    return (t.untyped_storage() for t in leaves if isinstance(t, Tensor))


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread; the number before is restored at the end."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
