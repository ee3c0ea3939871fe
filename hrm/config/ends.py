"""Configuration of embeddings, readout, initial states and initialisation."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from hrm.config.axes import Embedding, Initial, Initialisation
from hrm.config.levels import Alternating
from hrm.config.parts import Part, require

if TYPE_CHECKING:
    from hrm.config import HRMConfig


@dataclass(frozen=True, kw_only=True)
class Vector(Embedding):
    """Input vectors [B, size], mapped linearly to the low level's width.

    With `identity_if_equal`, the map is left out if the widths are equal.
    """

    reads: ClassVar[str] = "one-hot"
    size: int
    identity_if_equal: bool = False


@dataclass(frozen=True, kw_only=True)
class Stream(Embedding):
    """Input vectors [B, size], cut into chunks; low update t of a cycle reads chunk t.

    All chunks are mapped to the low level's width by the same linear map.
    """

    reads: ClassVar[str] = "one-hot"
    size: int
    steps: int

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            self.steps >= 1 and self.size >= 1 and self.size % self.steps == 0,
            "size",
            self.size,
            f"a positive multiple of steps, {self.steps}",
            "change size or steps",
        )

    def fits(self, c: "HRMConfig", name: str) -> None:
        super().fits(c, name)
        require(
            isinstance(c.coupling, Alternating) and not c.low.sequences,
            name,
            self,
            "Vector where levels don't alternate, or are Transformers",
            "use Alternating and Gru cores",
        )
        require(
            c.low_steps == self.steps,
            "low_steps",
            c.low_steps,
            f"{self.steps}, one low update for each chunk",
            "set both alike",
        )
        require(
            c.segments.connection is None,
            "segments.connection",
            c.segments.connection,
            "None where the input comes in chunks",
            "use Vector",
        )


@dataclass(frozen=True, kw_only=True)
class Series(Embedding):
    """A sequence of input vectors, [B, positions, size]."""

    reads: ClassVar[str] = "numbers"
    size: int
    positions: int

    @property
    def answered(self) -> int:
        return self.positions


@dataclass(frozen=True, kw_only=True)
class Puzzles(Part):
    """A table with one learned row for each puzzle identity, put before the tokens as a prefix.

    A row is padded with zeros to whole prefix tokens: to `prefix` of them, or to as few as can hold
    it.
    """

    identities: int
    size: int
    prefix: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("identities", "size"):
            require(getattr(self, name) >= 1, name, getattr(self, name), "1 or more", "raise it")

    def tokens(self, width: int) -> int:
        """The number of prefix tokens in a model of this width."""
        return self.prefix or -(-self.size // width)


@dataclass(frozen=True, kw_only=True)
class Tokens(Embedding):
    """Input tokens [B, positions] of a vocabulary, embedded and scaled by the root of the width.

    With `learned_positions`, a learned vector for each position, prefix included, is added before
    the scaling and the sum divided by √2.
    """

    reads: ClassVar[str] = "tokens"
    vocabulary: int
    positions: int
    learned_positions: bool = False
    puzzles: Puzzles | None = None

    @property
    def answered(self) -> int:
        return self.positions

    def length(self, width: int) -> int:
        return self.positions + (0 if self.puzzles is None else self.puzzles.tokens(width))

    def fits(self, c: "HRMConfig", name: str) -> None:
        super().fits(c, name)
        if self.puzzles is not None:
            room = self.puzzles.tokens(c.low.width) * c.low.width
            require(
                self.puzzles.size <= room,
                "puzzles.size",
                self.puzzles.size,
                f"at most {room}, what the prefix holds",
                "use more prefix tokens, or prefix=None for as many as it takes",
            )


@dataclass(frozen=True, kw_only=True)
class Readout(Part):
    """Linear map from a state to the prediction.

    Args:
        size: Length of the prediction, of each token's where inputs have positions.
        bias: Whether the map has a bias.
        low: Whether the low state is read instead of the high one.
        softmax: Whether the prediction is a distribution instead of logits.
        each_step: Whether the answer after each halting step is kept as a draft.
        average: Whether the prediction is the mean of the answers after all halting steps of a
            sample; otherwise it is the answer after its last one.
    """

    size: int
    bias: bool = True
    low: bool = False
    softmax: bool = False
    each_step: bool = False
    average: bool = False


@dataclass(frozen=True, kw_only=True)
class Zeros(Initial):
    """States start at zero."""


@dataclass(frozen=True, kw_only=True)
class Learned(Initial):
    """States start at learned vectors.

    Their initial values are normal with standard deviation 1/√width, clipped at `clip` standard
    deviations; with clip=None they are standard normal.
    """

    clip: float | None = 2.0


@dataclass(frozen=True, kw_only=True)
class Frozen(Initial):
    """States start at fixed random vectors: truncated normal, standard deviation 1, untrained."""


@dataclass(frozen=True, kw_only=True)
class FromInput(Initial):
    """The low state starts at the embedded input, the high state at zero.

    With `again`, the input enters each low update as well; otherwise it enters nowhere else.
    """

    again: bool = False

    def fits(self, c: "HRMConfig", name: str) -> None:
        require(
            c.low.sequences and c.segments.connection is None,
            name,
            self,
            "FromInput with Transformer cores and without a connection of segments",
            "start from Zeros, so that the input can enter at each update",
        )


@dataclass(frozen=True, kw_only=True)
class TorchDefault(Initialisation):
    """Weights and biases as `torch.nn.Linear` draws them."""


@dataclass(frozen=True, kw_only=True)
class TruncatedNormal(Initialisation):
    """Weights: normal, cut at ± 2, rescaled to a standard deviation of 1/√fan_in; biases: zero."""


@dataclass(frozen=True, kw_only=True)
class ScaledNormal(Initialisation):
    """Weights: normal with standard deviation 1/√fan_in; biases: zero."""
