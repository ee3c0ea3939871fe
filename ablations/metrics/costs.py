"""Metrics of cost: computed rows, FLOPs, halting steps, allocated bytes, parameters."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ablations.metrics.base import Metric, Observations
from ablations.metrics.scores import (
    Stratum,
    chosen,
    halting_extreme,
    of_task,
    require_difficulty,
)
from ablations.metrics.value import UNKNOWN, Value, number
from hrm.config.parts import require


@dataclass(frozen=True, kw_only=True)
class Cost(Metric):
    """Base class of counts, for which lower is better."""

    higher_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, math.inf)


@dataclass(frozen=True, kw_only=True)
class Rows(Cost):
    """Rows through the high core, one per sample and cycle, over all test boards."""

    @property
    def quantity(self) -> str:
        return "operations (rows through the high core)"

    def read(self, found: Observations) -> Value:
        return number(float(np.sum(np.asarray(found["rows"], dtype=np.int64))))

    def extreme(self, found: Observations) -> str:
        return halting_extreme(found)


@dataclass(frozen=True, kw_only=True)
class RowShare(Rows):
    """Rows through the high core, as a share of those if all samples took all steps."""

    @property
    def quantity(self) -> str:
        return "share of the operations that all samples would take in all steps"

    def read(self, found: Observations) -> Value:
        whole = len(_steps(found)) * int(found["max_steps"])
        return number(super().read(found).low / whole)


@dataclass(frozen=True, kw_only=True)
class Flops(Cost):
    """FLOPs of the whole forward passes over all test boards."""

    @property
    def quantity(self) -> str:
        return "FLOPs of the whole forward pass"

    def read(self, found: Observations) -> Value:
        return number(float(found["flops"]))

    def extreme(self, found: Observations) -> str:
        return halting_extreme(found)


@dataclass(frozen=True, kw_only=True)
class SlowestRows(Cost):
    """Rows through the high core if each sample took the steps of the slowest one in its batch."""

    @property
    def quantity(self) -> str:
        return "operations of batches that end with their slowest sample"

    def read(self, found: Observations) -> Value:
        steps, batch = _steps(found), int(found["batch"])
        batches = (steps[i : i + batch] for i in range(0, len(steps), batch))
        return number(float(sum(int(part.max()) * len(part) for part in batches)))


@dataclass(frozen=True, kw_only=True)
class Cycles(Cost):
    """Mean halting step of the test boards.

    Args:
        stratum: Smallest and largest difficulty of the boards that count; None for all boards.
        by: The measure of difficulty: the task's own, or the number of "unknown" cells.
        task: Index of the task whose boards count, if there are several; None for all boards.
    """

    stratum: Stratum | None = None
    by: str = "difficulty"
    task: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require_difficulty(self.by)

    @property
    def quantity(self) -> str:
        return "halting steps"

    def read(self, found: Observations) -> Value:
        counted = chosen(found, self.stratum, self.by) & of_task(found, self.task)
        steps = _steps(found)[counted]
        return number(float(steps.mean())) if len(steps) else UNKNOWN

    def extreme(self, found: Observations) -> str:
        return halting_extreme(found)


@dataclass(frozen=True, kw_only=True)
class CompletionStep(Cost):
    """Mean number of steps at halting in training, over samples that halt in the last updates.

    Args:
        last: The share of the updates that counts.
    """

    last: float = 0.25

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 < self.last <= 1, "last", self.last, "a share above 0, up to 1", "use 0.25")

    @property
    def quantity(self) -> str:
        return f"halting steps in training, over the last {self.last:.0%} of the updates"

    def read(self, found: Observations) -> Value:
        count = math.ceil(self.last * len(np.asarray(found["update_halted"])))
        halted, steps = (
            float(np.sum(np.asarray(found[name], dtype=np.float64)[-count:]))
            for name in ("update_halted", "update_halted_steps")
        )
        return number(steps / halted) if halted > 0 else UNKNOWN

    def extreme(self, found: Observations) -> str:
        value, limit = self.read(found), int(found["max_steps"])
        if limit == 1 or not value.known:
            return ""
        if value.mean > limit - 1e-6:
            return "ceiling: nobody halts before the last step"
        return "floor: everybody halts at the first step" if value.mean < 1 + 1e-6 else ""


@dataclass(frozen=True, kw_only=True)
class HaltingEntropy(Metric):
    """Entropy of the halting step over test boards, in bits: 0 if all halt at the same step."""

    bounds: ClassVar[tuple[float, float]] = (0.0, math.inf)

    @property
    def quantity(self) -> str:
        return "entropy of the halting step, in bits"

    def read(self, found: Observations) -> Value:
        counts = np.bincount(_steps(found))
        shares = counts[counts > 0] / counts.sum()
        return number(max(0.0, float(-(shares * np.log2(shares)).sum())))


@dataclass(frozen=True, kw_only=True)
class Allocation(Metric):
    """Spearman's rank correlation between the boards' difficulty and their halting steps.

    It is 0 if all boards halt at the same step, or are equally difficult.

    Args:
        by: The measure of difficulty: the task's own, or the number of "unknown" cells.
        task: Index of the task whose boards count, if there are several; None for all boards.
    """

    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    by: str = "difficulty"
    task: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require_difficulty(self.by)

    @property
    def quantity(self) -> str:
        return "rank correlation of difficulty and halting steps"

    def read(self, found: Observations) -> Value:
        mine = of_task(found, self.task)
        first, second = (_deviations(np.asarray(found[n])[mine]) for n in (self.by, "steps"))
        size = math.sqrt(float((first @ first) * (second @ second)))
        return number(float(first @ second) / size if size > 0 else 0.0)


@dataclass(frozen=True, kw_only=True)
class BytesOf(Cost):
    """Bytes that one controller call, or one forward pass, allocates.

    Args:
        what: "call" or "pass".
        batch: Batch size of the call or pass, which the protocol must have counted.
    """

    what: str = "call"
    batch: int = 32

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.what in ("call", "pass"), "what", self.what, "call or pass", "use one")

    @property
    def quantity(self) -> str:
        name = {"call": "controller call", "pass": "forward pass"}[self.what]
        return f"bytes that a {name} of batch {self.batch} allocates"

    def read(self, found: Observations) -> Value:
        counted = zip(found[f"{self.what}_batches"], found[f"{self.what}_bytes"], strict=True)
        return number(float(dict(counted)[self.batch]))


@dataclass(frozen=True, kw_only=True)
class Parameters(Cost):
    """Parameters of the model."""

    @property
    def quantity(self) -> str:
        return "parameters"

    def read(self, found: Observations) -> Value:
        return number(float(found["parameters"]))


def _steps(found: Observations) -> NDArray[np.int64]:
    return np.asarray(found["steps"], dtype=np.int64)


def _deviations(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return each value's rank minus the mean rank; equal values get the mean of their ranks."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return ranks - (len(values) + 1) / 2
