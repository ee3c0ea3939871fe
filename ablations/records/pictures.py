"""The data of pictures: series of runs, reduced to a few points per cell.

Everything is computed when a claim is judged for a report; drawing computes nothing.
"""

from dataclasses import dataclass
from enum import StrEnum

from hrm.codec import Record


class Kind(StrEnum):
    """The kinds of pictures."""

    COURSE = "course"  # learning curves
    ARRIVAL = "arrival"  # the share of runs that arrived, by update
    STEPS = "steps"  # accuracy, or the error, after each halting step
    DIFFICULTY = "difficulty"  # halting steps by the boards' difficulty
    TURNS = "turns"  # contrasts of timing processes, in the order in which they ran
    CELLS = "cells"  # each cell's values, by level or by name
    RATES = "rates"  # the loss at the end by learning rate
    MEMORY = "memory"  # bytes by cycles, steps or batch


@dataclass(frozen=True, kw_only=True)
class Line(Record):
    """One cell's points, from left to right.

    Args:
        label: Label of the cell.
        across: Horizontal positions of the points.
        middle: The median over runs, or a single value; None where it is unknown.
        low: Lower quartile over runs; empty if there is no band.
        high: Upper quartile over runs; empty if there is no band.
        n: Number of runs.
        beyond: Number of runs that never reached the target.
    """

    label: str
    across: tuple[float, ...]
    middle: tuple[float | None, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()
    n: int = 1
    beyond: int = 0


@dataclass(frozen=True, kw_only=True)
class Picture(Record):
    """Lines over one pair of axes.

    Args:
        kind: Kind of the picture.
        across: Label of the horizontal axis.
        up: Label of the vertical axis.
        lines: One line per cell.
        names: Names of the places 0, 1, 2 … on the horizontal axis; empty if it has numbers.
        level: A number on the vertical axis to compare with; None if there is none.
        level_name: Name of that number.
    """

    kind: Kind
    across: str
    up: str
    lines: tuple[Line, ...]
    names: tuple[str, ...] = ()
    level: float | None = None
    level_name: str = ""
