"""Metrics: pure functions from the stored observations of a run to a value, without torch."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ablations.metrics.value import Value, diverged
from hrm.config.parts import Part

# Numbers, lists, text, and NumPy arrays (loaded from the run's sidecar when they are read).
Observations = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Metric(Part, ABC):
    """A number that is read from the observations of one arm's run.

    A metric is versioned by its own source, separately from protocols, so that a new metric
    requires no new run.
    """

    higher_is_better: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (-math.inf, math.inf)  # of all possible values

    @property
    @abstractmethod
    def quantity(self) -> str:
        """The name of the quantity for a reader: "accuracy on unknown cells", "operations"."""

    @abstractmethod
    def read(self, found: Observations) -> Value:
        """Return the value of a run.

        Raises:
            KeyError: If the protocol doesn't store what the metric reads, which is our mistake.
        """

    def extreme(self, found: Observations) -> str:
        """Return a text if a run lies at an end of the metric's scale ("floor: ..."), or ""."""
        return ""

    @property
    def worst(self) -> float:
        """The value of a diverged run in a mean; NaN if the metric is unbounded."""
        end = self.bounds[0] if self.higher_is_better else self.bounds[1]
        return end if math.isfinite(end) else math.nan

    def of_diverged(self) -> Value:
        """Return the value of a run that diverged."""
        return diverged(higher_is_better=self.higher_is_better, worst=self.worst)
