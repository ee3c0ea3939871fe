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

    def forward(
        self, state: Tensor, inputs: Tensor | None, context: Tensor | None = None
    ) -> Tensor:
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
        self.attention = layers.SelfAttention(part.width, part.heads, bias=part.bias)
        self.feed_forward = layers.feed_forward(part.feed_forward, part.width)
        self.norm_attention = layers.norm(part.norm, part.width)
        self.norm_feed_forward = layers.norm(part.norm, part.width)

    def forward(self, x_BSD: Tensor, rotary: layers.Rotary | None) -> Tensor:
        x_BSD = self.norm_attention(x_BSD + self.attention(x_BSD, rotary))
        y: Tensor = self.norm_feed_forward(x_BSD + self.feed_forward(x_BSD))
        return y


class Transformer(nn.Module):
    """z ← layers(z + W_i inputs + W_c context), the injection added before the first layer.

    With `inject_every_layer` it is added before each. W_i and W_c are there, with bias, only where
    the widths differ.

    Args:
        positions: S at most, for rotary positions.
        input_width, context_width: As of `Gru`.

    Sources: documents act-v1 and complete (unequal widths).
    """

    def __init__(
        self, part: config.Transformer, positions: int, input_width: int, context_width: int | None
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Block(part) for _ in range(part.layers))
        self.every_layer = part.inject_every_layer
        size = part.width // part.heads
        self.rotary = None if part.rotary is None else layers.Rotary(positions, size, part.rotary)
        self.from_inputs = _between(input_width, part.width)
        self.from_context = _between(context_width or part.width, part.width)

    def forward(
        self, state: Tensor, inputs: Tensor | None, context: Tensor | None = None
    ) -> Tensor:
        read = [] if inputs is None else [self.from_inputs(inputs)]
        read += [] if context is None else [self.from_context(context)]
        for i, layer in enumerate(self.layers):
            if read and (i == 0 or self.every_layer):
                state = state + sum(read[1:], start=read[0])
            state = layer(state, self.rotary)
        return state


def core(
    part: config.Gru | config.Transformer,
    positions: int,
    input_width: int,
    context_width: int | None,
) -> Gru | Transformer:
    """Build a core that reads `input_width` and is in the context of `context_width`."""
    match part:
        case config.Gru(width=width):
            return Gru(width, input_width, context_width)
        case config.Transformer():
            return Transformer(part, positions, input_width, context_width)


def _between(width: int, own: int) -> nn.Module:
    return nn.Identity() if width == own else layers.Linear(width, own)
