"""Cores against float64 references: the GRU's equations, and post-norm blocks."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from hrm import config, cores

Floats = NDArray[np.float64]


def made(part: config.Gru | config.Transformer, inputs: int = 3, context: int | None = None):
    generator = torch.Generator().manual_seed(5)
    core = cores.core(part, 4, inputs, context).double()
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
    found = core(*map(torch.from_numpy, (state, x, context)))
    hidden = state + context @ w["control.weight"].T + w["control.bias"]
    assert np.allclose(found.detach().numpy(), gru_cell(w, x, hidden), atol=1e-12)


def test_a_gru_core_without_context_has_no_map_for_it() -> None:
    core, w = made(config.Gru(width=4), inputs=3)
    assert not any(name.startswith("control") for name in w)
    state, x = draw(2, 4), draw(2, 3, seed=2)
    found = core(torch.from_numpy(state), torch.from_numpy(x))
    assert np.allclose(found.detach().numpy(), gru_cell(w, x, state), atol=1e-12)


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
