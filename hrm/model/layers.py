"""Norms, feed-forward networks and attention: the parts of a block.

Shapes: B batch, S positions (or keys), Q queries, D width, H heads, E = D / H.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hrm import config
from hrm.model.registry import builds


class Linear(nn.Linear):
    """y = W x + b, with weights cast to the precision of x.

    The optimiser's weights stay float32 where activations are bfloat16.
    """

    def forward(self, x: Tensor) -> Tensor:
        bias: Tensor | None = self.bias  # torch declares a tensor, and stores None without bias
        bias = None if bias is None else bias.to(x.dtype)
        return F.linear(x, self.weight.to(x.dtype), bias)

    def last(self, n: int, x: Tensor) -> Tensor:
        """Return the last n entries of y only."""
        bias: Tensor | None = self.bias
        bias = None if bias is None else bias[-n:].to(x.dtype)
        return F.linear(x, self.weight[-n:].to(x.dtype), bias)


class Dropout(nn.Dropout):
    """y = x ⊙ mask / (1 − p) in training; masks may be drawn beforehand.

    Attributes:
        given: Masks of the next calls, in order, divided by 1 − p; None to draw them here.
        calls: A list to which each call appends itself and the shape of x instead of dropping
            anything; None in normal use.
    """

    def __init__(self, p: float) -> None:
        super().__init__(p)
        self.given: list[Tensor] = []
        self.calls: list[tuple[Dropout, torch.Size]] | None = None

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        if self.given:
            return x * self.given.pop(0).to(x.dtype)
        if self.calls is not None:
            self.calls.append((self, x.shape))
            return x
        return super().forward(x)

    def draw(self, shape: torch.Size, like: Tensor) -> Tensor:
        """Draw the mask that a call with x of this shape would draw, with the type of `like`."""
        return F.dropout(like.new_ones(shape), self.p)


class RmsNorm(nn.Module):
    """y = w · x / sqrt(mean(x²) + ε), the mean over the last dimension, in float32 at least.

    Args:
        width: D, the last dimension.
        eps: ε.
        scale: Whether w is learned; otherwise it is one.

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


class RootNorm(nn.Module):
    """y = w · x / (sqrt(mean(x²)) + ε), in float32 at least; differentiable at x = 0.

    Source: document complete, whose code adds ε to the root.
    """

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        root = torch.linalg.vector_norm(wide, dim=-1, keepdim=True) / math.sqrt(wide.shape[-1])
        y: Tensor = self.weight * (wide / (root + self.eps))
        return y.to(x.dtype)

    def extra_repr(self) -> str:
        return f"scale={len(self.weight)}, eps={self.eps}"


class LayerNorm(nn.LayerNorm):
    """y = w · (x − mean) / sqrt(variance + ε) + b over the last dimension, in float32 at least."""

    def forward(self, x: Tensor) -> Tensor:
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        return super().forward(wide).to(x.dtype)


class FeedForward(nn.Module):
    """y = W_down σ(W_up x), both maps with bias.

    Args:
        width: D.
        inner: Width between the maps.
        activation: σ, by its name in `torch.nn.functional`.

    Source: Vaswani et al. (2017), eq. 2.
    """

    def __init__(self, width: int, inner: int, activation: str) -> None:
        super().__init__()
        self.up, self.down = Linear(width, inner), Linear(inner, width)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.down(getattr(F, self.activation)(self.up(x)))
        return y

    def extra_repr(self) -> str:
        return f"activation={self.activation}"


class GatedFeedForward(nn.Module):
    """y = W_down(silu(W_gate x) ⊙ W_up x).

    Args:
        width: D.
        inner: Width of gate and up.
        bias: Whether the maps have a bias.
        fused: Whether gate and up are one map, gate first; otherwise they are two maps.

    Source: Shazeer, "GLU Variants Improve Transformer" (2020), eq. 6.
    """

    def __init__(self, width: int, inner: int, *, bias: bool, fused: bool) -> None:
        super().__init__()
        self.gate_up = Linear(width, 2 * inner, bias=bias) if fused else None
        self.gate = None if fused else Linear(width, inner, bias=bias)
        self.up = None if fused else Linear(width, inner, bias=bias)
        self.down = Linear(inner, width, bias=bias)

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

    One fused map computes queries, keys and values, in this order.

    Source: Vaswani et al. (2017), eq. 1.
    """

    def __init__(self, width: int, heads: int, *, bias: bool) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = Linear(width, 3 * width, bias=bias)
        self.out = Linear(width, width, bias=bias)

    def forward(self, x_BSD: Tensor, rotary: "Rotary | None") -> Tensor:
        b, s, d = x_BSD.shape
        if s == 1:  # the softmax over one key is one, so that query and key aren't computed
            value: Tensor = self.out(self.qkv.last(d, x_BSD))
            return value
        qkv = self.qkv(x_BSD).view(b, s, 3, self.heads, d // self.heads)
        if rotary is not None:
            qk, v = qkv.split((2, 1), dim=2)  # its backward concatenates; slices' would add
            (q, k), v = rotary(qk).unbind(2), v.squeeze(2)
        else:
            q, k, v = qkv.unbind(2)
        q, k, v = (t.transpose(1, 2) for t in (q, k, v))
        y: Tensor = self.out(_join(F.scaled_dot_product_attention(q, k, v)))
        return y

    def extra_repr(self) -> str:
        return f"heads={self.heads}"


class Rotary(nn.Module):
    """Rotates each pair (x_i, x_{i + E/2}) of the last dimension by the angle s · θ^(−2i/E).

    The result is (x_i cos − x_{i+E/2} sin, x_{i+E/2} cos + x_i sin). The tables of sine and cosine
    are float32.

    Args:
        positions: The largest S.
        size: E, the width of a head.
        theta: θ, the base frequency.

    Source: Su et al., "RoFormer" (2021), eq. 34.
    """

    cos: Tensor
    sin: Tensor

    def __init__(self, positions: int, size: int, theta: float) -> None:
        super().__init__()
        self.theta = theta
        frequencies = 1 / theta ** (torch.arange(0, size, 2, dtype=torch.float32) / size)
        angles = torch.outer(torch.arange(positions, dtype=torch.float32), frequencies)
        cos, sin = angles.cos(), angles.sin()
        for name, table in (("cos", [cos, cos]), ("sin", [-sin, sin])):
            self.register_buffer(name, torch.cat(table, -1)[:, None, None], persistent=False)

    def forward(self, x_BSNHE: Tensor) -> Tensor:
        s, e = x_BSNHE.shape[1], x_BSNHE.shape[-1]
        turned = x_BSNHE * self.cos[:s] + x_BSNHE.roll(e // 2, -1) * self.sin[:s]
        return turned.to(x_BSNHE.dtype)

    def extra_repr(self) -> str:
        return f"positions={len(self.cos)}, theta={self.theta:g}"


class CrossAttention(nn.Module):
    """softmax(Q Kᵀ / sqrt(E)) V with queries from one source, keys and values from another.

    It has four linear maps with bias: query, key, value and output.

    Args:
        width: D of keys, values and result.
        query_width: Width of the source of the queries; if it isn't D, a map to D is applied first.

    Source: document v2, "Sequence Attention Mathematics"; Vaswani et al. (2017), eq. 1.
    """

    def __init__(self, width: int, heads: int, query_width: int | None = None) -> None:
        super().__init__()
        self.heads = heads
        self.from_query = None if query_width is None else Linear(query_width, width)
        self.query, self.key = Linear(width, width), Linear(width, width)
        self.value, self.out = Linear(width, width), Linear(width, width)

    def forward(self, x_BQD: Tensor, memory_BSD: Tensor) -> Tensor:
        if self.from_query is not None:
            x_BQD = self.from_query(x_BQD)
        q = _split(self.query(x_BQD), self.heads)
        k, v = _split(self.key(memory_BSD), self.heads), _split(self.value(memory_BSD), self.heads)
        y: Tensor = self.out(_join(F.scaled_dot_product_attention(q, k, v)))
        return y


@builds(config.RmsNorm)
def _rms_norm(part: config.RmsNorm, width: int) -> RmsNorm:
    return RmsNorm(width, part.eps, part.scale)


@builds(config.RootNorm)
def _root_norm(part: config.RootNorm, width: int) -> RootNorm:
    return RootNorm(width, part.eps)


@builds(config.LayerNorm)
def _layer_norm(part: config.LayerNorm, width: int) -> LayerNorm:
    return LayerNorm(width, eps=part.eps)


@builds(config.Mlp)
def _mlp(part: config.Mlp, width: int) -> FeedForward:
    return FeedForward(width, part.inner, part.activation)


@builds(config.GatedMlp)
def _gated_mlp(part: config.GatedMlp, width: int) -> GatedFeedForward:
    return GatedFeedForward(width, part.inner, bias=True, fused=True)


@builds(config.SwiGlu)
def _swi_glu(part: config.SwiGlu, width: int) -> GatedFeedForward:
    return GatedFeedForward(width, part.inner, bias=False, fused=part.fused)


def truncated_normal(weight: Tensor, std: float, generator: torch.Generator | None = None) -> None:
    """Fill with normal values, cut at ± 2 and rescaled to a standard deviation of exactly `std`.

    The standard deviation of a standard normal cut at ± c is sqrt(1 − 2cφ(c)/(2Φ(c) − 1)).
    """
    c = 2.0
    density = math.exp(-(c**2) / 2) / math.sqrt(2 * math.pi)
    left = math.sqrt(1 - 2 * c * density / math.erf(c / math.sqrt(2)))
    with torch.no_grad():
        nn.init.trunc_normal_(weight, std=1.0, a=-c, b=c, generator=generator).mul_(std / left)


def _split(x_BSD: Tensor, heads: int) -> Tensor:
    b, s, d = x_BSD.shape
    return x_BSD.view(b, s, heads, d // heads).transpose(1, 2)


def _join(x_BHSE: Tensor) -> Tensor:
    b, h, s, e = x_BHSE.shape
    return x_BHSE.transpose(1, 2).reshape(b, s, h * e)
