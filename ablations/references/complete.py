"""Straight-line weights and blocks of the system `complete`; they share no code with the package.

Source: the section "complete" of the systems' description (document `complete`, gaps filled from
its public code). There are two arms of one architecture, `complete_coded` and
`complete_documented`. B batch, S positions, X input_dim, C output_dim, D_L and D_H the widths,
I = int(2.67 D) of either level, E the width of a head.

Weights (`weights[name]`, every map is `y = x Wᵀ (+ b)`):

    input.weight, .bias              [D_L, X], [D_L]      W
    low.<i>.{q, k, v, o}             [D_L, D_L]
    low.<i>.{gate, up}, low.<i>.down [I, D_L], [D_L, I]
    low.<i>.{norm1, norm2}           [D_L]                after attention, after the feed-forward
    high.<i>.…                       the same with D_H
    high_to_low.weight, .bias        [D_L, D_H], [D_L]    W_hl
    low_to_high.weight, .bias        [D_H, D_L], [D_H]    W_lh
    output.weight, .bias             [C, D_L], [C]        W_o
    coded:      halt1.weight, .bias  [D_L // 2, D_L], [D_L // 2]
                halt2.weight, .bias  [1, D_L // 2], [1]
    documented: q_head.weight, .bias [2, D_H], [2]        rows: halt, continue

Interpretations of ambiguous text:

- Everything is computed in the dtype of the weights, including rotary tables unless
  `Sizes.rotary_dtype` is set (the text of this system names none).
- "N(0, 1/fan_in)" is a variance: the standard deviation is 1/√fan_in. It applies to all linear
  weights; norm scales start at 1. The text doesn't mention the initial Q head, which is like
  others.
- Clipping: all gradients together, scaled by min(1, 1 / (norm + 1e-6)), before any optimiser.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ablations.references.blocks import Weights, rotary_tables, rotate

Batch = dict[str, Tensor]  # inputs [B, S, X] real, labels [B, S] integers, −100 is ignored


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Settings of both arms that the shapes of the weights don't determine."""

    low_layers: int
    high_layers: int
    low_heads: int
    high_heads: int
    max_steps: int = 10
    rotary_dtype: torch.dtype | None = None  # None: the weights' own


def weight_shapes(
    sizes: Sizes, arm: str, *, low: int, high: int, inputs: int = 1, outputs: int = 10
) -> dict[str, tuple[int, ...]]:
    """Names and shapes of all weights of an arm, "coded" or "documented"."""
    shapes: dict[str, tuple[int, ...]] = {"input.weight": (low, inputs), "input.bias": (low,)}
    for level, layers, width in (("low", sizes.low_layers, low), ("high", sizes.high_layers, high)):
        inner = int(2.67 * width)
        for i in range(layers):
            for name in ("q", "k", "v", "o"):
                shapes[f"{level}.{i}.{name}"] = (width, width)
            shapes[f"{level}.{i}.gate"] = (inner, width)
            shapes[f"{level}.{i}.up"] = (inner, width)
            shapes[f"{level}.{i}.down"] = (width, inner)
            shapes[f"{level}.{i}.norm1"] = (width,)
            shapes[f"{level}.{i}.norm2"] = (width,)
    shapes["high_to_low.weight"], shapes["high_to_low.bias"] = (low, high), (low,)
    shapes["low_to_high.weight"], shapes["low_to_high.bias"] = (high, low), (high,)
    shapes["output.weight"], shapes["output.bias"] = (outputs, low), (outputs,)
    if arm == "coded":
        shapes["halt1.weight"], shapes["halt1.bias"] = (low // 2, low), (low // 2,)
        shapes["halt2.weight"], shapes["halt2.bias"] = (1, low // 2), (1,)
    else:
        shapes["q_head.weight"], shapes["q_head.bias"] = (2, high), (2,)
    return shapes


def linear(weights: Weights, name: str, x: Tensor) -> Tensor:
    """`x Wᵀ + b`."""
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def rms_norm(x: Tensor, scale: Tensor) -> Tensor:
    """`w · x / (rms + 1e-8)`, rms = √(mean x²) over the width."""
    rms = torch.sqrt((x * x).mean(dim=-1, keepdim=True))
    return scale * x / (rms + 1e-8)


def attention(weights: Weights, name: str, heads: int, sizes: Sizes, x: Tensor) -> Tensor:
    """`softmax(Q Kᵀ / √E) V` per head, not causal, [B, S, D] → [B, S, D]."""
    batch, length, width = x.shape
    head_width = width // heads
    q = (x @ weights[f"{name}.q"].T).view(batch, length, heads, head_width).transpose(1, 2)
    k = (x @ weights[f"{name}.k"].T).view(batch, length, heads, head_width).transpose(1, 2)
    v = (x @ weights[f"{name}.v"].T).view(batch, length, heads, head_width).transpose(1, 2)
    cosine, sine = rotary_tables(length, head_width, sizes.rotary_dtype or x.dtype)
    q = rotate(q, cosine, sine)
    k = rotate(k, cosine, sine)
    scores = q @ k.transpose(2, 3) / math.sqrt(head_width)
    mixed = torch.softmax(scores, dim=-1) @ v
    mixed = mixed.transpose(1, 2).reshape(batch, length, width)
    return mixed @ weights[f"{name}.o"].T


def swiglu(weights: Weights, name: str, x: Tensor) -> Tensor:
    """`down(silu(gate) · up)`."""
    gate = x @ weights[f"{name}.gate"].T
    up = x @ weights[f"{name}.up"].T
    return (gate * torch.sigmoid(gate) * up) @ weights[f"{name}.down"].T


def network(weights: Weights, level: str, sizes: Sizes, x: Tensor) -> Tensor:
    """The post-norm blocks of a level, "low" or "high"."""
    layers, heads = sizes.low_layers, sizes.low_heads
    if level == "high":
        layers, heads = sizes.high_layers, sizes.high_heads
    for i in range(layers):
        name = f"{level}.{i}"
        attended = attention(weights, name, heads, sizes, x)
        x = rms_norm(x + attended, weights[f"{name}.norm1"])
        x = rms_norm(x + swiglu(weights, name, x), weights[f"{name}.norm2"])
    return x


def fresh_states(weights: Weights, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """z_L = W x, z_H = 0."""
    z_low = linear(weights, "input", inputs)
    z_high = torch.zeros(*z_low.shape[:2], weights["low_to_high.bias"].shape[0], dtype=z_low.dtype)
    return z_low, z_high


def gradients_of(total: Tensor, leaves: Weights) -> dict[str, Tensor | None]:
    """Gradient of a scalar with respect to every leaf, by name; None if it doesn't depend on it."""
    gradients = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
    return dict(zip(leaves, gradients, strict=True))


def clip(gradients: dict[str, Tensor | None], limit: float) -> dict[str, Tensor | None]:
    """All gradients times min(1, limit / (their joint norm + 1e-6))."""
    squares = [(g * g).sum() for g in gradients.values() if g is not None]
    norm = torch.sqrt(torch.stack(squares).sum())
    factor = (limit / (norm + 1e-6)).clamp(max=1)
    return {name: None if g is None else g * factor for name, g in gradients.items()}
