"""Aggregation by attention: the case of a single key, and the documented formula."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ablations.records.checks import Check, Close, Equal, Holds
from hrm.config.learning import System

if TYPE_CHECKING:
    from torch import Tensor

Array = NDArray[np.float64]
_TOLERANCE = 1e-12


def single_key(arms: Sequence[System], seed: int) -> Iterator[Check]:
    """With one key, attention is a linear map of that key, for every query.

    Query and key maps have no gradient. Computed in float64, with explicit attention.
    """
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    from ablations.protocols import rigged
    from hrm.model.summary import StepAttention

    model = _model(arms, seed)
    assert isinstance(model.summary, StepAttention)
    attention, noise = model.summary.attention, rigged.seeded(seed)
    width = model.config.low.width
    memory = torch.randn(64, 1, width, generator=noise, dtype=torch.float64)
    queries = torch.randn(2, 64, 1, width, generator=noise, dtype=torch.float64)
    with sdpa_kernel(SDPBackend.MATH):
        first, second = attention(queries[0], memory), attention(queries[1], memory)
        first.square().mean().backward()
    sizes = {name: _gradient(getattr(attention, name)) for name in ("query", "key", "value", "out")}
    linear = attention.out(attention.value(memory))
    for what, error in (
        ("results under two different queries", rigged.far(first, second)),
        ("largest gradient of the query map", sizes["query"]),
        ("largest gradient of the key map", sizes["key"]),
        ("result beside out(value(z_L)), a linear map", rigged.far(first, linear)),
    ):
        yield Close(what, error=error, tolerance=_TOLERANCE)
    used = min(sizes["value"], sizes["out"])
    yield Holds(
        "whether the layer does nothing at all",
        documented="its value and output maps get no gradient either",
        observed=f"largest gradient {used:.2g}",
        holds=used <= _TOLERANCE,
        rule=f"at most {_TOLERANCE:g}",
        primary=False,
    )


def one_step(arms: Sequence[System], seed: int) -> Iterator[Check]:
    """With one low step per cycle, attention over the sequence equals that over the single step.

    Both models have equal weights by name, except those of the query, which has no effect. Computed
    in float64, with explicit attention. Arms: single step, sequence.
    """
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    from ablations.protocols import rigged

    models = [_model([system], seed).eval() for system in arms]
    single, sequence = models
    inputs = rigged.inputs(single.config, 16, rigged.seeded(seed)).double()
    made: list[list[Tensor]] = [[], []]
    for model, kept in zip(models, made, strict=True):
        model.summary.register_forward_hook(lambda _m, _a, out, kept=kept: kept.append(out))
        with sdpa_kernel(SDPBackend.MATH):
            steps = model.halting.max_steps
            model(inputs, steps=steps).prediction.square().mean().backward()
    errors = [rigged.far(a, b) for a, b in zip(*made, strict=True)]
    yield Close(
        f"summaries of {len(errors)} cycles of a running model",
        error=max(errors),
        tolerance=_TOLERANCE,
    )
    a, b = single.summary.attention, sequence.summary.attention
    for name in ("value", "out"):
        yield Close(
            f"gradients of the {name} map",
            error=rigged.far(getattr(a, name).weight.grad, getattr(b, name).weight.grad),
            tolerance=_TOLERANCE,
        )
    idle = [_gradient(getattr(b, name)) for name in ("from_query", "query", "key")]
    yield Close(
        "largest gradient of what the sequence kind has beside, its query, and of the keys",
        error=max(idle),
        tolerance=_TOLERANCE,
        primary=False,
    )
    used = min(float(torch.stack(made[0]).detach().abs().max()), _gradient(a.value))
    yield Holds(
        "whether there is anything to compare",
        documented="summaries and gradients that aren't zero",
        observed=f"the largest are {used:.2g} or more",
        holds=used > _TOLERANCE,
        rule=f"more than {_TOLERANCE:g}",
        primary=False,
    )


def formula(arms: Sequence[System], seed: int) -> Iterator[Check]:
    """The summary of a running model is softmax(QKᵀ/√d_k)V over the cycle's low-level states.

    The formula is written out in float64 numpy, from the same weights.
    """
    import torch

    from ablations.protocols import rigged
    from hrm.model.summary import TraceAttention

    model = _model(arms, seed).eval()
    rigged.never_stop(model)
    assert isinstance(model.summary, TraceAttention)
    calls: list[tuple[tuple[Tensor, ...], Tensor, Tensor]] = []
    model.summary.register_forward_hook(lambda _m, a, out: calls.append((a[0], a[1], out)))
    lows: list[Tensor] = []
    model.low.register_forward_hook(lambda _m, _a, out: lows.append(out))
    with torch.no_grad():
        size = rigged.size(model.config)
        model(torch.randn(16, size, generator=rigged.seeded(seed), dtype=torch.float64))
    attention, steps = model.summary.attention, model.config.low_steps
    weights = {k: v.detach().numpy() for k, v in attention.state_dict().items()}
    errors, right_keys = [], True
    for i, (trace, high, out) in enumerate(calls):
        cycle = lows[i * steps : (i + 1) * steps]
        right_keys &= len(trace) == steps and all(
            torch.equal(a, b) for a, b in zip(trace, cycle, strict=True)
        )
        expected = _written(weights, attention.heads, high.numpy(), torch.stack(cycle, 1).numpy())
        errors.append(float(np.abs(out.numpy() - expected).max()))
    yield Close(
        f"softmax(QKᵀ/√d_k)V and the module, over {len(calls)} cycles of a running model",
        error=max(errors),
        tolerance=1e-10,
    )
    yield Equal(
        "keys and values are the cycle's T low-level states", expected=True, observed=right_keys
    )


def _written(weights: Mapping[str, Array], heads: int, high: Array, lows: Array) -> Array:
    """Multi-head softmax(QKᵀ/√d_k)V by loops over samples and heads, then the output map."""

    def map_(name: str, x: Array) -> Array:
        y: Array = x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
        return y

    query = map_("query", map_("from_query", high))
    key, value = map_("key", lows), map_("value", lows)
    size = query.shape[-1] // heads
    joined = np.empty_like(query)
    for b in range(len(query)):
        for h in range(heads):
            part = slice(h * size, (h + 1) * size)
            scores = key[b, :, part] @ query[b, part] / np.sqrt(size)
            weight = np.exp(scores - scores.max())
            joined[b, part] = (weight / weight.sum()) @ value[b, :, part]
    return map_("out", joined)


def _model(arms: Sequence[System], seed: int) -> Any:
    import torch

    from hrm.model import HRM

    torch.manual_seed(seed)
    return HRM(arms[0].model).double()


def _gradient(module: Any) -> float:
    return max(0.0 if p.grad is None else float(p.grad.abs().max()) for p in module.parameters())
