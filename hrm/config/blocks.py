"""Configuration of cores, and of the norms and feed-forward networks in their blocks."""

from dataclasses import dataclass
from typing import ClassVar

from hrm.config.axes import Core, FeedForward, Norm
from hrm.config.parts import require


@dataclass(frozen=True, kw_only=True)
class RmsNorm(Norm):
    """Root-mean-square norm, with a learned scale or without."""

    eps: float = 1e-6
    scale: bool = True


@dataclass(frozen=True, kw_only=True)
class RootNorm(Norm):
    """Root-mean-square norm with a learned scale; ε is added to the root, not under it."""

    eps: float = 1e-8


@dataclass(frozen=True, kw_only=True)
class LayerNorm(Norm):
    """Layer norm with scale and shift."""

    eps: float = 1e-5


@dataclass(frozen=True, kw_only=True)
class Mlp(FeedForward):
    """Plain feed-forward: two linear maps with bias and an activation, "relu", "gelu" or "silu"."""

    inner: int
    activation: str = "gelu"

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.inner >= 1, "inner", self.inner, "1 or more", "use 4 times the width")
        require(
            self.activation in ("relu", "gelu", "silu"),
            "activation",
            self.activation,
            "'relu', 'gelu' or 'silu'",
            "use 'gelu'",
        )


@dataclass(frozen=True, kw_only=True)
class GatedMlp(FeedForward):
    """Feed-forward gated by SiLU: one fused gate-and-up map and a down map, both with bias."""

    inner: int


@dataclass(frozen=True, kw_only=True)
class SwiGlu(FeedForward):
    """Feed-forward gated by SiLU, without bias; gate and up are one fused map or two maps."""

    inner: int
    fused: bool = False


@dataclass(frozen=True, kw_only=True)
class Gru(Core):
    """A GRU cell; the other level's state enters through the hidden state."""

    sequences: ClassVar[bool] = False
    width: int


@dataclass(frozen=True, kw_only=True)
class Transformer(Core):
    """Post-norm transformer layers.

    Args:
        width: D.
        layers: Number of blocks.
        heads: Attention heads of each block.
        norm: Normalisation of a block.
        feed_forward: Feed-forward network of a block.
        bias: Whether the linear maps of attention have a bias.
        rotary: Base frequency of rotary position embeddings; None for no rotation.
        inject_every_layer: Whether inputs and context are added before each layer, or before the
            first one only.
    """

    sequences: ClassVar[bool] = True
    width: int
    layers: int
    heads: int
    norm: Norm
    feed_forward: FeedForward
    bias: bool = False
    rotary: float | None = None
    inject_every_layer: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.layers >= 1, "layers", self.layers, "1 or more", "raise it")
        require(
            self.heads >= 1 and self.width % self.heads == 0,
            "heads",
            self.heads,
            f"a divisor of the width, {self.width}",
            "change heads or width",
        )
        require(
            self.rotary is None or (self.width // self.heads) % 2 == 0,
            "width / heads",
            self.width / self.heads,
            "an even number with rotary positions",
            "change heads or width, or set rotary=None",
        )


@dataclass(frozen=True, kw_only=True)
class Mixer(Core):
    """Post-norm layers in which a feed-forward network over positions replaces attention.

    The shapes of its weights fix the number of positions.

    Args:
        width: D.
        layers: Number of blocks.
        norm: Normalisation of a block.
        feed_forward: Feed-forward network of a block, over the width.
        mixing: Feed-forward network over positions; its width is S.
        inject_every_layer: Whether inputs and context are added before each layer, or before the
            first one only.
    """

    sequences: ClassVar[bool] = True
    width: int
    layers: int
    norm: Norm
    feed_forward: FeedForward
    mixing: FeedForward
    inject_every_layer: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.layers >= 1, "layers", self.layers, "1 or more", "raise it")
