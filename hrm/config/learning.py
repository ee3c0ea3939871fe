"""What a system learns, and how: objective and training as parts. Plain data without torch."""

import math
from dataclasses import dataclass
from typing import ClassVar

from hrm.config import HRMConfig, QLearning
from hrm.config.axes import Answer, Objective, Optimiser, Schedule, Score
from hrm.config.parts import Part, require


# -- what an answer costs -------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class SquaredError(Answer):
    """Mean squared error; class targets become one-hot beyond two classes."""

    ignores: ClassVar[bool] = False


@dataclass(frozen=True, kw_only=True)
class CrossEntropy(Answer):
    """Cross-entropy of the softmax."""


@dataclass(frozen=True, kw_only=True)
class StablemaxCrossEntropy(Answer):
    """Cross-entropy of the stablemax, in float64."""


# -- what a system is trained for -----------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class Supervised(Objective):
    """The answer's loss after the last segment, or the mean over all segments.

    Args:
        answer: The loss of an answer.
        every_segment: Whether all segments count, in equal shares but for `decay`.
        decay: Weight of each segment's loss over that of the one before; the weights' mean is 1.
        between: Weight of the answers after every second halting step but the last, beside the
            last answer's loss (complete, as coded).
    """

    answer: Answer = CrossEntropy()
    every_segment: bool = False
    decay: float = 1.0
    between: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            0 < self.decay <= 1 and (self.every_segment or self.decay == 1),
            "decay",
            self.decay,
            "above 0, up to 1; and 1 where the last segment alone counts",
            "use every_segment=True with a decay",
        )

    def suits(self, model: HRMConfig) -> None:
        require(
            self.between <= 0 or model.readout.each_step,
            "readout.each_step",
            model.readout.each_step,
            "True where answers between the steps are supervised",
            "use each_step=True, or between=0",
        )


@dataclass(frozen=True, kw_only=True)
class ActionsTaken(Score):
    """The policy loss scores log π of the action taken, wherever one was chosen."""


@dataclass(frozen=True, kw_only=True)
class StopWhileLive(Score):
    """The policy loss scores log π(stop) at each live step, forced or not (v2, as coded)."""


@dataclass(frozen=True, kw_only=True)
class StopOnly(Score):
    """The policy loss scores log π(stop) where a sample stopped, forced or not (gru, as coded)."""


@dataclass(frozen=True, kw_only=True)
class PolicyGradient(Objective):
    """Squared error of the answer, plus REINFORCE with a learned baseline for halting.

    Args:
        cost: λ in R = −task loss − λ · steps.
        masked_mean: Whether each step's policy loss is averaged over the live samples, or over all.
        normalise: Whether advantages are normalised over the batch.
        score: Which log-probabilities the policy loss scores.
        value_at_stop: Whether V is that at the stop (gru), or that of each live step (v2).
        smooth_value: Whether V learns R by smooth L1, or by squared error; None for what goes with
            `value_at_stop`: smooth at the stop, squared at each step.
        baseline: Whether V is subtracted from the rewards; else advantages are rewards.
        shared_advantage: Whether all samples have the batch's mean advantage.
        entropy: Weight of the entropy bonus. step_penalty: weight of the mean number of steps.
    """

    threshold: ClassVar[float] = 0.5
    cost: float = 0.01
    masked_mean: bool = False
    normalise: bool = False
    score: Score = ActionsTaken()
    value_at_stop: bool = False
    smooth_value: bool | None = None
    baseline: bool = True
    shared_advantage: bool = False
    entropy: float = 0.0
    step_penalty: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            not (self.normalise and self.shared_advantage),
            "shared_advantage",
            self.shared_advantage,
            "False with normalise: an advantage that all share is 0 less its mean",
            "use normalise=False",
        )


@dataclass(frozen=True, kw_only=True)
class QHalting(Objective):
    """The answer's loss plus binary cross-entropies of the Q values; an update per halting step.

    Places carry their states from update to update; halted ones start on fresh samples.

    Args:
        answer: The loss of an answer, averaged over each sample's labelled tokens.
        weight: Of the Q values' losses.
        continue_loss: Whether Q(continue) learns from a look one step ahead.
    """

    answer: Answer = StablemaxCrossEntropy()
    weight: float = 0.5
    continue_loss: bool = True

    def suits(self, model: HRMConfig) -> None:
        require(
            isinstance(model.halting, QLearning),
            "objective",
            self,
            "QHalting for models with QLearning alone",
            "use halting=QLearning(...), or Supervised()",
        )


@dataclass(frozen=True, kw_only=True)
class ReplayHalting(Objective):
    """The answer's loss plus squared errors of Q values, as amulgent learns from experiences.

    An update is one halting step, as with `QHalting`: the latest experiences are the batch's own,
    and the next state is the one that the step left. Where a step halted, or had to, its reward is
    1 if every labelled cell of the answer is right, else 0; where it went on, 0. Each step costs
    `cost` besides.

    Args:
        answer: The loss of an answer, averaged over each sample's labelled tokens.
        separate: Whether both Q values have targets and losses of their own, or the larger one has
            the one target (before the document's enhancements).
        weight: Of the Q values' losses.
        cost: Of a halting step, in rewards.
    """

    answer: Answer = CrossEntropy()
    separate: bool = True
    weight: float = 0.5
    cost: float = 0.01

    def suits(self, model: HRMConfig) -> None:
        require(
            isinstance(model.halting, QLearning),
            "objective",
            self,
            "ReplayHalting for models with QLearning alone",
            "use halting=QLearning(...), or Supervised()",
        )


@dataclass(frozen=True, kw_only=True)
class System(Part):
    """A documented system: a model and what it is trained for."""

    model: HRMConfig
    objective: Objective = Supervised()

    def __post_init__(self) -> None:
        super().__post_init__()
        self.objective.suits(self.model)


# -- how it is trained ----------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class AdamW(Optimiser):
    """AdamW; without weight decay, Adam."""

    betas: tuple[float, float] = (0.9, 0.999)


@dataclass(frozen=True, kw_only=True)
class AdamAtan2(Optimiser):
    """Adam with arc tangent instead of a quotient and its ε."""

    betas: tuple[float, float] = (0.9, 0.95)


@dataclass(frozen=True, kw_only=True)
class AdamAtan2AsCoded(Optimiser):
    """What document complete's code calls by that name."""

    betas: tuple[float, float] = (0.9, 0.999)


@dataclass(frozen=True, kw_only=True)
class SignSGD(Optimiser):
    """The sign of the gradient: of puzzle tables' rows in use alone."""


@dataclass(frozen=True, kw_only=True)
class Constant(Schedule):
    """The learning rate stays."""

    def share(self, progress: float) -> float:
        return 1.0


@dataclass(frozen=True, kw_only=True)
class Cosine(Schedule):
    """The learning rate falls along half a cosine to a share `floor` of itself at the end."""

    floor: float = 0.0

    def share(self, progress: float) -> float:
        return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * progress)) / 2


@dataclass(frozen=True, kw_only=True)
class Depth(Part):
    """How deep the recursion is in a part of the training.

    Args:
        until: The share of the updates at which that part ends.
        cycles, low_steps: As in `HRMConfig`.
    """

    until: float
    cycles: int
    low_steps: int

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 < self.until <= 1, "until", self.until, "a share above 0, up to 1", "use 0.3")
        for name in ("cycles", "low_steps"):
            require(getattr(self, name) >= 1, name, getattr(self, name), "1 or more", "raise it")


@dataclass(frozen=True, kw_only=True)
class Training(Part):
    """How a system is trained: an optimiser, linear warm-up, then a schedule.

    Args:
        updates: Optimiser steps. batch: samples in each.
        pieces: So many equal parts of a batch are computed one after another, their gradients
            added: the memory of one, the step of all.
        optimiser: Of all parameters.
        learning_rate, weight_decay: As in AdamW.
        halting_rate: Learning rate of an AdamW of its own for the halting's parameters, if any.
        puzzle_optimiser: Of the puzzle table's rows in use, SignSGD or AdamW.
        puzzle_rate, puzzle_decay: Of the puzzle table; None for the same as the others.
        warmup: Updates over which the learning rate rises from 0. schedule: what it does then.
        clip: Largest gradient norm, None for no clipping.
        ema: Decay of an exponential moving average of the weights, for evaluation; None for none.
        evaluate_every: Updates between two points of the validation curve.
        depths: How deep the recursion is in parts of the training, one after another; as deep as
            configured after the last one, and in evaluation always.
    """

    updates: int
    batch: int = 32
    pieces: int = 1
    optimiser: Optimiser = AdamW()
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    halting_rate: float | None = None
    puzzle_optimiser: Optimiser = SignSGD()
    puzzle_rate: float | None = None
    puzzle_decay: float | None = None
    warmup: int = 0
    schedule: Schedule = Constant()
    clip: float | None = None
    ema: float | None = None
    evaluate_every: int = 50
    depths: tuple[Depth, ...] = ()

    def depth(self, update: int) -> Depth | None:
        """Return how deep the recursion is in an update, counted from 0; None for as configured."""
        return next((d for d in self.depths if update < d.until * self.updates), None)

    def __post_init__(self) -> None:
        super().__post_init__()
        ends = [depth.until for depth in self.depths]
        require(
            ends == sorted(set(ends)),
            "depths",
            self.depths,
            "parts that end one after another",
            "sort them by `until`",
        )
        for name in ("updates", "batch", "pieces", "evaluate_every"):
            require(getattr(self, name) >= 1, name, getattr(self, name), "1 or more", "raise it")
        require(
            not isinstance(self.optimiser, SignSGD),
            "optimiser",
            self.optimiser,
            "any other than SignSGD, which is for puzzle tables",
            "use AdamW()",
        )
        require(
            isinstance(self.puzzle_optimiser, SignSGD | AdamW),
            "puzzle_optimiser",
            self.puzzle_optimiser,
            "SignSGD or AdamW",
            "use SignSGD()",
        )
        require(
            self.learning_rate > 0,
            "learning_rate",
            self.learning_rate,
            "a positive number",
            "raise it",
        )
        require(
            self.batch % max(1, self.pieces) == 0,
            "pieces",
            self.pieces,
            f"a divisor of the batch, {self.batch}",
            "change pieces or batch",
        )
        require(
            self.ema is None or 0 < self.ema < 1,
            "ema",
            self.ema,
            "a decay between 0 and 1, or None",
            "use 0.999",
        )
        require(
            self.clip is None or self.clip > 0,
            "clip",
            self.clip,
            "a positive number, or None",
            "use 1.0, or leave it out for no clipping",
        )
