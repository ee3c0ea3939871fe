"""Norms, feed-forwards and attention: what a block is made of.

Shapes: B batch, S positions (or keys), Q queries, D width, H heads, E = D / H.
"""

import functools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hrm import config


class RmsNorm(nn.Module):
    """y = w · x / sqrt(mean(x²) + ε), the mean over the last dimension, in float32 at least.

    Args:
        width: D, the last dimension.
        eps: ε.
        scale: Whether w is learned, or one.

    Source: Zhang & Sennrich, "Root Mean Square Layer Normalization" (2019), eq. 4.
    """

    def __init__(self, width: int, eps: float, scale: bool) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width)) if scale else None

    def forward(self, x: Tensor) -> Tensor:
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        return F.rms_norm(wide, wide.shape[-1:], self.weight, self.eps).to(x.dtype)

    def extra_repr(self) -> str:
        scale = None if self.weight is None else len(self.weight)
        return f"scale={scale}, eps={self.eps}"


class GatedFeedForward(nn.Module):
    """y = W_down(silu(W_gate x) ⊙ W_up x).

    Args:
        width: D. inner: width of gate and up.
        bias: Whether the maps have one.
        fused: Whether gate and up are one map, gate first, or two.

    Source: Shazeer, "GLU Variants Improve Transformer" (2020), eq. 6.
    """

    def __init__(self, width: int, inner: int, *, bias: bool, fused: bool) -> None:
        super().__init__()
        self.gate_up = nn.Linear(width, 2 * inner, bias=bias) if fused else None
        self.gate = None if fused else nn.Linear(width, inner, bias=bias)
        self.up = None if fused else nn.Linear(width, inner, bias=bias)
        self.down = nn.Linear(inner, width, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        if self.gate_up is not None:
            gate, up = self.gate_up(x).chunk(2, dim=-1)
        else:
            assert self.gate is not None and self.up is not None
            gate, up = self.gate(x), self.up(x)
        y: Tensor = self.down(F.silu(gate) * up)
        return y


class SelfAttention(nn.Module):
    """softmax(Q Kᵀ / sqrt(E)) V over the positions of each sequence, not causal.

    One fused map makes queries, keys and values, in this order.

    Args:
        rotary: Base frequency θ of rotary positions, None for none.

    Sources: Vaswani et al. (2017), eq. 1; Su et al., "RoFormer" (2021), eq. 34.
    """

    def __init__(self, width: int, heads: int, *, bias: bool, rotary: float | None) -> None:
        super().__init__()
        self.heads = heads
        self.rotary = rotary
        self.qkv = nn.Linear(width, 3 * width, bias=bias)
        self.out = nn.Linear(width, width, bias=bias)

    def forward(self, x_BSD: Tensor) -> Tensor:
        b, s, d = x_BSD.shape
        qkv = self.qkv(x_BSD).view(b, s, 3, self.heads, d // self.heads)
        if self.rotary is not None:
            turned = rotate(qkv[:, :, :2], self.rotary)
            (q, k), v = turned.unbind(2), qkv[:, :, 2]
        else:
            q, k, v = qkv.unbind(2)
        q, k, v = (t.transpose(1, 2) for t in (q, k, v))
        y: Tensor = self.out(_join(F.scaled_dot_product_attention(q, k, v)))
        return y

    def extra_repr(self) -> str:
        return f"heads={self.heads}, rotary={self.rotary}"


class CrossAttention(nn.Module):
    """softmax(Q Kᵀ / sqrt(E)) V with queries from one source, keys and values from another.

    Four biased maps: query, key, value, output.

    Args:
        width: D of keys, values and result.
        query_width: Width of what the queries are made from; another than D adds a map to D first.

    Source: document v2, "Sequence Attention Mathematics"; Vaswani et al. (2017), eq. 1.
    """

    def __init__(self, width: int, heads: int, query_width: int | None = None) -> None:
        super().__init__()
        self.heads = heads
        self.from_query = None if query_width is None else nn.Linear(query_width, width)
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.out = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x_BQD: Tensor, memory_BSD: Tensor) -> Tensor:
        if self.from_query is not None:
            x_BQD = self.from_query(x_BQD)
        q = _split(self.query(x_BQD), self.heads)
        k, v = _split(self.key(memory_BSD), self.heads), _split(self.value(memory_BSD), self.heads)
        y: Tensor = self.out(_join(F.scaled_dot_product_attention(q, k, v)))
        return y


def rotate(x_BSNHE: Tensor, theta: float) -> Tensor:
    """Rotate each pair (x_i, x_{i + E/2}) of the last dimension by the angle s · θ^(−2i/E).

    (x_i cos − x_{i+E/2} sin, x_{i+E/2} cos + x_i sin): the halves change places, the sine carries
    the sign.
    """
    _, s, _, _, e = x_BSNHE.shape
    cos, sin = rotary_tables(s, e, theta, x_BSNHE.dtype, x_BSNHE.device)
    return (x_BSNHE * cos + x_BSNHE.roll(e // 2, -1) * sin).to(x_BSNHE.dtype)


@functools.lru_cache(maxsize=16)
def rotary_tables(
    positions: int, size: int, theta: float, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return cos and signed sin of s · θ^(−2i/E), [S, 1, 1, E], in float32 at least."""
    with torch.inference_mode(mode=False):  # kept: training may ask for what inference made
        wide = torch.promote_types(dtype, torch.float32)
        frequencies = theta ** -(torch.arange(0, size, 2, dtype=wide, device=device) / size)
        angles = torch.outer(torch.arange(positions, dtype=wide, device=device), frequencies)
        cos, sin = angles.cos(), angles.sin()
        tables = torch.cat([cos, cos], -1), torch.cat([-sin, sin], -1)
        return tables[0][:, None, None], tables[1][:, None, None]


def norm(part: config.RmsNorm | config.LayerNorm, width: int) -> nn.Module:
    """Build a norm."""
    match part:
        case config.RmsNorm(eps=eps, scale=scale):
            return RmsNorm(width, eps, scale)
        case config.LayerNorm(eps=eps):
            return nn.LayerNorm(width, eps=eps)


def feed_forward(part: config.GatedMlp | config.SwiGlu, width: int) -> GatedFeedForward:
    """Build a feed-forward."""
    match part:
        case config.GatedMlp(inner=inner):
            return GatedFeedForward(width, inner, bias=True, fused=True)
        case config.SwiGlu(inner=inner, fused=fused):
            return GatedFeedForward(width, inner, bias=False, fused=fused)


def truncated_normal(weight: Tensor, std: float) -> None:
    """Fill with a normal cut at ± 2 and rescaled so that its standard deviation is `std` exactly.

    The standard deviation of a standard normal cut at ± c is sqrt(1 − 2cφ(c)/(2Φ(c) − 1)).
    """
    c = 2.0
    density = math.exp(-(c**2) / 2) / math.sqrt(2 * math.pi)
    left = math.sqrt(1 - 2 * c * density / math.erf(c / math.sqrt(2)))
    with torch.no_grad():
        nn.init.trunc_normal_(weight, std=1.0, a=-c, b=c).mul_(std / left)


def _split(x_BSD: Tensor, heads: int) -> Tensor:
    b, s, d = x_BSD.shape
    return x_BSD.view(b, s, heads, d // heads).transpose(1, 2)


def _join(x_BHSE: Tensor) -> Tensor:
    b, h, s, e = x_BHSE.shape
    return x_BHSE.transpose(1, 2).reshape(b, s, h * e)
