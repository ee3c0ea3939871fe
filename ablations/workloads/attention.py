"""Aggregation by attention: what a single key leaves of it, and the documented formula."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from ablations.plain import Json
from ablations.workloads.common import close, equal, far, holds, never_stop, seeded, systems
from hrm.config import Vector
from hrm.model import HRM
from hrm.model.layers import CrossAttention
from hrm.model.summary import StepAttention, TraceAttention

tolerance = 1e-12


def single_key(
    arms: Sequence[Json], settings: Json, seed: int, device: str
) -> Sequence[Mapping[str, Json]]:
    """Attend over one key with different queries, in float64."""
    model = _model(arms[0], seed)
    assert isinstance(model.summary, StepAttention)
    attention, noise = model.summary.attention, seeded(seed)
    width = model.config.low.width
    memory = torch.randn(64, 1, width, generator=noise, dtype=torch.float64)
    queries = torch.randn(2, 64, 1, width, generator=noise, dtype=torch.float64)
    with sdpa_kernel(SDPBackend.MATH):
        first, second = attention(queries[0], memory), attention(queries[1], memory)
        first.square().mean().backward()
    sizes = {name: _gradient(getattr(attention, name)) for name in ("query", "key", "value", "out")}
    used = min(sizes["value"], sizes["out"])
    linear = attention.out(attention.value(memory))
    checks = [
        close("results under two different queries", far(first, second), tolerance),
        close("largest gradient of the query map", sizes["query"], tolerance),
        close("largest gradient of the key map", sizes["key"], tolerance),
        close("result beside out(value(z_L)), a linear map", far(first, linear), tolerance),
        holds(
            "whether the layer does nothing at all",
            "its value and output maps get no gradient either",
            f"largest gradient {used:.2g}",
            used <= tolerance,
            f"at most {tolerance:g}",
            primary=False,
        ),
    ]
    return [{"checks": checks}]


def formula(
    arms: Sequence[Json], settings: Json, seed: int, device: str
) -> Sequence[Mapping[str, Json]]:
    """Compare the aggregation inside a running model with the formula written out in numpy."""
    model = _model(arms[0], seed).eval()
    never_stop(model)
    assert isinstance(model.summary, TraceAttention)
    calls: list[tuple[tuple[Tensor, ...], Tensor, Tensor]] = []
    model.summary.register_forward_hook(lambda _m, a, out: calls.append((a[0], a[1], out)))
    lows: list[Tensor] = []
    model.low.register_forward_hook(lambda _m, _a, out: lows.append(out))
    part = model.config.embedding
    assert isinstance(part, Vector)
    with torch.no_grad():
        model(torch.randn(16, part.size, generator=seeded(seed), dtype=torch.float64))
    steps = model.config.low_steps
    errors, right_keys = [], True
    for i, (trace, high, out) in enumerate(calls):
        cycle = lows[i * steps : (i + 1) * steps]
        right_keys &= len(trace) == steps and all(
            torch.equal(a, b) for a, b in zip(trace, cycle, strict=True)
        )
        expected = _reference(model.summary.attention, high.numpy(), torch.stack(cycle, 1).numpy())
        errors.append(float(np.abs(out.numpy() - expected).max()))
    checks = [
        close(
            f"softmax(QKᵀ/√d_k)V and the module, over {len(calls)} cycles of a running model",
            max(errors),
            1e-10,
        ),
        equal("keys and values are the cycle's T low-level states", True, right_keys),
    ]
    return [{"checks": checks}]


def _reference(
    attention: CrossAttention,
    high: np.ndarray,
    lows: np.ndarray,
) -> np.ndarray:
    """Multi-head softmax(QKᵀ/√d_k)V by loops over samples and heads, then the output map."""
    weights = {k: v.detach().numpy() for k, v in attention.state_dict().items()}

    def map_(name: str, x: np.ndarray) -> np.ndarray:
        y: np.ndarray = x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
        return y

    query = map_("query", map_("from_query", high))
    key, value = map_("key", lows), map_("value", lows)
    size = query.shape[-1] // attention.heads
    joined = np.empty_like(query)
    for b in range(len(query)):
        for h in range(attention.heads):
            part = slice(h * size, (h + 1) * size)
            scores = key[b, :, part] @ query[b, part] / np.sqrt(size)
            weight = np.exp(scores - scores.max())
            joined[b, part] = (weight / weight.sum()) @ value[b, :, part]
    return map_("out", joined)


def _model(arm: Json, seed: int) -> HRM:
    torch.manual_seed(seed)
    return HRM(systems([arm])[0].model).double()


def _gradient(module: torch.nn.Module) -> float:
    sizes = [0.0 if p.grad is None else float(p.grad.abs().max()) for p in module.parameters()]
    return max(sizes)
