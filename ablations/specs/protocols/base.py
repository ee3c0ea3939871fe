"""The boards and the base class of protocols."""

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
        task: A task, such as `hrm.tasks.sudoku.Sudoku(...)`.
        train: Number of training boards.
        validation: Number of validation boards.
        test: Number of test boards.
        seed: The data seed of all runs; None to draw boards from the seed of each run.
    """

    task: Part
    train: int
    validation: int = 256
    test: int = 2048
    seed: int | None = None


@dataclass(frozen=True, kw_only=True)
class Protocol(Part, ABC):
    """Base class of protocols: what a trial runs.

    Class attributes:
        module: The module whose function `run(inputs)` executes it.
        joint: Whether one trial measures all arms together; otherwise each arm has its own trials.
        alone: Whether a trial needs the machine for itself.
        weights: Whether a trial results in weights from which other trials may start.
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
        """The modes (compiled or not) of all training that it depends on: none, one, or both."""
        own = frozenset({self.compiled} if hasattr(self, "compiled") else ())
        return own if self.parent is None else own | self.parent.modes

    @property
    def functions(self) -> tuple[str, ...]:
        """Functions that it calls by name, "module:function"; fingerprints cover their sources."""
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
