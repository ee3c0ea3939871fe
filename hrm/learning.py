"""What a system learns, and how: objective and training as parts. Plain data without torch."""

from dataclasses import dataclass

from hrm.config import HRMConfig
from hrm.parts import Part, require


@dataclass(frozen=True, kw_only=True)
class Supervised(Part):
    """Cross-entropy of the answer: after the last segment, or the mean over all segments."""

    every_segment: bool = False


@dataclass(frozen=True, kw_only=True)
class PolicyGradient(Part):
    """Squared error of the answer, plus REINFORCE with a learned baseline for halting.

    Args:
        cost: λ in R = −task loss − λ · steps.
        masked_mean: Whether each step's policy loss is averaged over the live samples, or over all.
        normalise: Whether advantages are normalised over the batch.
        score_of_stop: Score log π(stop) at each live step (as coded in v2's original) instead of
            the log-probability of the action taken.
        value_at_stop: Smooth-L1 of V at the stop against R (gru), or the squared errors of V at
            every step against R where live (v2).
        entropy: Weight of the entropy bonus. step_penalty: weight of the mean number of steps.
    """

    cost: float = 0.01
    masked_mean: bool = False
    normalise: bool = False
    score_of_stop: bool = False
    value_at_stop: bool = False
    entropy: float = 0.0
    step_penalty: float = 0.0


@dataclass(frozen=True, kw_only=True)
class System(Part):
    """A documented system: a model and what it is trained for."""

    model: HRMConfig
    objective: Supervised | PolicyGradient = Supervised()


@dataclass(frozen=True, kw_only=True)
class Training(Part):
    """How a system is trained: AdamW (Adam without weight decay), linear warm-up, then constant.

    Args:
        updates: Optimiser steps. batch: samples in each.
        learning_rate, weight_decay: As in AdamW.
        warmup: Updates over which the learning rate rises from 0.
        clip: Largest gradient norm, None for no clipping.
        evaluate_every: Updates between two points of the validation curve.
    """

    updates: int
    batch: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    warmup: int = 0
    clip: float | None = None
    evaluate_every: int = 50

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("updates", "batch", "evaluate_every"):
            require(getattr(self, name) >= 1, name, getattr(self, name), "1 or more", "raise it")
        require(
            self.learning_rate > 0,
            "learning_rate",
            self.learning_rate,
            "a positive number",
            "raise it",
        )
