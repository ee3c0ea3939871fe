"""Configuration of objectives and training, as plain data without torch."""

import math
from dataclasses import dataclass
from typing import ClassVar

from hrm.config import HRMConfig, QLearning
from hrm.config.axes import Answer, Objective, Optimiser, Schedule, Score
from hrm.config.parts import Part, require


# -- losses of an answer --------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class SquaredError(Answer):
    """Mean squared error; with more than two classes, targets become one-hot vectors."""

    ignores: ClassVar[bool] = False


@dataclass(frozen=True, kw_only=True)
class CrossEntropy(Answer):
    """Cross-entropy of the softmax."""


@dataclass(frozen=True, kw_only=True)
class StablemaxCrossEntropy(Answer):
    """Cross-entropy of the stablemax, in float64."""


# -- objectives -----------------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class Supervised(Objective):
    """The answer's loss after the last segment, or the mean over all segments.

    Args:
        answer: The loss of an answer.
        every_segment: Whether the loss is the mean over all segments, weighted by `decay`;
            otherwise it is that of the last one.
        decay: Ratio of each segment's weight to the weight of the segment before; the mean weight
            is 1.
        between: Weight of the loss of the answers after every second halting step, the last one
            excepted, added to the loss of the last answer (document complete, as coded).
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
    """The policy loss uses log π of the action taken, at each step where there was a choice."""


@dataclass(frozen=True, kw_only=True)
class StopWhileLive(Score):
    """The policy loss uses log π(stop) at each live step, forced or not (v2, as coded)."""


@dataclass(frozen=True, kw_only=True)
class StopOnly(Score):
    """The policy loss uses log π(stop) where a sample stopped, forced or not (gru, as coded)."""


@dataclass(frozen=True, kw_only=True)
class PolicyGradient(Objective):
    """Squared error of the answer, plus REINFORCE with a learned baseline for halting.

    Args:
        cost: λ in R = −task loss − λ · steps.
        masked_mean: Whether the policy loss of a step is averaged over the live samples; otherwise
            it is averaged over the whole batch.
        normalise: Whether advantages are normalised over the batch.
        score: Which log-probabilities the policy loss uses.
        value_at_stop: Whether V is the value at the stop (document gru); otherwise it is the value
            of each live step (document v2).
        smooth_value: Whether V is fitted to R with the smooth L1 loss; with the squared error
            otherwise. None for smooth L1 if `value_at_stop` is set, and the squared error if not.
        baseline: Whether V is subtracted from the rewards; otherwise advantages are the rewards.
        shared_advantage: Whether all samples get the mean advantage of the batch.
        entropy: Weight of the entropy bonus.
        step_penalty: Weight of the mean number of steps.
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
    """The answer's loss plus binary cross-entropies of the Q values; one update per halting step.

    The batch has B places, which carry their states from one update to the next. Where a sample has
    halted, its place starts on a fresh sample.

    Args:
        answer: The loss of an answer, averaged over each sample's labelled tokens.
        weight: Weight of the losses of the Q values.
        continue_loss: Whether Q(continue) is trained, towards a target from one further halting
            step.
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

    An update is one halting step, as with `QHalting`: its experiences are those of the batch
    itself, and the next state is the one after the step. The reward of a step that halted, by
    choice or at the last step, is 1 if every labelled cell of the answer is right, and 0 otherwise;
    that of a step that continued is 0. `cost` is subtracted from the reward of every step.

    Args:
        answer: The loss of an answer, averaged over each sample's labelled tokens.
        separate: Whether each Q value has a target and a loss of its own; otherwise there is one
            target, for the larger value (before the document's enhancements).
        weight: Weight of the losses of the Q values.
        cost: Cost of a halting step, in units of the reward.
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
    """A documented system: a model and its training objective."""

    model: HRMConfig
    objective: Objective = Supervised()

    def __post_init__(self) -> None:
        super().__post_init__()
        self.objective.suits(self.model)


# -- training -------------------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class AdamW(Optimiser):
    """AdamW; without weight decay, Adam."""

    betas: tuple[float, float] = (0.9, 0.999)


@dataclass(frozen=True, kw_only=True)
class AdamAtan2(Optimiser):
    """Adam in which atan2(m, √v) replaces the quotient m / (√v + ε)."""

    betas: tuple[float, float] = (0.9, 0.95)


@dataclass(frozen=True, kw_only=True)
class AdamAtan2AsCoded(Optimiser):
    """The optimiser that document complete calls Adam-atan2, as its code computes it."""

    betas: tuple[float, float] = (0.9, 0.999)


@dataclass(frozen=True, kw_only=True)
class SignSGD(Optimiser):
    """Steps along the sign of the gradient, for the rows of puzzle tables that a batch uses."""


@dataclass(frozen=True, kw_only=True)
class Constant(Schedule):
    """The learning rate is constant."""

    def share(self, progress: float) -> float:
        return 1.0


@dataclass(frozen=True, kw_only=True)
class Cosine(Schedule):
    """The learning rate falls along half a cosine, to `floor` times its full value at the end."""

    floor: float = 0.0

    def share(self, progress: float) -> float:
        return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * progress)) / 2


@dataclass(frozen=True, kw_only=True)
class Depth(Part):
    """The depth of the recursion in one phase of the training.

    Args:
        until: Share of all updates at which the phase ends.
        cycles: Cycles per segment, as in `HRMConfig`.
        low_steps: Low updates per high update, as in `HRMConfig`.
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
        updates: Number of optimiser steps.
        batch: Samples per step.
        pieces: Number of equal parts of a batch whose gradients are computed one after another and
            added (gradient accumulation). It saves memory and leaves the step the same.
        optimiser: Optimiser of all parameters.
        learning_rate: Full learning rate, after warm-up.
        weight_decay: Decoupled weight decay, as in AdamW.
        halting_rate: Learning rate of a separate AdamW for the parameters of halting; None for the
            optimiser of the other parameters.
        puzzle_optimiser: Optimiser of the puzzle table's rows in use, SignSGD or AdamW.
        puzzle_rate: Learning rate of the puzzle table; None for `learning_rate`.
        puzzle_decay: Weight decay of the puzzle table; None for `weight_decay`.
        warmup: Updates over which the learning rate rises linearly from 0.
        schedule: The schedule of the learning rate after warm-up.
        clip: Largest gradient norm; None for no clipping.
        ema: Decay of an exponential moving average of the weights, which evaluation uses; None for
            no average.
        evaluate_every: Updates between two points of the validation curve.
        depths: Phases of the training with another depth of the recursion, in order. After the last
            one, and in every evaluation, the depth is the configured one.
        halts_from: Share of all updates during which halting decisions are ignored and all samples
            take all steps; evaluation always follows the decisions.
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
    halts_from: float = 0.0

    def depth(self, update: int) -> Depth | None:
        """Return the depth in an update, counted from 0; None for the configured depth."""
        return next((d for d in self.depths if update < d.until * self.updates), None)

    def obeys(self, update: int) -> bool:
        """Return whether halting decisions are followed in an update, counted from 0."""
        return update >= self.halts_from * self.updates

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
        require(
            0 <= self.halts_from <= 1,
            "halts_from",
            self.halts_from,
            "a share between 0 and 1",
            "use 0.5 for all steps in the first half",
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
