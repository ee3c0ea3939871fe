"""Straight-line blocks of the public systems; they share no code with `hrm`.

Source: the section "act-v1" of the systems' description, whose blocks "One tiny network" and the
plain transformer keep. T positions (the prefix included), D width, I inner width of SwiGLU,
E = D / heads.

Weights of block `<level>.<i>` (every map is `y = x Wᵀ`):

    <level>.<i>.qkv      [3D, D]  rows: queries of all heads, then keys, then values
    <level>.<i>.out      [D, D]
    <level>.<i>.gate_up  [2I, D]  rows: gate, then up
    <level>.<i>.down     [D, I]

Everything is computed in the dtype of the weights, RMSNorm too, which the text computes "in
float32". The rotary tables are computed in `Heads.rotary_dtype`, float32 as in the text, and then
cast.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

Weights = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Heads:
    """Settings of attention that the shapes of the weights don't determine."""

    heads: int
    rotary: bool = True  # otherwise learned positions
    rotary_dtype: torch.dtype = torch.float32


def rms_norm(x: Tensor) -> Tensor:
    """`x / √(mean x² + 1e-5)` over the width, without a weight."""
    return x * torch.rsqrt((x * x).mean(dim=-1, keepdim=True) + 1e-5)


def rotary_tables(length: int, head_width: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Cosine and sine of `position · 10000^(−2i/E)`, [length, E], the frequencies twice."""
    exponents = torch.arange(0, head_width, 2, dtype=dtype) / head_width
    frequencies = 1.0 / (10_000.0**exponents)
    angles = torch.outer(torch.arange(length, dtype=dtype), frequencies)
    angles = torch.cat([angles, angles], dim=-1)
    return torch.cos(angles), torch.sin(angles)


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Half rotation: (a, b) → (a cos − b sin, b cos + a sin), a and b the halves of a head."""
    half = x.shape[-1] // 2
    turned = torch.cat([-x[..., half:], x[..., :half]], dim=-1)
    return x * cosine.to(x.dtype) + turned * sine.to(x.dtype)


def attention(weights: Weights, name: str, sizes: Heads, x: Tensor) -> Tensor:
    """`softmax(Q Kᵀ / √E) V` per head, not causal, [B, T, D] → [B, T, D]."""
    batch, length, width = x.shape
    head_width = width // sizes.heads
    qkv = x @ weights[f"{name}.qkv"].T
    # [B, T, D] each, then [B, heads, T, E]
    q = qkv[:, :, 0 * width : 1 * width].view(batch, length, sizes.heads, head_width)
    k = qkv[:, :, 1 * width : 2 * width].view(batch, length, sizes.heads, head_width)
    v = qkv[:, :, 2 * width : 3 * width].view(batch, length, sizes.heads, head_width)
    q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
    if sizes.rotary:
        cosine, sine = rotary_tables(length, head_width, sizes.rotary_dtype)
        q = rotate(q, cosine, sine)
        k = rotate(k, cosine, sine)
    scores = q @ k.transpose(2, 3) / math.sqrt(head_width)
    mixed = torch.softmax(scores, dim=-1) @ v
    mixed = mixed.transpose(1, 2).reshape(batch, length, width)
    return mixed @ weights[f"{name}.out"].T


def swiglu(weights: Weights, name: str, x: Tensor) -> Tensor:
    """`down(silu(gate) · up)`."""
    gate_up = x @ weights[f"{name}.gate_up"].T
    inner = gate_up.shape[-1] // 2
    gate = gate_up[..., :inner]
    up = gate_up[..., inner:]
    return (gate * torch.sigmoid(gate) * up) @ weights[f"{name}.down"].T


def network(
    weights: Weights, level: str, layers: int, sizes: Heads, z: Tensor, injection: Tensor
) -> Tensor:
    """The network of a level: `z + injection`, then its post-norm blocks."""
    z = z + injection
    for i in range(layers):
        z = rms_norm(z + attention(weights, f"{level}.{i}", sizes, z))
        z = rms_norm(z + swiglu(weights, f"{level}.{i}", z))
    return z
