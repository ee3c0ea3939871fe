"""Metrics of several answers to a board: choices among trajectories, easy boards, first steps."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ablations.metrics.base import Metric, Observations
from ablations.metrics.scores import per_board
from ablations.metrics.value import UNKNOWN, Value, number
from hrm.config.parts import require

_CHOICES = {
    "majority": "chosen by majority",
    "oracle": "of the best one",
    "single": "of one alone",
}


@dataclass(frozen=True, kw_only=True)
class ChosenAccuracy(Metric):
    """Accuracy of a choice among several answers that differs from the mode's own choice.

    Args:
        by: "majority" or "oracle", of trajectories; "single", the first answer.
        cells: "unknown" for cells that the input leaves open, "exact" for whole boards.
    """

    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    by: str
    cells: str = "unknown"

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.by in _CHOICES, "by", self.by, " or ".join(_CHOICES), "use one")
        _require_cells(self.cells)

    @property
    def quantity(self) -> str:
        whole = "unknown cells" if self.cells == "unknown" else "whole boards"
        return f"accuracy on {whole}, {_CHOICES[self.by]}"

    def read(self, found: Observations) -> Value:
        if self.cells == "exact":
            return number(float(np.mean(found[f"{self.by}_exact"])))
        right = np.asarray(found[f"{self.by}_right"]) / np.asarray(found["unknown"])
        return number(float(right.mean()))


@dataclass(frozen=True, kw_only=True)
class EasyFailure(Metric):
    """Share of boards with a single unknown cell that are answered wrongly.

    Args:
        cells: "unknown" if that cell has to be right, "exact" if the given ones have to be, too.
        against: Whether the share of the test boards that are answered wrongly as whole boards is
            subtracted.
    """

    higher_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    cells: str = "unknown"
    against: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_cells(self.cells)

    @property
    def quantity(self) -> str:
        less = ", less the share of the test boards" if self.against else ""
        return f"share of boards with one unknown cell that are wrong{less}"

    def read(self, found: Observations) -> Value:
        name = "easy_right" if self.cells == "unknown" else "easy_exact"
        wrong = 1 - float(np.mean(found[name]))
        if self.against:
            wrong -= 1 - float(per_board(found, "exact").mean())
        return number(wrong)


@dataclass(frozen=True, kw_only=True)
class FirstStepShare(Metric):
    """Gain over the best trivial method after one halting step, as a share of the final gain.

    (a₁ − t) / (a_K − t), where a_k is the accuracy on unknown cells after step k of K. The value is
    unknown if there is no final gain. It is read from `Evaluate(mode=Forced(...))`.

    Args:
        beyond: Whether t is the accuracy of the best trivial method; otherwise it is zero.
    """

    beyond: bool = True

    @property
    def quantity(self) -> str:
        return "share of the final gain that the first halting step has"

    def read(self, found: Observations) -> Value:
        unknown = np.asarray(found["unknown"])
        trivial = float((np.asarray(found["trivial_right"]) / unknown).mean()) * self.beyond
        steps = (np.asarray(found["right_by_step"]) / unknown).mean(axis=1) - trivial
        return number(float(steps[0] / steps[-1])) if steps[-1] > 0 else UNKNOWN


def _require_cells(cells: str) -> None:
    require(cells in ("unknown", "exact"), "cells", cells, "unknown or exact", "use one")
