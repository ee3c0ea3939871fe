"""Scores on test boards: accuracy, and the margin over the best trivial method."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ablations.metrics.base import Metric, Observations
from ablations.metrics.value import UNKNOWN, Value, number
from hrm.config.parts import require
from hrm.tasks.margin import paired

Stratum = tuple[float, float]
_quantities = {
    "unknown": "accuracy on unknown cells",
    "all": "accuracy on all cells",
    "exact": "share of boards answered exactly",
    "valid": "share of boards with a valid answer",
}
ERRORS = 3.0  # standard errors by which a model must beat the best trivial method


@dataclass(frozen=True, kw_only=True)
class Accuracy(Metric):
    """Share of right cells, as a mean over test boards, or share of right boards.

    Args:
        cells: "unknown" for cells that the input leaves open, "all" for all cells, "exact" for
            boards answered as stored, "valid" for boards with any valid answer.
        stratum: Smallest and largest difficulty of the boards that count; None for all boards.
        task: Index of the task whose boards count, if there are several; None for all boards.
    """

    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    cells: str = "unknown"
    stratum: Stratum | None = None
    task: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.cells in _quantities, "cells", self.cells, " or ".join(_quantities), "use one")

    @property
    def quantity(self) -> str:
        return _quantities[self.cells]

    def read(self, found: Observations) -> Value:
        return _mean(self._shares(found))

    def extreme(self, found: Observations) -> str:
        shares = self._shares(found)
        if len(shares) and (shares == 0).all():
            return f"floor: {self.quantity} is 0"
        return f"ceiling: {self.quantity} is 1" if len(shares) and (shares == 1).all() else ""

    def _shares(self, found: Observations) -> NDArray[np.float64]:
        shares = per_board(found, self.cells)
        return shares[chosen(found, self.stratum) & of_task(found, self.task)]


@dataclass(frozen=True, kw_only=True)
class HaltedAccuracy(Accuracy):
    """Accuracy with halting; to be compared with that of all steps.

    If no sample halts early, the two are equal for a trivial reason. `extreme` reports that.
    """

    def extreme(self, found: Observations) -> str:
        return halting_extreme(found) or super().extreme(found)


@dataclass(frozen=True, kw_only=True)
class ShadowAccuracy(Metric):
    """Accuracy on unknown cells with weights averaged in training, from `Train(shadows=...)`.

    Args:
        decay: Decay of the average.
    """

    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    decay: float

    @property
    def quantity(self) -> str:
        return f"accuracy on unknown cells of weights averaged with decay {self.decay:g}"

    def read(self, found: Observations) -> Value:
        place = list(found["shadow_decays"]).index(self.decay)
        return _mean(np.asarray(found["shadow_right"])[place] / np.asarray(found["unknown"]))


@dataclass(frozen=True, kw_only=True)
class AccuracyAt(Metric):
    """Accuracy on unknown cells after a given halting step, from `Evaluate(mode=Forced(...))`.

    Args:
        step: The step, from 1.
    """

    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    step: int

    @property
    def quantity(self) -> str:
        return f"accuracy on unknown cells after step {self.step}"

    def read(self, found: Observations) -> Value:
        right = np.asarray(found["right_by_step"])
        assert 1 <= self.step <= len(right), (self.step, len(right))
        return _mean(right[self.step - 1] / np.asarray(found["unknown"]))


@dataclass(frozen=True, kw_only=True)
class Margin(Metric):
    """Share of right unknown cells minus that of the best trivial method, as a mean over boards."""

    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    @property
    def quantity(self) -> str:
        return "accuracy on unknown cells beyond the best trivial method's"

    def read(self, found: Observations) -> Value:
        return number(skill(found).margin)


@dataclass(frozen=True, kw_only=True)
class TrivialAccuracy(Metric):
    """`Accuracy` of the best trivial method instead of the model.

    The method is the one that is best on the unknown cells of all boards, for every `cells`.

    Args:
        cells: "unknown" or "all".
        task: Index of the task whose boards count, if there are several; None for all boards.
    """

    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    cells: str = "unknown"
    task: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        kinds = ("unknown", "all")
        require(self.cells in kinds, "cells", self.cells, " or ".join(kinds), "use one")

    @property
    def quantity(self) -> str:
        return f"the best trivial method's {_quantities[self.cells]}"

    def read(self, found: Observations) -> Value:
        shares = (
            np.asarray(found["trivial_right"]) / np.asarray(found["unknown"])
            if self.cells == "unknown"
            else np.asarray(found["trivial_all_right"]) / float(found["cells"])
        )
        return _mean(shares[of_task(found, self.task)])


@dataclass(frozen=True, kw_only=True)
class Gain(Metric):
    """Share of the best trivial method's errors that a model avoids, for its worst task.

    (a − t) / (1 − t), where a and t are the shares of right unknown cells of the model and of that
    method; the smallest value if there are several tasks. 0 is no better than the trivial method,
    and 1 is everything right.
    """

    bounds: ClassVar[tuple[float, float]] = (-math.inf, 1.0)

    @property
    def quantity(self) -> str:
        return "share of the best trivial method's errors that is mended, on the worst task"

    def read(self, found: Observations) -> Value:
        tasks = np.unique(found["task"]).tolist() if "task" in found else [None]
        gains = []
        for task in tasks:
            own = Accuracy(task=task).read(found).mean
            trivial = TrivialAccuracy(task=task).read(found).mean
            if trivial >= 1:  # nothing is left to gain
                return UNKNOWN
            gains.append((own - trivial) / (1 - trivial))
        return number(min(gains))


@dataclass(frozen=True, kw_only=True)
class Skill:
    """Comparison of a run with the best trivial method, on unknown cells.

    Args:
        method: Name of the trivial method.
        score: Mean share of right unknown cells of the run.
        baseline: Mean share of right unknown cells of that method.
        margin: Mean difference over boards.
        error: Standard error of the margin over boards.
    """

    method: str
    score: float
    baseline: float
    margin: float
    error: float

    @property
    def shown(self) -> bool:
        """Whether the run is better than the trivial method by three standard errors."""
        return self.margin > ERRORS * self.error


def skill(found: Observations) -> Skill:
    """Return the comparison of a run with the best trivial method on the test boards.

    Margin and error are those of the boards' paired differences, see `hrm.tasks.margin`.

    Raises:
        KeyError: If the protocol of the observations scores nothing.
    """
    own = per_board(found, "unknown")
    trivial = np.asarray(found["trivial_right"]) / np.asarray(found["unknown"])
    margin = paired(own - trivial)
    return Skill(
        method=found["trivial_method"],
        score=float(own.mean()),
        baseline=float(trivial.mean()),
        margin=margin["difference"],
        error=margin["error"],
    )


def per_board(found: Observations, cells: str = "unknown") -> NDArray[np.float64]:
    """Return each test board's score in 0 … 1, [N]; `cells` as in `Accuracy`."""
    match cells:
        case "unknown":
            shares: NDArray[np.float64] = np.asarray(found["right"]) / np.asarray(found["unknown"])
        case "all":
            shares = np.asarray(found["all_right"]) / float(found["cells"])
        case _:
            shares = np.asarray(found[cells], dtype=np.float64)
    return shares


def chosen(
    found: Observations, stratum: Stratum | None, by: str = "difficulty"
) -> NDArray[np.bool_]:
    """Return which test boards have a difficulty in a stratum, both ends included, [N].

    Args:
        found: Observations of a run.
        stratum: Smallest and largest difficulty; None for all boards.
        by: The measure of difficulty: the task's own, or the number of "unknown" cells.
    """
    if stratum is None:
        return of_task(found, None)
    difficulty = np.asarray(found[by], dtype=np.float64)
    inside: NDArray[np.bool_] = (difficulty >= stratum[0]) & (difficulty <= stratum[1])
    return inside


def of_task(found: Observations, task: int | None) -> NDArray[np.bool_]:
    """Return which test boards belong to a task, by its index, [N]; all of them if None."""
    if task is None:
        each = "unknown" if "unknown" in found else "steps"  # not all observations have both
        return np.ones(len(np.asarray(found[each])), dtype=np.bool_)
    mine: NDArray[np.bool_] = np.asarray(found["task"]) == task
    return mine


def halting_extreme(found: Observations) -> str:
    """Return a text if all samples halt at the first step, or at the last one; otherwise ""."""
    steps, limit = np.asarray(found["steps"], dtype=np.int64), int(found["max_steps"])
    if limit > 1 and len(steps) and (steps == steps[0]).all():
        ends = {1: "floor: every sample stops at its first step"}
        return {limit: "ceiling: every sample takes all steps", **ends}.get(int(steps[0]), "")
    return ""


def require_difficulty(by: str) -> None:
    """Refuse an unknown measure of difficulty."""
    require(by in ("difficulty", "unknown"), "by", by, "difficulty or unknown", "use one")


def _mean(values: NDArray[np.float64]) -> Value:
    return number(float(values.mean())) if len(values) else UNKNOWN
