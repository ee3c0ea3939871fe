"""HRMConfig: one field per axis, one object per arm.

Plain data without torch. What an object computes is said where it is computed, in `hrm.model`
(`cores`, `layers`, `embedding`, `summary`, `halting`, `execution`); here is only what can be
chosen, and what can't be. `learning` has what a system learns and how, `parts` the JSON of it all.
"""

from dataclasses import dataclass

from hrm.config.blocks import (
    GatedMlp,
    Gru,
    LayerNorm,
    RmsNorm,
    RootNorm,
    SwiGlu,
    Transformer,
)
from hrm.config.ends import (
    FromInput,
    Frozen,
    Learned,
    Puzzles,
    Readout,
    ScaledNormal,
    Series,
    Tokens,
    TorchDefault,
    TruncatedNormal,
    Vector,
    Zeros,
)
from hrm.config.halting import (
    Accumulated,
    Ahead,
    Compacted,
    ConcatenatedController,
    DirectController,
    Fixed,
    LinearController,
    Lockstep,
    Masked,
    Minimum,
    Policy,
    QLearning,
    Refilled,
)
from hrm.config.levels import (
    Accumulating,
    Alternating,
    Crossing,
    Detached,
    Kept,
    LastStep,
    Restarted,
    Segments,
    StepAttention,
    TraceAttention,
)
from hrm.config.parts import Part, require

__all__ = [
    "Accumulated",
    "Accumulating",
    "Ahead",
    "Alternating",
    "Compacted",
    "ConcatenatedController",
    "Crossing",
    "Detached",
    "DirectController",
    "Fixed",
    "FromInput",
    "Frozen",
    "GatedMlp",
    "Gru",
    "HRMConfig",
    "Kept",
    "LastStep",
    "LayerNorm",
    "Learned",
    "LinearController",
    "Lockstep",
    "Masked",
    "Minimum",
    "Policy",
    "Puzzles",
    "QLearning",
    "Readout",
    "Refilled",
    "Restarted",
    "RmsNorm",
    "RootNorm",
    "ScaledNormal",
    "Segments",
    "Series",
    "StepAttention",
    "SwiGlu",
    "Tokens",
    "TorchDefault",
    "TraceAttention",
    "Transformer",
    "TruncatedNormal",
    "Vector",
    "Zeros",
]


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
        one_network: Whether the low level's network serves as the high level's too.
        horizon: How many of a segment's trailing updates keep the gradient's graph; None for all.
        initialisation: How the weights of maps are drawn.
        initial: What the states start from.
        coupling: How the levels meet.
        summary: What the high level sees of the low one.
        segments: Refinement within a halting step.
        carry: What a halting step hands to the next.
        halting: Who wants to stop.
        execution: What that costs. evaluation: the same in evaluation mode, if it is another.
        bfloat16: Whether activations are bfloat16 (weights, norms and Q values stay wider).
        checkpointing: Whether an update's activations are computed again in the backward pass
            instead of kept.
    """

    embedding: Vector | Series | Tokens
    low: Gru | Transformer
    high: Gru | Transformer
    readout: Readout
    low_steps: int
    cycles: int = 1
    one_network: bool = False
    horizon: int | None = None
    initialisation: TorchDefault | TruncatedNormal | ScaledNormal = TorchDefault()
    initial: Zeros | Learned | Frozen | FromInput = Zeros()
    coupling: Alternating | Accumulating | Crossing = Alternating()
    summary: LastStep | StepAttention | TraceAttention = LastStep()
    segments: Segments = Segments()
    carry: Kept | Detached | Restarted = Kept()
    halting: Fixed | Policy | QLearning | Accumulated = Fixed()
    execution: Lockstep | Masked | Compacted | Refilled = Masked()
    evaluation: Lockstep | Masked | Compacted | Refilled | None = None
    bfloat16: bool = False
    checkpointing: bool = False

    @property
    def positions(self) -> int:
        """S: positions that a level's state has, prefix included; 1 for vectors."""
        match self.embedding:
            case Tokens(positions=positions, puzzles=puzzles):
                return positions + (0 if puzzles is None else puzzles.tokens(self.low.width))
            case Series(positions=positions):
                return positions
            case Vector():
                return 1

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
            self.halting.max_steps >= 1,
            "max_steps",
            self.halting.max_steps,
            "1 or more",
            "raise it",
        )
        self._check_cores()
        self._check_levels()
        self._check_ends()
        self._check_stops()

    def _check_cores(self) -> None:
        sequences = isinstance(self.low, Transformer)
        require(
            sequences == isinstance(self.high, Transformer),
            "high",
            self.high,
            f"a core of the same kind as low, {type(self.low).__name__}",
            "use Gru twice or Transformer twice",
        )
        require(
            sequences or isinstance(self.embedding, Vector),
            "low",
            self.low,
            "a Transformer for inputs with positions",
            "use Vector input with a Gru, or a Transformer core",
        )
        require(
            sequences or not (self.bfloat16 or self.checkpointing),
            "low",
            self.low,
            "a Transformer with bfloat16 or checkpointing",
            "leave both off with Gru cores, which are bound by the number of operations",
        )
        require(
            not self.one_network or self.low == self.high,
            "high",
            self.high,
            "the same core as low with one_network",
            "make both cores equal, or use one_network=False",
        )

    def _check_levels(self) -> None:
        sequences = isinstance(self.low, Transformer)
        accumulating = isinstance(self.coupling, Accumulating)
        require(
            not accumulating or sequences,
            "coupling",
            self.coupling,
            "Alternating for Gru cores",
            "use Transformer cores with Accumulating",
        )
        require(
            not accumulating or self.low.width == self.high.width,
            "high.width",
            self.high.width,
            f"low.width, {self.low.width}, where one level's state is added to the other's",
            "set both widths alike, or use Alternating",
        )
        crossing = isinstance(self.coupling, Crossing)
        require(
            crossing == isinstance(self.halting, Accumulated),
            "coupling",
            self.coupling,
            "Crossing with Accumulated halting, and with no other",
            "use both or neither",
        )
        require(
            not crossing or sequences,
            "low",
            self.low,
            "a Transformer with Crossing, which looks at positions",
            "use Transformer cores, or Alternating",
        )
        require(
            sequences or not getattr(self.coupling, "reset", False),
            "coupling",
            self.coupling,
            "Alternating without reset for Gru cores",
            "use reset=False, or Transformer cores",
        )
        attended = not isinstance(self.summary, LastStep)
        require(
            not attended or isinstance(self.low, Gru),
            "summary",
            self.summary,
            "LastStep for Transformer cores, whose state already is a sequence",
            "use summary=LastStep()",
        )
        require(
            self.summary == LastStep() or isinstance(self.coupling, Alternating),
            "summary",
            self.summary,
            "LastStep() without projection where levels don't alternate",
            "use summary=LastStep(), or Alternating",
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
            "None for inputs with positions",
            "connect segments of Vector models alone",
        )

    def _check_ends(self) -> None:
        require(
            not isinstance(self.initial, FromInput)
            or (isinstance(self.low, Transformer) and self.segments.connection is None),
            "initial",
            self.initial,
            "FromInput with Transformer cores and without a connection of segments",
            "start from Zeros, so that the input can enter at each update",
        )
        puzzles = self.embedding.puzzles if isinstance(self.embedding, Tokens) else None
        room = None if puzzles is None else puzzles.tokens(self.low.width) * self.low.width
        require(
            puzzles is None or (room is not None and puzzles.size <= room),
            "puzzles.size",
            None if puzzles is None else puzzles.size,
            f"at most {room}, what the prefix holds",
            "use more prefix tokens, or prefix=None for as many as it takes",
        )
        require(
            not (self.readout.softmax and self.readout.average),
            "readout.average",
            self.readout.average,
            "False with softmax, since it is logits that are averaged",
            "leave one of them off",
        )

    def _check_stops(self) -> None:
        mean = isinstance(self.halting, QLearning) and self.halting.batch_mean
        for name in ("execution", "evaluation"):
            part = getattr(self, name)
            require(
                not mean or part is None or isinstance(part, Lockstep),
                name,
                part,
                "Lockstep where the batch's mean decides",
                "use Lockstep, or batch_mean=False",
            )
        require(
            not isinstance(self.carry, Restarted) or not isinstance(self.halting, Accumulated),
            "carry",
            self.carry,
            "Kept or Detached with Accumulated halting, whose sums go on from step to step",
            "use Kept",
        )
