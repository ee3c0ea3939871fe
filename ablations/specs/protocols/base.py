"""What protocols share: the boards, and the base class."""

from abc import ABC
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

from hrm.config import Compacted, Lockstep, Masked, Refilled
from hrm.config.parts import Part, require

Execution = Lockstep | Masked | Compacted | Refilled


@dataclass(frozen=True, kw_only=True)
class Boards(Part):
    """Boards of a task.

    Args:
        task: A task, `hrm.tasks.sudoku.Sudoku(...)`.
        train, validation, test: How many boards of each split.
        seed: The data seed of all runs; None to draw the boards anew from each run's seed.
    """

    task: Part
    train: int
    validation: int = 256
    test: int = 2048
    seed: int | None = None


@dataclass(frozen=True, kw_only=True)
class Protocol(Part, ABC):
    """What a trial does.

    Class attributes:
        module: The module with the function `run(inputs)` that does it.
        joint: Whether one trial measures all arms together, rather than each its own.
        alone: Whether a trial must have the machine for itself.
        weights: Whether a trial leaves weights that others may start from.
    """

    module: ClassVar[str]
    joint: ClassVar[bool] = False
    alone: ClassVar[bool] = False
    weights: ClassVar[bool] = False

    @property
    def parent(self) -> "Protocol | None":
        """The protocol whose weights this one starts from, None if it starts from nothing."""
        return getattr(self, "after", None)

    def trained(self, *, compiled: bool) -> Self:
        """Return this protocol with training steps compiled, or not, where it trains at all."""
        names = {field.name for field in fields(self)}
        new: dict[str, Any] = {"compiled": compiled} if "compiled" in names else {}
        if self.parent is not None:
            new["after"] = self.parent.trained(compiled=compiled)
        return replace(self, **new)

    @property
    def modes(self) -> frozenset[bool]:
        """Whether steps are compiled, of all training that it rests on: none, one, or both."""
        own = frozenset({self.compiled} if hasattr(self, "compiled") else ())
        return own if self.parent is None else own | self.parent.modes

    @property
    def functions(self) -> tuple[str, ...]:
        """Functions that it calls by name, "module:function"; a run rests on their sources too."""
        return ()


def require_one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Refuse a value that isn't one of those that are allowed."""
    require(value in allowed, name, value, " or ".join(allowed), "use one of them")


def require_positive(name: str, value: int) -> None:
    """Refuse a count below 1."""
    require(value >= 1, name, value, "1 or more", "raise it")


def require_factors(given: tuple[float, float] | None) -> None:
    """Refuse factors of the rate that aren't an ascending range of positive numbers."""
    low, high = given or (1.0, 1.0)
    require(
        0 < low <= high,
        "rate_factors",
        given,
        "two positive numbers, the smaller first, or None",
        "use (0.7, 1.4)",
    )
