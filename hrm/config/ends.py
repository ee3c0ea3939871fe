"""What goes in, what comes out, and what the states start from."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from hrm.config.axes import Embedding, Initial, Initialisation
from hrm.config.levels import Alternating
from hrm.config.parts import Part, require

if TYPE_CHECKING:
    from hrm.config import HRMConfig


@dataclass(frozen=True, kw_only=True)
class Vector(Embedding):
    """Input vectors [B, size], mapped to the low level's width.

    The map is left out where `identity_if_equal` is set and the widths agree already.
    """

    reads: ClassVar[str] = "one-hot"
    size: int
    identity_if_equal: bool = False


@dataclass(frozen=True, kw_only=True)
class Stream(Embedding):
    """Input vectors [B, size] in so many chunks, of which a cycle's low updates read one each.

    The chunks share one map to the low level's width.
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
    """Input vectors at each of so many positions, [B, positions, size]."""

    reads: ClassVar[str] = "numbers"
    size: int
    positions: int

    @property
    def answered(self) -> int:
        return self.positions


@dataclass(frozen=True, kw_only=True)
class Puzzles(Part):
    """A table with a row for each puzzle's identity, put before the tokens.

    Rows are padded with zeros to whole prefix tokens: the fewest that hold one, or `prefix`.
    """

    identities: int
    size: int
    prefix: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("identities", "size"):
            require(getattr(self, name) >= 1, name, getattr(self, name), "1 or more", "raise it")

    def tokens(self, width: int) -> int:
        """Prefix tokens for a model of this width."""
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
        size: Of the prediction, or of each token's.
        bias: Whether the map has one.
        low: Whether it reads the low state instead of the high one.
        softmax: Whether the prediction is a distribution instead of logits.
        each_step: Whether the answer after each halting step is kept as a draft.
        average: Whether the prediction is the mean of the answers after all of a sample's steps,
            or the answer where it stopped.
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

    They are drawn normal with std 1/√width, clipped at so many std; with clip=None, standard
    normal.
    """

    clip: float | None = 2.0


@dataclass(frozen=True, kw_only=True)
class Frozen(Initial):
    """States start at vectors drawn once, truncated normal with std 1, and never trained."""


@dataclass(frozen=True, kw_only=True)
class FromInput(Initial):
    """The low state starts as the embedded input; the high one at zero.

    The input enters no further, or with `again` at each low update too.
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
    """Each map's weights as torch draws them."""


@dataclass(frozen=True, kw_only=True)
class TruncatedNormal(Initialisation):
    """Maps: normal cut at ± 2, rescaled to a standard deviation of 1/√fan_in; biases zero."""


@dataclass(frozen=True, kw_only=True)
class ScaledNormal(Initialisation):
    """Maps: normal with standard deviation 1/√fan_in; biases zero."""
