"""Metrics of a timing process, in which callables took turns (`ablations.protocols.time`)."""

import math
from abc import ABC
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ablations.metrics.base import Metric, Observations
from ablations.metrics.value import UNKNOWN, Value, number

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Timed(Metric, ABC):
    """Base class of numbers that are read from the rounds of one target at one batch size.

    Args:
        target: As the protocol names it, "module:function".
        batch: The batch size.
    """

    higher_is_better: ClassVar[bool] = False
    target: str
    batch: int

    @property
    def quantity(self) -> str:
        name = self.target.rpartition(":")[2].replace("_", " ")
        return f"time of a {name} at batch {self.batch}"

    def times(self, found: Observations, whose: str) -> Array:
        """Return the seconds of each round, [rounds].

        Args:
            found: Observations of the process for an arm.
            whose: "times" for the arm's times, "baseline" or "twin" for those of the same rounds.

        Raises:
            KeyError: If the target wasn't timed at this batch size.
        """
        targets, batches = list(found["targets"]), list(found["batches"])
        if self.target not in targets or self.batch not in batches:
            raise KeyError(f"{self.target} at batch {self.batch}")
        place = targets.index(self.target), batches.index(self.batch)
        seconds: Array = np.asarray(found[whose], dtype=np.float64)[place]
        return seconds

    def ratio(self, found: Observations, whose: str) -> Value:
        """Return exp(median over rounds of log(time / time of the baseline in the same round))."""
        logs = np.log(self.times(found, whose) / self.times(found, "baseline"))
        return number(math.exp(float(np.median(logs))))


@dataclass(frozen=True, kw_only=True)
class TimeRatio(Timed):
    """exp(median over rounds of log(time of the arm / time of the baseline)); the baseline reads 1.

    Both times are of the same round. So the log-ratio of treatment and baseline, which `Timing`
    forms, is the median over rounds of the log-ratio within a round.
    """

    @property
    def quantity(self) -> str:
        return f"{super().quantity}, over the baseline's"

    @property
    def twin(self) -> "TwinRatio":
        """The metric of equal code in the same rounds."""
        return TwinRatio(target=self.target, batch=self.batch)

    def read(self, found: Observations) -> Value:
        return self.ratio(found, "times")


@dataclass(frozen=True, kw_only=True)
class TwinRatio(Timed):
    """exp(median over rounds of log(time of the twin / time of the baseline)): 1, except for noise.

    The twin is the baseline built a second time. All arms of a process have the same one.
    """

    @property
    def quantity(self) -> str:
        return f"{super().quantity}, the baseline built twice, one over the other"

    def read(self, found: Observations) -> Value:
        return self.ratio(found, "twin")


@dataclass(frozen=True, kw_only=True)
class Milliseconds(Timed):
    """The median over rounds of the arm's own time, in milliseconds.

    Between processes it varies far more than a ratio: 7 to 30 %.
    """

    def read(self, found: Observations) -> Value:
        return number(1e3 * float(np.median(self.times(found, "times"))))


@dataclass(frozen=True, kw_only=True)
class ForeignLoad(Metric):
    """The load of the timed core by other processes during the measurement, between 0 and 1."""

    higher_is_better: ClassVar[bool] = False

    @property
    def quantity(self) -> str:
        return "share of the core that other processes took"

    def read(self, found: Observations) -> Value:
        load = found["foreign_on_core"]
        return UNKNOWN if load is None else number(load)
