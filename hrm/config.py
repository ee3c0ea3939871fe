"""HRMConfig: one field per axis, one object per arm.

Plain data without torch. What an object computes is said where it is computed (`cores`, `layers`,
`summary`, `halting`, `execution`); here is only what can be chosen, and what can't be.
"""

from dataclasses import dataclass

from hrm.parts import Part, require


# -- what a block is made of ----------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class RmsNorm(Part):
    """Root-mean-square norm, with a learned scale or without."""

    eps: float = 1e-6
    scale: bool = True


@dataclass(frozen=True, kw_only=True)
class LayerNorm(Part):
    """Layer norm with scale and shift."""

    eps: float = 1e-5


@dataclass(frozen=True, kw_only=True)
class GatedMlp(Part):
    """Feed-forward gated by SiLU: one fused gate-and-up map and a down map, both with bias."""

    inner: int


@dataclass(frozen=True, kw_only=True)
class SwiGlu(Part):
    """Feed-forward gated by SiLU without bias; gate and up as one fused map or as two."""

    inner: int
    fused: bool = False


@dataclass(frozen=True, kw_only=True)
class Gru(Part):
    """A GRU cell; the other level's state enters through the hidden state."""

    width: int


@dataclass(frozen=True, kw_only=True)
class Transformer(Part):
    """Post-norm transformer layers.

    `rotary` is the base frequency of rotary positions (None: no positions); with
    `inject_every_layer` the injection is added before each layer, else before the first alone.
    """

    width: int
    layers: int
    heads: int
    norm: RmsNorm | LayerNorm
    feed_forward: GatedMlp | SwiGlu
    bias: bool = False
    rotary: float | None = None
    inject_every_layer: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
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


# -- what goes in and out -------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class Vector(Part):
    """Input vectors [B, size], mapped to the low level's width.

    The map is left out where `identity_if_equal` is set and the widths agree already.
    """

    size: int
    identity_if_equal: bool = False


@dataclass(frozen=True, kw_only=True)
class Tokens(Part):
    """Input tokens [B, positions] of a vocabulary, embedded and scaled by the root of the width."""

    vocabulary: int
    positions: int


@dataclass(frozen=True, kw_only=True)
class Readout(Part):
    """Linear map from the high state to the prediction."""

    size: int
    bias: bool = True


@dataclass(frozen=True, kw_only=True)
class Zeros(Part):
    """States start at zero."""


@dataclass(frozen=True, kw_only=True)
class Learned(Part):
    """States start at learned vectors: normal with std 1/sqrt(width), clipped at so many std."""

    clip: float | None = 2.0


@dataclass(frozen=True, kw_only=True)
class Frozen(Part):
    """States start at vectors drawn once, truncated normal with std 1, and never trained."""


# -- how the levels meet --------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class Alternating(Part):
    """T low updates, then one high update; each flag cuts the gradient of one direction."""

    detach_low_to_high: bool = False
    detach_high_to_low: bool = False


@dataclass(frozen=True, kw_only=True)
class Accumulating(Part):
    """The high level alone, then T low updates that see `down` · z_H and add `up` · z_L to it."""

    down: float = 0.1
    up: float = 0.1


@dataclass(frozen=True, kw_only=True)
class LastStep(Part):
    """The high level sees the last low state: as it is, or through a map, ReLU and dropout."""

    project: bool = False
    dropout: float = 0.0


@dataclass(frozen=True, kw_only=True)
class StepAttention(Part):
    """Multi-head attention in which query, key and value are the one last low state."""

    heads: int = 8


@dataclass(frozen=True, kw_only=True)
class TraceAttention(Part):
    """Multi-head attention from the high state over all low states of the cycle."""

    heads: int = 8


# -- who wants to stop, and what that costs -------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class Fixed(Part):
    """Every sample takes the same number of steps."""

    steps: int = 1

    @property
    def max_steps(self) -> int:
        """The number of steps, under the name that all halting parts share."""
        return self.steps


@dataclass(frozen=True, kw_only=True)
class LinearController(Part):
    """One linear map from z_H to two logits, another to the baseline's value."""


@dataclass(frozen=True, kw_only=True)
class ConcatenatedController(Part):
    """A policy network that reads [I | 1][z_H ; c/C], the matrix built anew at each call."""

    dropout: float = 0.1


@dataclass(frozen=True, kw_only=True)
class DirectController(Part):
    """A policy network whose first layer reads [z_H ; c/C] itself."""

    dropout: float = 0.1


@dataclass(frozen=True, kw_only=True)
class Policy(Part):
    """A stochastic policy stops: greedy in evaluation, forced at the last step.

    Args:
        max_steps: Where every sample stops.
        controller: What makes the logits.
        sample: Whether training samples its actions, or is greedy too.
        detach_state: Whether controller and baseline see z_H without gradient.
        detach_at_stop: Whether the stop-time states and logits are copied without gradient.
    """

    max_steps: int
    controller: LinearController | ConcatenatedController | DirectController
    sample: bool = True
    detach_state: bool = False
    detach_at_stop: bool = False


@dataclass(frozen=True, kw_only=True)
class QLearning(Part):
    """Q(halt) > Q(continue) stops, or the last step.

    Args:
        max_steps: Where every sample stops.
        heads: 2 for separate heads, 1 for one map to both values.
        biases: What (halt, continue) start from, None for torch's own; weights start at zero with
            `zero_weight`.
        exploration: In training, the probability of a minimum number of steps drawn from
            2 ... max_steps, below which a sample doesn't halt.
        halt_in_evaluation: Whether evaluation halts, or takes all steps.
        batch_mean: Whether the batch's mean Q values decide for all its rows.
    """

    max_steps: int
    halt_in_evaluation: bool
    heads: int = 1
    biases: tuple[float, float] | None = (-5.0, -5.0)
    zero_weight: bool = True
    exploration: float = 0.0
    batch_mean: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.heads in (1, 2), "heads", self.heads, "1 or 2", "use 2 for separate heads")
        require(
            self.biases is None or len(self.biases) == 2,
            "biases",
            self.biases,
            "two numbers, (halt, continue), or None",
            "give both",
        )
        require(
            0 <= self.exploration <= 1,
            "exploration",
            self.exploration,
            "a probability, 0 to 1",
            "use 0.1",
        )


@dataclass(frozen=True, kw_only=True)
class Lockstep(Part):
    """The batch runs as one, until all its rows want to stop in the same step."""


@dataclass(frozen=True, kw_only=True)
class Masked(Part):
    """Each sample stops for itself; every row is computed, stopped rows keep their state."""


@dataclass(frozen=True, kw_only=True)
class Compacted(Part):
    """Each sample stops for itself; only live rows are computed."""


@dataclass(frozen=True, kw_only=True)
class Segments(Part):
    """Refinement: the recursion `count` times a step, states detached in between or not.

    With `connection`, the previous segment's output enters the low level with that weight.
    """

    count: int = 1
    detached: bool = True
    connection: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.count >= 1, "count", self.count, "1 or more", "one segment is a single pass")


@dataclass(frozen=True, kw_only=True)
class Kept(Part):
    """The next halting step goes on from the last one's states, with their graph."""


@dataclass(frozen=True, kw_only=True)
class Detached(Part):
    """The next halting step goes on from the last one's states, without their graph."""


@dataclass(frozen=True, kw_only=True)
class Restarted(Part):
    """The next halting step starts from the initial states again."""


@dataclass(frozen=True, kw_only=True)
class HRMConfig(Part):
    """The whole model: each field is an axis.

    Three loops nest: up to `halting.max_steps` halting steps, each of `segments.count` segments,
    each of `cycles` cycles of `low_steps` low updates and one high update.

    Args:
        embedding: What goes in.
        low, high: The cores of the two levels.
        readout: What comes out.
        low_steps: T, low updates per high update.
        cycles: C, high updates per segment.
        horizon: How many of a segment's trailing updates keep the gradient's graph; None for all.
        initial: What the states start from.
        coupling: How the levels meet.
        summary: What the high level sees of the low one.
        segments: Refinement within a halting step.
        carry: What a halting step hands to the next.
        halting: Who wants to stop. execution: What that costs.
    """

    embedding: Vector | Tokens
    low: Gru | Transformer
    high: Gru | Transformer
    readout: Readout
    low_steps: int
    cycles: int = 1
    horizon: int | None = None
    initial: Zeros | Learned | Frozen = Zeros()
    coupling: Alternating | Accumulating = Alternating()
    summary: LastStep | StepAttention | TraceAttention = LastStep()
    segments: Segments = Segments()
    carry: Kept | Detached | Restarted = Kept()
    halting: Fixed | Policy | QLearning = Fixed()
    execution: Lockstep | Masked | Compacted = Masked()

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("low_steps", "cycles"):
            require(getattr(self, name) >= 1, name, getattr(self, name), "1 or more", "raise it")
        require(
            self.horizon is None or self.horizon >= 1,
            "horizon",
            self.horizon,
            "1 or more trailing updates, or None for all of them",
            "use 2 for the last low and the last high update",
        )
        require(
            isinstance(self.embedding, Vector) or isinstance(self.low, Transformer),
            "low",
            self.low,
            "a Transformer for Tokens",
            "use Vector input with a Gru, or a Transformer core",
        )
        require(
            isinstance(self.low, Transformer) == isinstance(self.high, Transformer),
            "high",
            self.high,
            f"a core of the same kind as low, {type(self.low).__name__}",
            "use Gru twice or Transformer twice",
        )
        require(
            isinstance(self.low, Gru) or self.low.width == self.high.width,
            "high.width",
            self.high.width,
            f"low.width, {self.low.width}, for Transformer cores",
            "set both widths alike",
        )
        require(
            isinstance(self.coupling, Alternating) or isinstance(self.low, Transformer),
            "coupling",
            self.coupling,
            "Alternating for Gru cores",
            "use Transformer cores with Accumulating",
        )
        attended = not isinstance(self.summary, LastStep)
        require(
            not attended or isinstance(self.low, Gru),
            "summary",
            self.summary,
            "LastStep for Transformer cores, whose state already is a sequence",
            "use summary=LastStep()",
        )
        if isinstance(self.summary, StepAttention | TraceAttention):
            require(
                self.summary.heads >= 1 and self.low.width % self.summary.heads == 0,
                "summary.heads",
                self.summary.heads,
                f"a divisor of low.width, {self.low.width}",
                "change summary.heads or low.width",
            )
        require(
            self.segments.connection is None or isinstance(self.embedding, Vector),
            "segments.connection",
            self.segments.connection,
            "None for Tokens",
            "connect segments of Vector models alone",
        )
        require(
            not (isinstance(self.halting, Policy) and isinstance(self.low, Transformer)),
            "halting",
            self.halting,
            "Fixed or QLearning for Transformer cores",
            "use Gru cores with a Policy",
        )
        require(
            self.halting.max_steps >= 1,
            "max_steps",
            self.halting.max_steps,
            "1 or more",
            "raise it",
        )
        mean = isinstance(self.halting, QLearning) and self.halting.batch_mean
        require(
            not mean or isinstance(self.execution, Lockstep),
            "execution",
            self.execution,
            "Lockstep where the batch's mean decides",
            "use Lockstep, or batch_mean=False",
        )
