"""Metrics of learning curves: time to a target, final level, and stability."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ablations.metrics.base import Metric, Observations
from ablations.metrics.value import UNKNOWN, Value, beyond, number
from hrm.config.parts import require


@dataclass(frozen=True, kw_only=True)
class Arrival(Metric):
    """Updates until the smoothed, interpolated validation score reaches a threshold.

    Scores and their updates are both averaged over windows of `smooth` evaluations, so that
    smoothing causes no delay. A run that hasn't reached the threshold at the cap lies beyond it.

    Args:
        threshold: Accuracy on unknown cells, or the return −error − cost · halting steps.
        cap: Number of updates at which curves are cut; the curves of all arms must reach it.
        smooth: Number of evaluations in a window; all of them if there are fewer.
        cost: Cost λ of a halting step in the return; None if the threshold is an accuracy, not a
            return.
        since: Share of the updates, from the beginning, that is ignored.
    """

    higher_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, math.inf)
    threshold: float
    cap: float
    smooth: int = 5
    cost: float | None = None
    since: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.smooth >= 1, "smooth", self.smooth, "1 or more", "use 1 for no smoothing")
        _require_share(self.since)

    @property
    def quantity(self) -> str:
        if self.cost is not None:
            return f"updates to a return of {self.threshold:g}"
        return f"updates to {self.threshold:.0%} of unknown cells"

    def read(self, found: Observations) -> Value:
        counted = np.asarray(found["evaluation_update"], dtype=np.float64)
        counted = counted - self.since * counted.max(initial=0.0)
        updates = averaged(counted[counted > 0], self.smooth)
        scores = averaged(self._curve(found)[counted > 0], self.smooth)
        if not np.isfinite(scores).all() or not len(scores):
            return UNKNOWN
        over = np.flatnonzero(scores >= self.threshold)
        if not len(over):
            return beyond(self.cap)
        i = int(over[0])
        if i == 0:  # it arrived before the first window
            first = min(float(updates[0]), self.cap)
            return Value(low=0.0, high=first, mean=first)
        share = (self.threshold - scores[i - 1]) / (scores[i] - scores[i - 1])
        at = float(updates[i - 1] + share * (updates[i] - updates[i - 1]))
        return number(at) if at <= self.cap else beyond(self.cap)

    def _curve(self, found: Observations) -> NDArray[np.float64]:
        if self.cost is None:
            return np.asarray(found["evaluation_score"], dtype=np.float64)
        error, taken = (np.asarray(found[f"evaluation_{name}"]) for name in ("error", "taken"))
        return np.asarray(-error - self.cost * taken, dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Settling(Metric):
    """Updates until the mean halting step of the validation boards stays near its final value.

    Steps are averaged as in `Arrival`; the last average is the final value.

    Args:
        within: Largest distance from the final value, in steps.
        smooth: Number of evaluations in a window; all of them if there are fewer.
        since: Share of the updates, from the beginning, that is ignored.
    """

    higher_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, math.inf)
    within: float = 0.5
    smooth: int = 5
    since: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.smooth >= 1, "smooth", self.smooth, "1 or more", "use 1 for no smoothing")
        require(self.within > 0, "within", self.within, "a positive number", "use 0.5")
        _require_share(self.since)

    @property
    def quantity(self) -> str:
        return f"updates until halting steps stay within {self.within:g} of where they end"

    def read(self, found: Observations) -> Value:
        counted = np.asarray(found["evaluation_update"], dtype=np.float64)
        counted = counted - self.since * counted.max(initial=0.0)
        updates = averaged(counted[counted > 0], self.smooth)
        steps = averaged(np.asarray(found["evaluation_taken"])[counted > 0], self.smooth)
        if not np.isfinite(steps).all() or not len(steps):
            return UNKNOWN
        away = np.flatnonzero(np.abs(steps - steps[-1]) > self.within)
        if not len(away):  # the steps had settled before the first window
            return Value(low=0.0, high=float(updates[0]), mean=float(updates[0]))
        return number(float(updates[away[-1] + 1]))


@dataclass(frozen=True, kw_only=True)
class ValidationScore(Metric):
    """Mean accuracy on unknown cells of the validation boards, over the last evaluations.

    Args:
        last: Number of evaluations.
    """

    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    last: int = 5

    @property
    def quantity(self) -> str:
        return f"validation accuracy, mean of the last {self.last} evaluations"

    def read(self, found: Observations) -> Value:
        return number(float(np.mean(np.asarray(found["evaluation_score"])[-self.last :])))


@dataclass(frozen=True, kw_only=True)
class TrainingLoss(Metric):
    """Mean training loss over the last updates.

    Args:
        last: Number of updates.
    """

    higher_is_better: ClassVar[bool] = False
    last: int = 50

    @property
    def quantity(self) -> str:
        return f"training loss, mean of the last {self.last} updates"

    def read(self, found: Observations) -> Value:
        return number(float(np.mean(np.asarray(found["update_loss"])[-self.last :])))


@dataclass(frozen=True, kw_only=True)
class GradientNorm(Metric):
    """Norm of the whole gradient before clipping, over all updates of a training run.

    Args:
        of: "median", "mean", "largest", or "growth": the log of the last tenth's median over the
            first tenth's.
    """

    higher_is_better: ClassVar[bool] = False
    of: str = "median"

    def __post_init__(self) -> None:
        super().__post_init__()
        allowed = ("median", "mean", "largest", "growth")
        require(self.of in allowed, "of", self.of, " or ".join(allowed), "use one")

    @property
    def quantity(self) -> str:
        return f"gradient norm, {self.of} over updates"

    def read(self, found: Observations) -> Value:
        norms = np.asarray(found["update_norm"], dtype=np.float64)
        if not len(norms):
            return UNKNOWN
        match self.of:
            case "median":
                return number(float(np.median(norms)))
            case "mean":
                return number(float(norms.mean()))
            case "largest":
                return number(float(norms.max()))
            case _:
                tenth = max(1, len(norms) // 10)
                first, last = np.median(norms[:tenth]), np.median(norms[-tenth:])
                return number(math.log(last / first)) if first > 0 and last > 0 else UNKNOWN


@dataclass(frozen=True, kw_only=True)
class ControllerPeak(Metric):
    """Largest norm of the controller's gradient in a training run, divided by the median norm.

    Args:
        since: Share of the updates, from the beginning, that is ignored.
    """

    higher_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (1.0, math.inf)
    since: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_share(self.since)

    @property
    def quantity(self) -> str:
        return "largest norm of the controller's gradient over the median one"

    def read(self, found: Observations) -> Value:
        norms = np.asarray(found["update_controller_norm"], dtype=np.float64)
        norms = norms[round(self.since * len(norms)) :]
        median = float(np.median(norms)) if len(norms) else 0.0
        return number(float(norms.max()) / median) if median > 0 else UNKNOWN


@dataclass(frozen=True, kw_only=True)
class Spikes(Metric):
    """Share of updates whose controller gradient exceeds a multiple of the median gradient.

    Args:
        times: The factor.
        since: Share of the updates, from the beginning, that is ignored.
    """

    higher_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    times: float = 5.0
    since: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.times > 1, "times", self.times, "more than 1", "use 5")
        _require_share(self.since)

    @property
    def quantity(self) -> str:
        return f"share of updates whose controller gradient is {self.times:g} times the median"

    def read(self, found: Observations) -> Value:
        norms = np.asarray(found["update_controller_norm"], dtype=np.float64)
        norms = norms[round(self.since * len(norms)) :]
        if not len(norms) or not np.isfinite(norms).all():
            return UNKNOWN
        return number(float((norms > self.times * np.median(norms)).mean()))


def _require_share(since: float) -> None:
    require(0 <= since < 1, "since", since, "a share from 0 to below 1", "use 0 to count all")


def averaged(values: object, window: int) -> NDArray[np.float64]:
    """Return the means of all windows of consecutive values; if there are fewer, of all values."""
    found = np.asarray(values, dtype=np.float64)
    window = min(window, len(found))
    return np.convolve(found, np.full(window, 1 / window), "valid") if window else found
