"""Transformer layers whose attention has a width of its own; see `hrm.config.narrow`.

Shapes: B batch, S positions, D width of the state, H heads, E width of a head.
"""

from torch import Tensor
from torch.nn import functional as F

from hrm.config.narrow import NarrowTransformer
from hrm.model import cores, layers
from hrm.model.registry import builds


class NarrowAttention(layers.SelfAttention):
    """softmax(Q Kᵀ / sqrt(E)) V, where queries, keys and values have width H · E instead of D.

    In all else it is `hrm.model.layers.SelfAttention`.

    Args:
        width: D.
        heads: H.
        size: E.
        bias: Whether the linear maps have a bias.
    """

    def __init__(self, width: int, heads: int, size: int, *, bias: bool) -> None:
        super().__init__(width, heads, bias=bias)
        self.qkv = layers.Linear(width, 3 * heads * size, bias=bias)
        self.out = layers.Linear(heads * size, width, bias=bias)

    def forward(self, x_BSD: Tensor, rotary: layers.Rotary | None) -> Tensor:
        b, s, _ = x_BSD.shape
        qk, v = self.qkv(x_BSD).view(b, s, 3, self.heads, -1).split((2, 1), dim=2)
        q, k = (qk if rotary is None else rotary(qk)).unbind(2)
        found = F.scaled_dot_product_attention(*(t.transpose(1, 2) for t in (q, k, v.squeeze(2))))
        y: Tensor = self.out(found.transpose(1, 2).flatten(2))
        return y


@builds(NarrowTransformer)
class Narrow(cores.Stack):
    """A stack of `cores.Block` with `NarrowAttention`.

    Args:
        part: The configuration.
        positions: The largest S, for rotary position embeddings.
        input_width: Width of `inputs`.
        context_width: Width of `context`; None for a core without context.
    """

    def __init__(
        self, part: NarrowTransformer, positions: int, input_width: int, context_width: int | None
    ) -> None:
        size = part.head_width
        rotary = None if part.rotary is None else layers.Rotary(positions, size, part.rotary)
        blocks = [cores.Block(part) for _ in range(part.layers)]
        for block in blocks:
            block.attention = NarrowAttention(part.width, part.heads, size, bias=part.bias)
        super().__init__(part, blocks, rotary, input_width, context_width)
