"""Embeddings: inputs to the low level's width. B batch, S positions, D width."""

import math

import torch
from torch import Tensor, nn

from hrm import config, layers


class VectorEmbedding(nn.Module):
    """x̃ = W x + b, [B, size] -> [B, D], or x itself where no map is needed.

    Transformer cores see it as a sequence of one position, [B, 1, D].
    """

    def __init__(self, part: config.Vector, width: int, sequence: bool) -> None:
        super().__init__()
        self.sequence = sequence
        same = part.identity_if_equal and part.size == width
        self.map: nn.Module = nn.Identity() if same else nn.Linear(part.size, width)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.map(x)
        return y.unsqueeze(1) if self.sequence else y


class TokenEmbedding(nn.Module):
    """sqrt(D) · E[token], [B, S] -> [B, S, D]; E drawn with std 1/sqrt(D).

    Source: document act-v1; Vaswani et al. (2017), section 3.4.
    """

    def __init__(self, part: config.Tokens, width: int) -> None:
        super().__init__()
        self.table = nn.Embedding(part.vocabulary, width)
        self.scale = math.sqrt(width)
        layers.truncated_normal(self.table.weight, 1 / self.scale)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.scale * self.table(x)
        return y


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
        """Return the state for a batch shaped like [..., any width]."""
        return self.value.expand(*like.shape[:-1], -1)


def embedding(c: config.HRMConfig) -> VectorEmbedding | TokenEmbedding:
    """Build the embedding of a configuration."""
    match c.embedding:
        case config.Vector() as part:
            return VectorEmbedding(part, c.low.width, isinstance(c.low, config.Transformer))
        case config.Tokens() as part:
            return TokenEmbedding(part, c.low.width)
