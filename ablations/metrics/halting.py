"""Metrics of learned halting: the entropy of stops in training, and the regret of a stop."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ablations.metrics.base import Metric, Observations
from ablations.metrics.value import UNKNOWN, Value, number
from hrm.config.parts import require


@dataclass(frozen=True, kw_only=True)
class StepEntropy(Metric):
    """Entropy of the halting step at completion, in nats, mean over windows of training.

    It is read from trainings that take one halting step per update: samples that halt within a
    window of updates are counted by their number of steps. Windows without such samples don't
    count.

    Args:
        window: Number of updates in a window.
    """

    bounds: ClassVar[tuple[float, float]] = (0.0, math.inf)
    window: int = 25

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.window >= 1, "window", self.window, "1 or more updates", "use 25")

    @property
    def quantity(self) -> str:
        return "entropy of the halting step in training, in nats"

    def read(self, found: Observations) -> Value:
        most = int(found["max_steps"])
        shares = np.stack(
            [np.asarray(found[f"update_halted_{k}"], dtype=np.float64) for k in range(1, most + 1)]
        )
        starts = range(0, shares.shape[1], self.window)
        windows = [shares[:, i : i + self.window].sum(axis=1) for i in starts]
        entropies = [_entropy(counts) for counts in windows if counts.sum() > 0]
        return number(float(np.mean(entropies))) if entropies else UNKNOWN


@dataclass(frozen=True, kw_only=True)
class AnswerRegret(Metric):
    """Mean over test boards of the reward at the best step minus that at the chosen step.

    The reward of step k is 1 if the whole board is right after it, else 0, minus `cost` · k. It is
    read from `Evaluate(mode=Forced(...))`.

    Args:
        cost: Cost of a halting step.
    """

    higher_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, math.inf)
    cost: float = 0.01

    @property
    def quantity(self) -> str:
        return f"regret against each board's best step, at a price of {self.cost:g} a step"

    def read(self, found: Observations) -> Value:
        right = np.asarray(found["exact_by_step"], dtype=np.float64)  # [K, N]
        earned = right - self.cost * np.arange(1, len(right) + 1)[:, None]
        chosen = np.asarray(found["wanted"], dtype=np.int64) - 1
        got = earned[chosen, np.arange(earned.shape[1])]
        return number(float((earned.max(axis=0) - got).mean()))


def _entropy(counts: NDArray[np.float64]) -> float:
    shares = counts[counts > 0] / counts.sum()
    return max(0.0, float(-(shares * np.log(shares)).sum()))
