"""Cores: how one level updates its state.

A core is called as ``core(state, inputs, context)``: `inputs` is what the level reads, and
`context` is the other level's state, which only low cores read. Both are mapped beforehand by
`from_inputs` and `from_context`, because they stay the same over several updates. Shapes: [..., D];
sequences are [B, S, D].
"""

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hrm import config
from hrm.model import layers
from hrm.model.registry import builds, built


class Cell(nn.GRUCell):
    """The parameters of a GRU cell; a call computes W_i x + b_i alone, [..., 3 D].

    This is a module of its own so that `hrm.model.cost` attributes its operations to the core.
    """

    def draw_weights(self, stream: Callable[[str], torch.Generator]) -> None:
        """Draw all parameters uniform within ± 1/√D, as torch does."""
        bound = 1 / math.sqrt(self.hidden_size)
        for name, parameter in self.named_parameters():
            nn.init.uniform_(parameter, -bound, bound, generator=stream(name))

    def forward(self, inputs: Tensor) -> Tensor:  # type: ignore[override]
        return F.linear(inputs, self.weight_ih, self.bias_ih)


class Core(nn.Module):
    """How one level updates its state.

    Attributes:
        from_inputs: Maps the inputs, once for several updates.
        from_context: Maps the other level's state, once for several updates; low cores only.
    """

    from_inputs: Callable[[Tensor], Tensor]
    from_context: Callable[[Tensor], Tensor]

    def forward(
        self, state: Tensor, inputs: Tensor | None, context: Tensor | None = None
    ) -> Tensor:
        """Return the next state; `inputs` and `context` are mapped already, or None if not read."""
        raise AssertionError(f"{type(self).__name__} has no forward")


class Gru(Core):
    """z ← GRUCell(inputs, z + W_c context).

        x = W_i inputs + b_i,  h = z + W_c context,  y = W_h h + b_h      x and y in three parts
        r = σ(x_r + y_r),  u = σ(x_u + y_u),  n = tanh(x_n + r ⊙ y_n)
        z ← n + u ⊙ (h − n)

    Results equal those of `nn.GRUCell` bit for bit; `nn.GRUCell` would map its input at each call
    again. `nn.GRU` maps a whole sequence of inputs at once, but fits neither level: the low level
    adds the context to every h, not only to the first, and the next input of the high level depends
    on its state.

    Args:
        width: D, of the state.
        input_width: Width of `inputs`.
        context_width: Width of `context`; None for a core without context.

    Source: document gru, "Hierarchical Processing"; Cho et al. (2014), eq. 5–8.
    """

    def __init__(self, width: int, input_width: int, context_width: int | None) -> None:
        super().__init__()
        self.cell = Cell(input_width, width)
        self.control = None if context_width is None else nn.Linear(context_width, width)

    def from_inputs(self, inputs: Tensor) -> Tensor:
        """Return x, [..., 3 D]."""
        mapped: Tensor = self.cell(inputs)
        return mapped

    def from_context(self, context: Tensor) -> Tensor:
        """Return W_c context, with its bias."""
        assert self.control is not None
        mapped: Tensor = self.control(context)
        return mapped

    def forward(
        self, state: Tensor, inputs: Tensor | None, context: Tensor | None = None
    ) -> Tensor:
        assert inputs is not None
        h = state if context is None else state + context
        x_r, x_u, x_n = inputs.chunk(3, -1)
        # `unsafe_chunk` returns views that autograd allows to be changed in place. As in
        # `nn.GRUCell`, r and u are computed in place, and n in a tensor of its own: the length of
        # contiguous rows decides which of two routines computes σ and tanh, and last bits differ.
        y_r, y_u, y_n = F.linear(h, self.cell.weight_hh, self.cell.bias_hh).unsafe_chunk(3, -1)
        r, u = y_r.add_(x_r).sigmoid_(), y_u.add_(x_u).sigmoid_()
        n = (y_n * r).add_(x_n).tanh_()
        return (h - n).mul_(u).add_(n)


class Block(nn.Module):
    """x ← norm(x + attention(x)); x ← norm(x + feed_forward(x)).

    Source: document act-v1, "Architecture"; Vaswani et al. (2017), section 3.1 (post-norm).
    """

    def __init__(self, part: config.Transformer) -> None:
        super().__init__()
        self.attention = layers.SelfAttention(part.width, part.heads, bias=part.bias)
        self.feed_forward = built(part.feed_forward, part.width)
        self.norm_attention = built(part.norm, part.width)
        self.norm_feed_forward = built(part.norm, part.width)

    def forward(self, x_BSD: Tensor, rotary: layers.Rotary | None) -> Tensor:
        x_BSD = self.norm_attention(x_BSD + self.attention(x_BSD, rotary))
        y: Tensor = self.norm_feed_forward(x_BSD + self.feed_forward(x_BSD))
        return y


class MixingBlock(nn.Module):
    """x ← (norm(xᵀ + mixing(xᵀ)))ᵀ, over positions; x ← norm(x + feed_forward(x)).

    Source: arXiv 2510.04871, section 4 (attention-free architecture); its public code, `mlp_t`.
    """

    def __init__(self, part: config.Mixer, positions: int) -> None:
        super().__init__()
        self.mixing = built(part.mixing, positions)
        self.feed_forward = built(part.feed_forward, part.width)
        self.norm_mixing = built(part.norm, positions)
        self.norm_feed_forward = built(part.norm, part.width)

    def forward(self, x_BSD: Tensor, rotary: None) -> Tensor:
        x_BDS = x_BSD.transpose(1, 2)
        x_BSD = self.norm_mixing(x_BDS + self.mixing(x_BDS)).transpose(1, 2)
        y: Tensor = self.norm_feed_forward(x_BSD + self.feed_forward(x_BSD))
        return y


class Stack(Core):
    """z ← layers(z + W_i inputs + W_c context), the injection added before the first layer.

    With `inject_every_layer` it is added before each layer. The maps W_i and W_c (`from_inputs`,
    `from_context`) exist only where widths differ; they have a bias.

    Args:
        part: The configuration: the width, and where the injection is added.
        blocks: The layers.
        rotary: The rotary embedding that is passed to each layer; None for none.
        input_width: Width of `inputs`.
        context_width: Width of `context`; None for a core without context.

    Sources: documents act-v1 and complete (unequal widths).
    """

    def __init__(
        self,
        part: config.Transformer | config.Mixer,
        blocks: Iterable[nn.Module],
        rotary: layers.Rotary | None,
        input_width: int,
        context_width: int | None,
    ) -> None:
        super().__init__()
        self.layers, self.rotary = nn.ModuleList(blocks), rotary
        self.every_layer = part.inject_every_layer
        self.from_inputs = _between(input_width, part.width)
        self.from_context = _between(context_width or part.width, part.width)

    def forward(
        self, state: Tensor, inputs: Tensor | None, context: Tensor | None = None
    ) -> Tensor:
        read = [t for t in (inputs, context) if t is not None]
        for i, layer in enumerate(self.layers):
            if read and (i == 0 or self.every_layer):
                state = state + sum(read[1:], start=read[0])
            state = layer(state, self.rotary)
        return state


class Transformer(Stack):
    """A stack of `Block`.

    Args:
        part: The configuration.
        positions: The largest S, for rotary position embeddings.
        input_width: Width of `inputs`.
        context_width: Width of `context`; None for a core without context.
    """

    def __init__(
        self, part: config.Transformer, positions: int, input_width: int, context_width: int | None
    ) -> None:
        blocks = (Block(part) for _ in range(part.layers))
        size = part.width // part.heads
        rotary = None if part.rotary is None else layers.Rotary(positions, size, part.rotary)
        super().__init__(part, blocks, rotary, input_width, context_width)


class Mixer(Stack):
    """A stack of `MixingBlock`.

    Args:
        part: The configuration.
        positions: S.
        input_width: Width of `inputs`.
        context_width: Width of `context`; None for a core without context.
    """

    def __init__(
        self, part: config.Mixer, positions: int, input_width: int, context_width: int | None
    ) -> None:
        blocks = (MixingBlock(part, positions) for _ in range(part.layers))
        super().__init__(part, blocks, None, input_width, context_width)


@builds(config.Gru)
def _gru(part: config.Gru, positions: int, input_width: int, context_width: int | None) -> Gru:
    return Gru(part.width, input_width, context_width)


builds(config.Transformer)(Transformer)
builds(config.Mixer)(Mixer)


def _between(width: int, own: int) -> nn.Module:
    return nn.Identity() if width == own else layers.Linear(width, own)
