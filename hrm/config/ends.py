"""What goes in, what comes out, and what the states start from."""

from dataclasses import dataclass

from hrm.config.parts import Part, require


@dataclass(frozen=True, kw_only=True)
class Vector(Part):
    """Input vectors [B, size], mapped to the low level's width.

    The map is left out where `identity_if_equal` is set and the widths agree already.
    """

    size: int
    identity_if_equal: bool = False


@dataclass(frozen=True, kw_only=True)
class Series(Part):
    """Input vectors at each of so many positions, [B, positions, size]."""

    size: int
    positions: int


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
class Tokens(Part):
    """Input tokens [B, positions] of a vocabulary, embedded and scaled by the root of the width.

    With `learned_positions`, a learned vector for each position, prefix included, is added before
    the scaling and the sum divided by √2.
    """

    vocabulary: int
    positions: int
    learned_positions: bool = False
    puzzles: Puzzles | None = None


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
class Zeros(Part):
    """States start at zero."""


@dataclass(frozen=True, kw_only=True)
class Learned(Part):
    """States start at learned vectors.

    They are drawn normal with std 1/√width, clipped at so many std; with clip=None, standard
    normal.
    """

    clip: float | None = 2.0


@dataclass(frozen=True, kw_only=True)
class Frozen(Part):
    """States start at vectors drawn once, truncated normal with std 1, and never trained."""


@dataclass(frozen=True, kw_only=True)
class FromInput(Part):
    """The low state starts as the embedded input; the high one at zero.

    The input enters no further, or with `again` at each low update too.
    """

    again: bool = False


@dataclass(frozen=True, kw_only=True)
class TorchDefault(Part):
    """Each map's weights as torch draws them."""


@dataclass(frozen=True, kw_only=True)
class TruncatedNormal(Part):
    """Maps: normal cut at ± 2, rescaled to a standard deviation of 1/√fan_in; biases zero."""


@dataclass(frozen=True, kw_only=True)
class ScaledNormal(Part):
    """Maps: normal with standard deviation 1/√fan_in; biases zero."""
