"""Cores: how one level updates its state.

A core is called with the state, what it reads, and (the low level alone) the other level's state:
``core(state, inputs, context)``. Shapes: [..., D]; sequences are [B, S, D].
"""

from torch import Tensor, nn

from hrm import config, layers


class Gru(nn.Module):
    """z ← GRUCell(inputs, z + W_c context).

    Args:
        width: D, of the state.
        input_width: Width of `inputs`.
        context_width: Width of `context`; None for a core without context.

    Source: document gru, "Hierarchical Processing"; Cho et al. (2014), eq. 5–8.
    """

    def __init__(self, width: int, input_width: int, context_width: int | None) -> None:
        super().__init__()
        self.cell = nn.GRUCell(input_width, width)
        self.control = None if context_width is None else nn.Linear(context_width, width)

    def forward(self, state: Tensor, inputs: Tensor, context: Tensor | None = None) -> Tensor:
        if context is not None:
            assert self.control is not None
            state = state + self.control(context)
        new: Tensor = self.cell(inputs, state)
        return new


class Block(nn.Module):
    """x ← norm(x + attention(x)); x ← norm(x + feed_forward(x)).

    Source: document act-v1, "Architecture"; Vaswani et al. (2017), section 3.1 (post-norm).
    """

    def __init__(self, part: config.Transformer) -> None:
        super().__init__()
        self.attention = layers.SelfAttention(
            part.width, part.heads, bias=part.bias, rotary=part.rotary
        )
        self.feed_forward = layers.feed_forward(part.feed_forward, part.width)
        self.norm_attention = layers.norm(part.norm, part.width)
        self.norm_feed_forward = layers.norm(part.norm, part.width)

    def forward(self, x_BSD: Tensor) -> Tensor:
        x_BSD = self.norm_attention(x_BSD + self.attention(x_BSD))
        y: Tensor = self.norm_feed_forward(x_BSD + self.feed_forward(x_BSD))
        return y


class Transformer(nn.Module):
    """z ← layers(z + injection), the injection being what it reads and the other level's state.

    With `inject_every_layer`: z ← layer(z + injection) at each layer.
    """

    def __init__(self, part: config.Transformer) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Block(part) for _ in range(part.layers))
        self.every_layer = part.inject_every_layer

    def forward(
        self, state: Tensor, inputs: Tensor | None, context: Tensor | None = None
    ) -> Tensor:
        injection = sum((t for t in (inputs, context) if t is not None), start=state.new_zeros(()))
        for i, layer in enumerate(self.layers):
            state = layer(state + injection if i == 0 or self.every_layer else state)
        return state


def core(
    part: config.Gru | config.Transformer, input_width: int, context_width: int | None
) -> Gru | Transformer:
    """Build a core that reads `input_width` (and, for a Gru, is controlled by `context_width`)."""
    match part:
        case config.Gru(width=width):
            return Gru(width, input_width, context_width)
        case config.Transformer():
            return Transformer(part)
