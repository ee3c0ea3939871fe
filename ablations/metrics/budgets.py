"""Scores after a budget of operations, read from a training run's curve."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ablations.metrics.base import Metric, Observations
from ablations.metrics.value import UNKNOWN, Value, number
from hrm.config.parts import require


@dataclass(frozen=True, kw_only=True)
class ScoreAtCost(Metric):
    """Accuracy on unknown cells of the validation boards, once a budget of operations is spent.

    Operations are counted as parameters · updates. Among models that differ in their width alone,
    and of which most parameters enter each update equally often, they are proportional to those
    that an update takes for a board. The curve is interpolated between evaluations; a budget that
    is spent before the first one, or that the run doesn't reach, leaves the score unknown.

    Args:
        parameters: Parameters of the model whose training is the budget.
        updates: Updates of that training.
    """

    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    parameters: int
    updates: int

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("parameters", "updates"):
            require(getattr(self, name) >= 1, name, getattr(self, name), "1 or more", "raise it")

    @property
    def quantity(self) -> str:
        return (
            "accuracy on unknown cells of validation boards, after the operations of "
            f"{self.updates:,} updates of {self.parameters:,} parameters"
        )

    def read(self, found: Observations) -> Value:
        at = self.updates * self.parameters / float(found["parameters"])
        updates = np.asarray(found["evaluation_update"], dtype=np.float64)
        if not len(updates) or not updates[0] <= at <= updates[-1]:
            return UNKNOWN
        return number(float(np.interp(at, updates, np.asarray(found["evaluation_score"]))))
