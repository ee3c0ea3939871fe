"""Cores against float64 references: the GRU's equations, and post-norm blocks."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from hrm import config
from hrm.model.registry import built

Floats = NDArray[np.float64]


def made(part: config.Gru | config.Transformer, inputs: int = 3, context: int | None = None):
    generator = torch.Generator().manual_seed(5)
    core = built(part, 4, inputs, context).double()
    with torch.no_grad():
        for p in core.parameters():
            p.copy_(torch.randn(p.shape, generator=generator, dtype=p.dtype) / 2)
    return core, {name: p.detach().numpy() for name, p in core.named_parameters()}


def draw(*shape: int, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).standard_normal(shape)


def sigmoid(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-x))


def gru_cell(w: dict[str, Floats], x: Floats, h: Floats) -> Floats:
    """r, u = σ(...); n = tanh(W_in x + b_in + r (W_hn h + b_hn)); h' = (1 − u) n + u h."""
    xr, xu, xn = np.split(x @ w["cell.weight_ih"].T + w["cell.bias_ih"], 3, axis=1)
    hr, hu, hn = np.split(h @ w["cell.weight_hh"].T + w["cell.bias_hh"], 3, axis=1)
    u = sigmoid(xu + hu)
    return (1 - u) * np.tanh(xn + sigmoid(xr + hr) * hn) + u * h


def test_a_gru_core_adds_the_mapped_context_to_its_hidden_state() -> None:
    core, w = made(config.Gru(width=4), inputs=3, context=5)
    state, x, context = draw(2, 4), draw(2, 3, seed=2), draw(2, 5, seed=3)
    z, i, c = map(torch.from_numpy, (state, x, context))
    found = core(z, core.from_inputs(i), core.from_context(c))
    hidden = state + context @ w["control.weight"].T + w["control.bias"]
    assert np.allclose(found.detach().numpy(), gru_cell(w, x, hidden), atol=1e-12)


def test_a_gru_core_without_context_has_no_map_for_it() -> None:
    core, w = made(config.Gru(width=4), inputs=3)
    assert not any(name.startswith("control") for name in w)
    state, x = draw(2, 4), draw(2, 3, seed=2)
    found = core(torch.from_numpy(state), core.from_inputs(torch.from_numpy(x)))
    assert np.allclose(found.detach().numpy(), gru_cell(w, x, state), atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("width", [1, 7, 8, 15, 16, 33, 64, 100])  # rows that end in part of a
@pytest.mark.parametrize("batch", [1, 3, 32])  # vector register, and rows that don't
def test_a_gru_core_is_torchs_cell_bit_for_bit(batch, width, dtype) -> None:
    core, (state, x, context) = gru_case(batch, width, dtype)
    z, theirs = state, state
    inputs, mapped = core.from_inputs(x), core.from_context(context)
    for _ in range(3):
        z, theirs = (
            core(z, inputs, mapped),
            nn.GRUCell.forward(core.cell, x, theirs + core.control(context)),
        )
        assert torch.equal(z, theirs)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("width", [7, 32])
def test_maps_applied_once_sum_the_same_terms_in_another_order(width, dtype) -> None:
    """Of the gradients, those of the recursion are the same bit for bit, so are b's terms.

    What reaches the maps, g_t [T, B, ...], is added up over T updates before it meets the weights
    or the input; a cell's own map does so in each update. Any order of adding n products is off by
    at most γ_n Σ |terms|, γ_n = n u / (1 − n u) with the unit roundoff u (Higham, "Accuracy and
    Stability of Numerical Algorithms", section 3.1): two orders differ by twice that.
    """
    updates, batch = 4, 6
    core, leaves = gru_case(batch, width, dtype)
    state, x, context = leaves
    reaching: dict[str, list[torch.Tensor]] = {"inputs": [], "control": []}

    def run(once: bool) -> dict[str, torch.Tensor]:
        inputs, mapped = core.from_inputs(x), core.from_context(context)
        z = state
        for t in range(updates):
            if t and not once:
                inputs, mapped = core.from_inputs(x), core.from_context(context)
            if not once:  # what reaches each update's own maps
                inputs.register_hook(reaching["inputs"].append)
                mapped.register_hook(reaching["control"].append)
            z = core(z, inputs, mapped)
        named = {"state": state, "x": x, "context": context, **dict(core.named_parameters())}
        found = torch.autograd.grad(z.square().sum(), list(named.values()))
        return dict(zip(named, found, strict=True))

    once, each = run(True), run(False)
    for name in ("state", "cell.weight_hh", "cell.bias_hh"):
        assert torch.equal(once[name], each[name])
    g, c = (torch.stack(reaching[name]).abs().sum(0).double() for name in reaching)
    w, v = core.cell.weight_ih.abs().double(), core.control.weight.abs().double()
    sums = {  # Σ |terms|, and how many there are
        "x": (g @ w, updates * 3 * width),
        "context": (c @ v, updates * width),
        "cell.weight_ih": (g.T @ x.abs().double(), updates * batch),
        "cell.bias_ih": (g.sum(0), updates * batch),
        "control.weight": (c.T @ context.abs().double(), updates * batch),
        "control.bias": (c.sum(0), updates * batch),
    }
    different = 0
    for name, (terms, n) in sums.items():
        roundings = n * torch.finfo(dtype).eps / 2
        error = (once[name] - each[name]).abs().double()
        assert (error <= 2 * roundings / (1 - roundings) * terms).all()
        different += not torch.equal(once[name], each[name])
    assert different  # or there is nothing to bound


def gru_case(batch: int, width: int, dtype: torch.dtype):
    """A core with its state, input and context, all of which take gradients."""
    core, _ = made(config.Gru(width=width), inputs=3, context=5)
    leaves = [
        torch.from_numpy(draw(batch, size, seed=seed)).to(dtype).requires_grad_()
        for seed, size in enumerate((width, 3, 5))
    ]
    return core.to(dtype), leaves


def layer_norm(x: Floats, w: dict[str, Floats], name: str) -> Floats:
    z = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    return z * w[f"{name}.weight"] + w[f"{name}.bias"]


def rms_norm(x: Floats, w: dict[str, Floats], name: str) -> Floats:
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5)


def block(x: Floats, w: dict[str, Floats], i: int, norm, bias: bool) -> Floats:
    """One head, no positions: x ← norm(x + attention(x)), x ← norm(x + feed-forward(x)), [S, D]."""
    at = f"layers.{i}."

    def linear(name: str, x: Floats) -> Floats:
        return x @ w[f"{at}{name}.weight"].T + (w[f"{at}{name}.bias"] if bias else 0.0)

    q, k, v = np.split(linear("attention.qkv", x), 3, axis=1)
    scores = np.exp(q @ k.T / np.sqrt(q.shape[1]))
    x = x + linear("attention.out", scores / scores.sum(1, keepdims=True) @ v)
    x = norm(x, w, f"{at}norm_attention")
    gate, up = np.split(linear("feed_forward.gate_up", x), 2, axis=1)
    return norm(
        x + linear("feed_forward.down", gate * sigmoid(gate) * up), w, f"{at}norm_feed_forward"
    )


@pytest.mark.parametrize("every", [True, False])
@pytest.mark.parametrize(
    ("norm", "feed_forward", "reference"),
    [
        (config.LayerNorm(eps=1e-5), config.GatedMlp(inner=5), layer_norm),
        (config.RmsNorm(eps=1e-5, scale=False), config.SwiGlu(inner=5, fused=True), rms_norm),
    ],
)
def test_a_transformer_core_is_post_norm_and_injects_before_the_first_layer_or_each(
    norm, feed_forward, reference, every: bool
) -> None:
    bias = isinstance(feed_forward, config.GatedMlp)
    core, w = made(
        config.Transformer(
            width=6,
            layers=2,
            heads=1,
            norm=norm,
            feed_forward=feed_forward,
            bias=bias,
            inject_every_layer=every,
        ),
        inputs=6,
        context=6,
    )
    state, x, context = draw(2, 4, 6), draw(2, 4, 6, seed=2), draw(2, 4, 6, seed=3)

    def expected(injection: Floats) -> Floats:
        rows = []
        for z, added in zip(state, injection, strict=True):
            z = block(z + added, w, 0, reference, bias)
            rows.append(block(z + added if every else z, w, 1, reference, bias))
        return np.stack(rows)

    z, i, c = map(torch.from_numpy, (state, x, context))
    assert np.allclose(core(z, i, c).detach().numpy(), expected(x + context), atol=1e-12)
    assert np.allclose(core(z, i).detach().numpy(), expected(x), atol=1e-12)
    assert np.allclose(core(z, None).detach().numpy(), expected(0 * x), atol=1e-12)
