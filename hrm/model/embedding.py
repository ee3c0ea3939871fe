"""Embeddings: map inputs to the low level's width.

Shapes: B batch, S positions, P prefix tokens, D width.
"""

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hrm import config
from hrm.model import layers
from hrm.model.puzzles import PuzzleTable
from hrm.model.registry import builds, built


class Embedding(nn.Module):
    """Maps inputs (and puzzle identities, if the embedding has any) to the low level's width."""

    def example(self, batch: int) -> Tensor:
        """Return inputs of zeros, as `forward` takes them."""
        raise AssertionError(f"{type(self).__name__} has no example")

    def at(self, x: Tensor, update: int) -> Tensor:
        """Return what low update `update` of a cycle, from 0, reads of embedded inputs."""
        return x


class VectorEmbedding(Embedding):
    """x̃ = W x + b, [B, size] -> [B, D], or x itself where no map is needed.

    Transformer cores see it as a sequence of one position, [B, 1, D].
    """

    def __init__(self, part: config.Vector, width: int, sequence: bool) -> None:
        super().__init__()
        self.size, self.sequence = part.size, sequence
        same = part.identity_if_equal and part.size == width
        self.map: nn.Module = nn.Identity() if same else layers.Linear(part.size, width)

    def forward(self, x: Tensor, identities: Tensor | None = None) -> Tensor:
        y: Tensor = self.map(x)
        return y.unsqueeze(1) if self.sequence else y

    def example(self, batch: int) -> Tensor:
        return torch.zeros(batch, self.size)


class StreamEmbedding(Embedding):
    """x̃_t = W x_t + b for each chunk x_t of the input, [B, T · n] -> [B, T, D].

    A cycle's low update t reads x̃_t.
    """

    def __init__(self, part: config.Stream, width: int) -> None:
        super().__init__()
        self.part = part
        self.map = layers.Linear(part.size // part.steps, width)

    def forward(self, x: Tensor, identities: Tensor | None = None) -> Tensor:
        y: Tensor = self.map(x.unflatten(-1, (self.part.steps, -1)))
        return y

    def example(self, batch: int) -> Tensor:
        return torch.zeros(batch, self.part.size)

    def at(self, x: Tensor, update: int) -> Tensor:
        return x[:, update]


class SeriesEmbedding(Embedding):
    """x̃ = W x + b at each position, [B, S, size] -> [B, S, D].

    Source: document complete, whose sequences are of single numbers.
    """

    def __init__(self, part: config.Series, width: int) -> None:
        super().__init__()
        self.part = part
        self.map = layers.Linear(part.size, width)

    def forward(self, x: Tensor, identities: Tensor | None = None) -> Tensor:
        y: Tensor = self.map(x)
        return y

    def example(self, batch: int) -> Tensor:
        return torch.zeros(batch, self.part.positions, self.part.size)


class TokenEmbedding(Embedding):
    """sqrt(D) · e with e = [puzzle ; E[token]], [B, S] -> [B, P + S, D].

    With learned positions p it is sqrt(D) · (e + p) / sqrt(2). The tables of tokens and positions
    are drawn with standard deviation 1/sqrt(D); that of puzzles starts at zero, and its rows are
    padded with zeros to P · D numbers.

    Args:
        positions: Positions of a state, the prefix included.
        dtype: Type of the embedded inputs; None for the type of the tables.

    Source: document act-v1, "Puzzle Embeddings", "Position Encodings"; Vaswani et al. (2017), 3.4.
    """

    def __init__(
        self, part: config.Tokens, width: int, positions: int, dtype: torch.dtype | None = None
    ) -> None:
        super().__init__()
        self.dtype = dtype
        self.cells = part.positions
        self.table = nn.Embedding(part.vocabulary, width)
        self.positions = nn.Embedding(positions, width) if part.learned_positions else None
        puzzles = part.puzzles
        self.puzzles = None if puzzles is None else PuzzleTable(puzzles.identities, puzzles.size)
        self.prefix = positions - part.positions
        self.scale = math.sqrt(width)
        self.draw_weights(lambda _: torch.default_generator)

    def draw_weights(self, stream: Callable[[str], torch.Generator]) -> None:
        """Draw the tables; that of puzzles is left unchanged."""
        for name, table in (("table", self.table), ("positions", self.positions)):
            if table is not None:
                layers.truncated_normal(table.weight, 1 / self.scale, stream(f"{name}.weight"))

    def forward(self, x: Tensor, identities: Tensor | None = None) -> Tensor:
        e: Tensor = self.table(x)
        e = e.to(self.dtype or e.dtype)
        if self.puzzles is not None:
            if identities is None:  # the blank one
                identities = x.new_zeros(len(x))
            rows = self.puzzles(identities).to(e.dtype)
            d = e.shape[-1]
            rows = F.pad(rows, (0, self.prefix * d - rows.shape[-1]))
            e = torch.cat([rows.view(-1, self.prefix, d), e], dim=1)
        if self.positions is not None:
            e = (e + self.positions.weight.to(e.dtype)) * math.sqrt(0.5)
        return self.scale * e

    def example(self, batch: int) -> Tensor:
        return torch.zeros(batch, self.cells, dtype=torch.int64)


class InitialState(nn.Module):
    """The initial state of a level, [D], broadcast over batch and positions.

    Attributes:
        input_enters: Whether low updates read the input.
    """

    value: Tensor
    input_enters = True

    def __init__(self, part: config.Initial, width: int) -> None:
        super().__init__()
        self.part = part
        if isinstance(part, config.Learned):
            self.value = nn.Parameter(torch.zeros(width))
        else:
            kept = isinstance(part, config.Frozen)
            self.register_buffer("value", torch.zeros(width), persistent=kept)
        self.draw_weights(lambda _: torch.default_generator)

    @torch.no_grad()
    def draw_weights(self, stream: Callable[[str], torch.Generator]) -> None:
        """Draw the initial vector, unless it is zero."""
        match self.part:
            case config.Learned(clip=None):
                nn.init.normal_(self.value, generator=stream("value"))
            case config.Learned(clip=float() as clip):
                std = 1 / math.sqrt(len(self.value))
                nn.init.normal_(self.value, std=std, generator=stream("value"))
                self.value.clamp_(-clip * std, clip * std)
            case config.Frozen():
                layers.truncated_normal(self.value, 1.0, stream("value"))

    def forward(self, like: Tensor) -> Tensor:
        """Return the initial state for embedded inputs [B, ..., D of the low level]."""
        return self.value.to(like.dtype).expand(*like.shape[:-1], -1)


class InputState(InitialState):
    """The low level starts at the embedded input, the high level at zero."""

    def __init__(self, part: config.FromInput, width: int, *, low: bool) -> None:
        super().__init__(config.Zeros(), width)
        self.low, self.input_enters = low, part.again

    def forward(self, like: Tensor) -> Tensor:
        return like if self.low else super().forward(like)


class InitialStates(nn.Module):
    """The initial states of a level with N states, each of which has a vector of its own.

    Their shape is [B, N, ..., D].

    Args:
        each: The N initial states.
    """

    def __init__(self, each: Iterable[InitialState]) -> None:
        super().__init__()
        self.each = nn.ModuleList(each)

    @property
    def value(self) -> Tensor:
        """The vector of the first state."""
        value = self.each[0].value
        assert isinstance(value, Tensor)
        return value

    @property
    def input_enters(self) -> bool:
        """Whether low updates read the input, as the first state says."""
        return bool(self.each[0].input_enters)

    def forward(self, like: Tensor) -> Tensor:
        """Return the initial states for embedded inputs [B, ..., D of the low level]."""
        return torch.stack([start(like) for start in self.each], dim=1)


Start = InitialState | InitialStates


def start_low(c: config.HRMConfig) -> Start:
    """Return the initial low state of a model, or its several initial low states."""

    def one() -> InitialState:
        start: InitialState = built(c.initial, c.low.width, low=True)
        return start

    return InitialStates(one() for _ in range(c.low_steps)) if c.coupling.separate else one()


# -- builders -------------------------------------------------------------------------------------
@builds(config.Vector)
def _vector(part: config.Vector, c: config.HRMConfig) -> VectorEmbedding:
    return VectorEmbedding(part, c.low.width, c.low.sequences)


@builds(config.Stream)
def _stream(part: config.Stream, c: config.HRMConfig) -> StreamEmbedding:
    return StreamEmbedding(part, c.low.width)


@builds(config.Series)
def _series(part: config.Series, c: config.HRMConfig) -> SeriesEmbedding:
    return SeriesEmbedding(part, c.low.width)


@builds(config.Tokens)
def _tokens(part: config.Tokens, c: config.HRMConfig) -> TokenEmbedding:
    dtype = torch.bfloat16 if c.bfloat16 else None
    return TokenEmbedding(part, c.low.width, c.positions, dtype)


@builds(config.Initial)
def _initial(part: config.Initial, width: int, *, low: bool) -> InitialState:
    return InitialState(part, width)


@builds(config.FromInput)
def _from_input(part: config.FromInput, width: int, *, low: bool) -> InitialState:
    return InputState(part, width, low=low)
