"""Metrics of states and gradients: residuals, dimensions, cosines."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ablations.metrics.base import Metric, Observations
from ablations.metrics.value import UNKNOWN, Value, number
from hrm.config.parts import require


@dataclass(frozen=True, kw_only=True)
class ResidualLeft(Metric):
    """Change of a level's state in the last update, divided by that in the first one.

    Args:
        level: "low" or "high".
        schedules: Position of the last update, in multiples of the trained halting steps.
    """

    higher_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, math.inf)
    level: str = "low"
    schedules: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        _level(self.level)
        require(self.schedules >= 1, "schedules", self.schedules, "1 or more", "use 1")

    @property
    def quantity(self) -> str:
        after = f" after {self.schedules} schedules" if self.schedules > 1 else ""
        return f"last residual of the {self.level} level over its first{after}"

    def read(self, found: Observations) -> Value:
        moved = np.asarray(found[f"{self.level}_residual"], dtype=np.float64)
        steps = self.schedules * int(found["steps_trained"])
        each = len(moved) // len(np.asarray(found["gradient_cosine"]))  # updates in a halting step
        assert 1 <= steps * each <= len(moved), (steps, each, len(moved))
        first, last = moved[0], moved[steps * each - 1]
        return number(float(last / first)) if first > 0 else UNKNOWN


@dataclass(frozen=True, kw_only=True)
class CycleResidual(Metric):
    """Change of the low state in a cycle's last update, divided by that in its first one.

    It is a mean over cycles.

    Args:
        updates: Low updates in each cycle, T.
    """

    higher_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, math.inf)
    updates: int

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.updates >= 2, "updates", self.updates, "2 or more", "one has no last update")

    @property
    def quantity(self) -> str:
        return "last residual of the low level over its first, within a cycle"

    def read(self, found: Observations) -> Value:
        moved = np.asarray(found["low_residual"], dtype=np.float64)
        assert len(moved) and len(moved) % self.updates == 0, (len(moved), self.updates)
        cycles = moved.reshape(-1, self.updates)
        if not (cycles[:, 0] > 0).all():
            return UNKNOWN
        return number(float((cycles[:, -1] / cycles[:, 0]).mean()))


@dataclass(frozen=True, kw_only=True)
class Participation(Metric):
    """Participation ratio of a level's states, or the ratio of both levels (high / low).

    Args:
        of: "low", "high", or "ratio".
    """

    bounds: ClassVar[tuple[float, float]] = (0.0, math.inf)
    of: str = "ratio"

    def __post_init__(self) -> None:
        super().__post_init__()
        allowed = ("low", "high", "ratio")
        require(self.of in allowed, "of", self.of, " or ".join(allowed), "use one")

    @property
    def quantity(self) -> str:
        whose = "of the high level over the low one's"
        return f"participation ratio {whose if self.of == 'ratio' else f'of the {self.of} level'}"

    def read(self, found: Observations) -> Value:
        low, high = (float(found[f"{level}_participation"]) for level in ("low", "high"))
        if self.of != "ratio":
            return number(low if self.of == "low" else high)
        return number(high / low) if low > 0 else UNKNOWN


@dataclass(frozen=True, kw_only=True)
class GradientCosine(Metric):
    """Cosine between the gradient of the trained horizon and the full one, in the last step."""

    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    @property
    def quantity(self) -> str:
        return "cosine of the one-step and the full gradient"

    def read(self, found: Observations) -> Value:
        cosines = np.asarray(found["gradient_cosine"], dtype=np.float64)
        return number(float(cosines[min(int(found["steps_trained"]), len(cosines)) - 1]))


def _level(level: str) -> None:
    require(level in ("low", "high"), "level", level, "low or high", "use one")
