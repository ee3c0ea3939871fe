"""Embeddings: inputs to the low level's width. B batch, S positions, P prefix tokens, D width."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hrm import config
from hrm.model import layers
from hrm.model.puzzles import PuzzleTable


class VectorEmbedding(nn.Module):
    """x̃ = W x + b, [B, size] -> [B, D], or x itself where no map is needed.

    Transformer cores see it as a sequence of one position, [B, 1, D].
    """

    def __init__(self, part: config.Vector, width: int, sequence: bool) -> None:
        super().__init__()
        self.sequence = sequence
        same = part.identity_if_equal and part.size == width
        self.map: nn.Module = nn.Identity() if same else layers.Linear(part.size, width)

    def forward(self, x: Tensor, identities: Tensor | None = None) -> Tensor:
        y: Tensor = self.map(x)
        return y.unsqueeze(1) if self.sequence else y


class SeriesEmbedding(nn.Module):
    """x̃ = W x + b at each position, [B, S, size] -> [B, S, D].

    Source: document complete, whose sequences are of single numbers.
    """

    def __init__(self, part: config.Series, width: int) -> None:
        super().__init__()
        self.map = layers.Linear(part.size, width)

    def forward(self, x: Tensor, identities: Tensor | None = None) -> Tensor:
        y: Tensor = self.map(x)
        return y


class TokenEmbedding(nn.Module):
    """sqrt(D) · e with e = [puzzle ; E[token]], [B, S] -> [B, P + S, D].

    With learned positions p: sqrt(D) · (e + p) / sqrt(2). Tables are drawn with std 1/sqrt(D), the
    puzzles' starts at zero; a puzzle's row is padded with zeros to P · D.

    Args:
        positions: Of the state, the prefix included.
        dtype: Of what is looked up and computed with; None for the tables' own.

    Source: document act-v1, "Puzzle Embeddings", "Position Encodings"; Vaswani et al. (2017), 3.4.
    """

    def __init__(
        self, part: config.Tokens, width: int, positions: int, dtype: torch.dtype | None = None
    ) -> None:
        super().__init__()
        self.dtype = dtype
        self.table = nn.Embedding(part.vocabulary, width)
        self.positions = nn.Embedding(positions, width) if part.learned_positions else None
        puzzles = part.puzzles
        self.puzzles = None if puzzles is None else PuzzleTable(puzzles.identities, puzzles.size)
        self.prefix = positions - part.positions
        self.scale = math.sqrt(width)
        for table in (self.table, self.positions):
            if table is not None:
                layers.truncated_normal(table.weight, 1 / self.scale)

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


class InitialState(nn.Module):
    """What a level starts from, [D], broadcast over batch and positions."""

    value: Tensor

    def __init__(self, part: config.Zeros | config.Learned | config.Frozen, width: int) -> None:
        super().__init__()
        value = torch.zeros(width)
        match part:
            case config.Zeros():
                self.register_buffer("value", value, persistent=False)
            case config.Learned(clip=None):
                self.value = nn.Parameter(nn.init.normal_(value))
            case config.Learned(clip=clip):
                std = 1 / math.sqrt(width)
                assert clip is not None
                clipped = nn.init.normal_(value, std=std).clamp_(-clip * std, clip * std)
                self.value = nn.Parameter(clipped)
            case config.Frozen():
                layers.truncated_normal(value, 1.0)
                self.register_buffer("value", value)

    def forward(self, like: Tensor) -> Tensor:
        """Return the state for embedded inputs [B, ..., D of the low level]."""
        return self.value.to(like.dtype).expand(*like.shape[:-1], -1)


def embedding(c: config.HRMConfig) -> VectorEmbedding | SeriesEmbedding | TokenEmbedding:
    """Build the embedding of a configuration."""
    match c.embedding:
        case config.Vector() as part:
            return VectorEmbedding(part, c.low.width, isinstance(c.low, config.Transformer))
        case config.Series() as part:
            return SeriesEmbedding(part, c.low.width)
        case config.Tokens() as part:
            dtype = torch.bfloat16 if c.bfloat16 else None
            return TokenEmbedding(part, c.low.width, c.positions, dtype)
