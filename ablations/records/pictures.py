"""What runs left beside their values, reduced to a few points a cell: what pictures are drawn from.

Everything is computed when a claim is judged for a report, so that whoever draws computes nothing.
"""

from dataclasses import dataclass
from enum import StrEnum

from hrm.codec import Record


class Kind(StrEnum):
    """What a picture shows."""

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
        label: Of the cell.
        across: Where the points stand on the horizontal axis.
        middle: The median over runs, or the one value that there is; None where it is unknown.
        low, high: The middle half of the runs; empty where there is no band.
        n: Runs.
        beyond: How many of them never arrived.
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
        kind: What it shows.
        across, up: What the axes count.
        lines: One a cell.
        names: Of the places 0, 1, 2 … on the horizontal axis; empty where it has numbers.
        level: A number on the vertical axis to compare with; None if there is none.
        level_name: What that number is.
    """

    kind: Kind
    across: str
    up: str
    lines: tuple[Line, ...]
    names: tuple[str, ...] = ()
    level: float | None = None
    level_name: str = ""
