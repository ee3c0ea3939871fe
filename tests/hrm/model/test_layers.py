"""Norms, feed-forwards and attention against float64 references in numpy."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import ndtr
from torch import nn
from torch.nn import functional as F

from hrm import config
from hrm.errors import UserError
from hrm.model import layers
from hrm.model.registry import built

Floats = NDArray[np.float64]
properties = settings(max_examples=15, deadline=None, derandomize=True)


def randomised(module: nn.Module, seed: int = 0) -> nn.Module:
    """In float64, every parameter drawn anew, scales and shifts too."""
    generator = torch.Generator().manual_seed(seed)
    module.double()
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(torch.randn(p.shape, generator=generator, dtype=p.dtype) / 2)
    return module


def weights(module: nn.Module) -> dict[str, Floats]:
    return {name: p.detach().numpy() for name, p in module.named_parameters()}


def draw(*shape: int, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).standard_normal(shape)


def linear(w: dict[str, Floats], name: str, x: Floats) -> Floats:
    return x @ w[f"{name}.weight"].T + w.get(f"{name}.bias", 0.0)


def sigmoid(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-x))


def softmax(x: Floats) -> Floats:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def turned(x: Floats, theta: float) -> Floats:
    """Rotary positions of one head [S, E] as complex numbers: (x_i + j x_{i+E/2}) e^{j s ω_i}."""
    s, e = x.shape
    omega = theta ** (-np.arange(0, e, 2) / e)
    z = (x[:, : e // 2] + 1j * x[:, e // 2 :]) * np.exp(1j * np.arange(s)[:, None] * omega)
    return np.concatenate([z.real, z.imag], axis=1)


def attention(q: Floats, k: Floats, v: Floats, heads: int, theta: float | None = None) -> Floats:
    """One sequence, head by head: q [Q, D], k and v [S, D]."""
    e = q.shape[1] // heads
    parts = []
    for h in range(heads):
        cut = slice(h * e, (h + 1) * e)
        qh, kh = q[:, cut], k[:, cut]
        if theta is not None:
            qh, kh = turned(qh, theta), turned(kh, theta)
        parts.append(softmax(qh @ kh.T / math.sqrt(e)) @ v[:, cut])
    return np.concatenate(parts, axis=1)


def same(found: torch.Tensor, expected: Floats) -> bool:
    return np.allclose(found.detach().numpy(), expected, rtol=1e-10, atol=1e-12)


@properties
@given(width=st.integers(1, 9), eps=st.sampled_from([1e-8, 1e-5, 0.1]), seed=st.integers(0, 10**6))
def test_rms_norm_divides_by_the_root_of_the_mean_square(width: int, eps: float, seed: int) -> None:
    x = draw(4, width, seed=seed)
    expected = x / np.sqrt((x**2).mean(-1, keepdims=True) + eps)
    assert same(layers.RmsNorm(width, eps, scale=False)(torch.from_numpy(x)), expected)
    scaled = randomised(layers.RmsNorm(width, eps, scale=True))
    assert same(scaled(torch.from_numpy(x)), expected * weights(scaled)["weight"])


def test_rms_norm_without_scale_has_no_parameters_and_with_it_starts_at_one() -> None:
    assert list(layers.RmsNorm(5, 1e-5, scale=False).parameters()) == []
    (w,) = layers.RmsNorm(5, 1e-5, scale=True).parameters()
    assert w.tolist() == [1.0] * 5


def test_rms_norm_of_half_precision_is_computed_in_float32() -> None:
    x = (torch.arange(1, 9) * 300.0).to(torch.float16)  # their squares overflow float16
    found = layers.RmsNorm(8, 1e-5, scale=False)(x)
    assert found.dtype == torch.float16
    exact = x.double().numpy() / np.sqrt((x.double().numpy() ** 2).mean())
    assert np.allclose(found.double().numpy(), exact, rtol=1e-3)


def test_layer_norm_has_scale_and_shift() -> None:
    made = randomised(built(config.LayerNorm(eps=1e-3), 6))
    x, w = draw(3, 6), weights(made)
    z = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-3)
    assert same(made(torch.from_numpy(x)), z * w["weight"] + w["bias"])


@pytest.mark.parametrize(
    ("activation", "formula"),
    [
        ("relu", lambda x: np.maximum(x, 0)),
        ("gelu", lambda x: x * ndtr(x)),
        ("silu", lambda x: x * sigmoid(x)),
    ],
)
def test_an_mlp_is_two_maps_with_bias_and_an_activation_between_them(activation, formula) -> None:
    made = randomised(built(config.Mlp(inner=5, activation=activation), 4))
    x, w = draw(3, 4), weights(made)
    assert set(w) == {"up.weight", "up.bias", "down.weight", "down.bias"}
    hidden = formula(linear(w, "up", x))
    assert same(made(torch.from_numpy(x)), linear(w, "down", hidden))


@pytest.mark.parametrize("wrong", [{"inner": 0}, {"inner": 4, "activation": "softmax"}])
def test_an_mlp_of_no_width_or_with_another_activation_is_refused(wrong) -> None:
    with pytest.raises(UserError, match="allowed is"):
        config.Mlp(**wrong)


def test_a_gated_mlp_is_one_fused_map_gate_first_and_a_down_map_with_bias() -> None:
    made = randomised(built(config.GatedMlp(inner=5), 4))
    x, w = draw(3, 4), weights(made)
    assert set(w) == {"gate_up.weight", "gate_up.bias", "down.weight", "down.bias"}
    both = linear(w, "gate_up", x)
    gate, up = both[:, :5], both[:, 5:]
    assert same(made(torch.from_numpy(x)), linear(w, "down", gate * sigmoid(gate) * up))


@pytest.mark.parametrize("fused", [True, False])
def test_a_swiglu_has_no_bias_and_may_be_fused(fused: bool) -> None:
    made = randomised(built(config.SwiGlu(inner=5, fused=fused), 4))
    x, w = draw(2, 3, 4), weights(made)
    if fused:
        assert set(w) == {"gate_up.weight", "down.weight"}
        gate, up = x @ w["gate_up.weight"][:5].T, x @ w["gate_up.weight"][5:].T
    else:
        assert set(w) == {"gate.weight", "up.weight", "down.weight"}
        gate, up = x @ w["gate.weight"].T, x @ w["up.weight"].T
    assert same(made(torch.from_numpy(x)), (gate * sigmoid(gate) * up) @ w["down.weight"].T)


@pytest.mark.parametrize("rotary", [None, 10_000.0, 3.0])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("heads", [1, 3])
def test_self_attention_is_softmax_of_turned_queries_and_keys(
    rotary: float | None, bias: bool, heads: int
) -> None:
    made = randomised(layers.SelfAttention(12, heads, bias=bias))
    turn = None if rotary is None else layers.Rotary(7, 12 // heads, rotary).double()
    x, w = draw(2, 5, 12), weights(made)
    assert ("qkv.bias" in w, "out.bias" in w) == (bias, bias)
    expected = []
    for sequence in x:
        q, k, v = np.split(linear(w, "qkv", sequence), 3, axis=1)
        expected.append(linear(w, "out", attention(q, k, v, heads, rotary)))
    found = made(torch.from_numpy(x), turn).detach().numpy()
    # The tables are made in float32, whatever the type of the input.
    assert np.allclose(found, np.stack(expected), atol=1e-12 if rotary is None else 1e-6)


def test_attention_over_one_position_is_its_value_and_asks_nothing() -> None:
    module = randomised(layers.SelfAttention(8, heads=2, bias=True))
    x = torch.from_numpy(draw(3, 1, 8))
    found = module(x, None)
    w = weights(module)
    value = linear(w, "qkv", x.numpy())[..., 16:]
    np.testing.assert_allclose(found.detach().numpy(), linear(w, "out", value), atol=1e-12)
    found.square().sum().backward()
    weight, bias = module.qkv.weight.grad, module.qkv.bias.grad
    for gradient in (weight, bias):
        assert not gradient[:16].any(), "of one key, the softmax is one"
        assert gradient[16:].all()


def test_attention_without_positions_ignores_their_order_and_rotary_attention_does_not() -> None:
    x, order = torch.from_numpy(draw(1, 6, 8)), torch.tensor([3, 0, 5, 1, 4, 2])
    made = randomised(layers.SelfAttention(8, 2, bias=True))
    assert torch.allclose(made(x, None)[:, order], made(x[:, order], None))
    rotary = layers.Rotary(6, 4, 1e4).double()
    assert not torch.allclose(made(x, rotary)[:, order], made(x[:, order], rotary))


@properties
@given(shift=st.integers(0, 20), seed=st.integers(0, 10**6))
def test_rotary_products_depend_on_the_distance_alone(shift: int, seed: int) -> None:
    q, k = draw(2, 6, seed=seed)
    long = np.zeros((24 + 3, 6))
    long[[shift, shift + 3]] = q, k
    x = torch.from_numpy(long)[None, :, None, None]
    there = layers.Rotary(27, 6, 100.0)(x)[0, :, 0, 0].numpy()
    near = turned(np.stack([q, q, q, k]), 100.0)
    assert np.isclose(there[shift] @ there[shift + 3], q @ near[3], atol=1e-5)


def test_rotary_tables_are_float32_and_keep_the_inputs_type() -> None:
    made = layers.Rotary(3, 4, 1e4)
    assert made.cos.dtype == made.sin.dtype == torch.float32
    x = torch.linspace(1, 2, 24).view(1, 3, 1, 2, 4)
    turned = made(x.bfloat16())
    assert turned.dtype == torch.bfloat16
    assert torch.equal(turned, made(x.bfloat16().float()).bfloat16())  # rounded once, at the end
    assert not made.state_dict()  # computed, not stored


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float32, torch.float64])
def test_a_maps_weights_take_the_precision_of_its_input(kind: torch.dtype) -> None:
    made = layers.Linear(4, 3)
    x = torch.from_numpy(draw(2, 4)).to(kind)
    found = made(x)
    assert found.dtype == kind
    assert torch.equal(found, F.linear(x, made.weight.to(kind), made.bias.to(kind)))
    found.sum().backward()
    assert made.weight.dtype == made.weight.grad.dtype == torch.float32


@properties
@given(width=st.integers(1, 9), eps=st.sampled_from([1e-8, 0.1]), seed=st.integers(0, 10**6))
def test_root_norm_adds_its_epsilon_to_the_root(width: int, eps: float, seed: int) -> None:
    x = draw(4, width, seed=seed)
    made = randomised(layers.RootNorm(width, eps))
    root = np.sqrt((x**2).mean(-1, keepdims=True))
    assert same(made(torch.from_numpy(x)), weights(made)["weight"] * x / (root + eps))


def test_root_norm_has_a_finite_gradient_at_zero() -> None:
    x = torch.zeros(2, 3, requires_grad=True)
    layers.RootNorm(3, 1e-8)(x).sum().backward()
    assert x.grad.isfinite().all()


def test_layer_norm_of_half_precision_is_computed_in_float32() -> None:
    made = layers.LayerNorm(8)
    x = (torch.arange(1, 9) * 300.0).to(torch.bfloat16)
    assert torch.equal(made(x), made(x.float()).bfloat16())


@pytest.mark.parametrize("query_width", [None, 7])
def test_cross_attention_reads_keys_and_values_from_memory(query_width: int | None) -> None:
    made = randomised(layers.CrossAttention(8, 2, query_width=query_width))
    x, memory, w = draw(3, 2, query_width or 8), draw(3, 5, 8, seed=2), weights(made)
    expected = []
    for asked, kept in zip(x, memory, strict=True):
        q = linear(w, "query", linear(w, "from_query", asked) if query_width else asked)
        read = attention(q, linear(w, "key", kept), linear(w, "value", kept), heads=2)
        expected.append(linear(w, "out", read))
    assert same(made(torch.from_numpy(x), torch.from_numpy(memory)), np.stack(expected))


@pytest.mark.parametrize("std", [1.0, 0.02])
def test_a_truncated_normal_has_its_standard_deviation_after_the_cut(std: float) -> None:
    torch.manual_seed(0)
    weight = torch.empty(400_000, dtype=torch.float64)
    layers.truncated_normal(weight, std)
    assert weight.std().item() == pytest.approx(std, rel=4e-3)
    assert abs(weight.mean().item()) < 5 * std / math.sqrt(len(weight))
    # Cut at two standard deviations of the normal before the cut, whose own was std / 0.8796.
    assert weight.abs().max().item() == pytest.approx(2 * std / 0.87962566, rel=1e-3)
    assert weight.abs().max().item() <= 2 * std / 0.8796256
