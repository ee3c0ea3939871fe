"""HRMConfig: one field per axis, one object per arm.

Plain data without torch. This package holds the choices and the rules that refuse impossible
combinations; the formulas are documented where they are computed, in `hrm.model` (`cores`,
`layers`, `embedding`, `summary`, `halting`, `execution`). `learning` configures objectives and
training, `parts` defines the JSON of all of them.
"""

import dataclasses
from dataclasses import dataclass

from hrm.config.axes import (
    Axis,
    Carry,
    Controller,
    Core,
    Coupling,
    Embedding,
    Execution,
    Exploration,
    FeedForward,
    Halting,
    Initial,
    Initialisation,
    Norm,
    Summary,
)
from hrm.config.blocks import (
    GatedMlp,
    Gru,
    LayerNorm,
    Mixer,
    Mlp,
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
    Stream,
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
    OneLatent,
    Restarted,
    Segments,
    SeparateLatents,
    Single,
    StepAttention,
    TraceAttention,
)
from hrm.config.parts import Part, require

__all__ = [
    "Accumulated",
    "Accumulating",
    "Ahead",
    "Alternating",
    "Axis",
    "Carry",
    "Compacted",
    "ConcatenatedController",
    "Controller",
    "Core",
    "Coupling",
    "Crossing",
    "Detached",
    "DirectController",
    "Embedding",
    "Execution",
    "Exploration",
    "FeedForward",
    "Fixed",
    "FromInput",
    "Frozen",
    "GatedMlp",
    "Gru",
    "HRMConfig",
    "Halting",
    "Initial",
    "Initialisation",
    "Kept",
    "LastStep",
    "LayerNorm",
    "Learned",
    "LinearController",
    "Lockstep",
    "Masked",
    "Minimum",
    "Mixer",
    "Mlp",
    "Norm",
    "OneLatent",
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
    "SeparateLatents",
    "Series",
    "Single",
    "StepAttention",
    "Stream",
    "Summary",
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
        embedding: How inputs are embedded.
        low: The core of the low level.
        high: The core of the high level.
        readout: How a state is mapped to the prediction.
        low_steps: T, low updates per high update.
        cycles: C, high updates per segment.
        one_network: Whether both levels share the low level's network.
        horizon: How many of a segment's last updates are differentiated; None for all of them.
        initialisation: How the weights of linear maps are initialised.
        initial: The initial states of both levels.
        coupling: In which order the levels are updated, and what each reads of the other.
        summary: What the high level reads of the low states of a cycle.
        segments: Refinement within a halting step.
        carry: Which states the next halting step starts from.
        halting: The halting policy.
        execution: How a batch is executed once some of its samples have halted.
        evaluation: The execution in evaluation mode; None for the same as in training.
        bfloat16: Whether activations are bfloat16 (weights, norms and Q values stay wider).
        checkpointing: Whether an update's activations are computed again in the backward pass
            instead of kept.
    """

    embedding: Embedding
    low: Core
    high: Core
    readout: Readout
    low_steps: int
    cycles: int = 1
    one_network: bool = False
    horizon: int | None = None
    initialisation: Initialisation = TorchDefault()
    initial: Initial = Zeros()
    coupling: Coupling = Alternating()
    summary: Summary = LastStep()
    segments: Segments = Segments()
    carry: Carry = Kept()
    halting: Halting = Fixed()
    execution: Execution = Masked()
    evaluation: Execution | None = None
    bfloat16: bool = False
    checkpointing: bool = False

    @property
    def positions(self) -> int:
        """S, the number of positions of a level's state, prefix included; 1 for vectors."""
        return self.embedding.length(self.low.width) or 1

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
        self._check_levels()
        for field in dataclasses.fields(self):
            choice = getattr(self, field.name)
            if isinstance(choice, Axis):
                choice.fits(self, field.name)
        self._check_halting()

    def _check_levels(self) -> None:
        sequences = self.low.sequences
        require(
            sequences == self.high.sequences,
            "high",
            self.high,
            f"a core of the same kind as low, {type(self.low).__name__}",
            "use Gru twice or Transformer twice",
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
        require(
            self.summary == LastStep() or self.coupling.summarises,
            "summary",
            self.summary,
            "LastStep() without projection where levels don't alternate",
            "use summary=LastStep(), or Alternating",
        )
        require(
            self.segments.connection is None or self.embedding.answered is None,
            "segments.connection",
            self.segments.connection,
            "None for inputs with positions",
            "connect segments of Vector models alone",
        )

        require(
            not (self.readout.softmax and self.readout.average),
            "readout.average",
            self.readout.average,
            "False with softmax, since it is logits that are averaged",
            "leave one of them off",
        )

    def _check_halting(self) -> None:
        require(
            self.coupling.accumulated == self.halting.accumulates,
            "coupling",
            self.coupling,
            "Crossing with Accumulated halting, and with no other",
            "use both or neither",
        )
        for name in ("execution", "evaluation"):
            part = getattr(self, name)
            require(
                not self.halting.together or part is None or part.as_one,
                name,
                part,
                "Lockstep where the batch's mean decides",
                "use Lockstep, or batch_mean=False",
            )
