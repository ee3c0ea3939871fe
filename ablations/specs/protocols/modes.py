"""Modes: how trained weights are run on the test boards."""

from abc import ABC
from dataclasses import dataclass

from ablations.specs.protocols.base import require_positive
from hrm.config.parts import Part, require


@dataclass(frozen=True, kw_only=True)
class Mode(Part, ABC):
    """How trained weights are run on the test boards; `protocols.evaluate.answers` does it."""


@dataclass(frozen=True, kw_only=True)
class Greedy(Mode):
    """As in evaluation: no exploration, decisions greedy.

    Args:
        halt: Whether models halt even if their evaluation takes all steps (act-v1, as coded).
    """

    halt: bool = False


@dataclass(frozen=True, kw_only=True)
class Sampled(Mode):
    """Halting decides as in training, with noise from the run's seed, but without dropout."""


@dataclass(frozen=True, kw_only=True)
class Forced(Mode):
    """Every board takes `steps` halting steps, and answers are scored after each of them.

    Args:
        steps: Halting steps, K.
    """

    steps: int

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive("steps", self.steps)


@dataclass(frozen=True, kw_only=True)
class MeanLogits(Mode):
    """Every board takes `steps` halting steps; the mean of their logits gives the answer.

    Args:
        steps: Halting steps, K.
    """

    steps: int

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive("steps", self.steps)


@dataclass(frozen=True, kw_only=True)
class Scripted(Mode):
    """Halting steps are prescribed, and the model's decisions ignored; for controls.

    They are uniform on 1 … `longest`, at random or in the order of the boards' unknown cells.

    Args:
        steps: Halting steps that are computed, K.
        longest: The last step at which a board stops, at most K.
        ordered: Whether boards with more unknown cells stop later.
    """

    steps: int
    longest: int
    ordered: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        within = 1 <= self.longest <= self.steps
        require(within, "longest", self.longest, f"1 to steps, {self.steps}", "use fewer")


@dataclass(frozen=True, kw_only=True)
class Trajectories(Mode):
    """Several trajectories per board, with noise in their states; the largest Q(halt) chooses one.

    Args:
        count: Trajectories of each board, K.
        scales: Standard deviations of the noise to try; the one with the best score on the
            validation boards is used. Entries of states are about 1 in size.
    """

    count: int = 16
    scales: tuple[float, ...] = (0.05, 0.1, 0.2, 0.4, 0.8)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive("count", self.count)
        require(
            bool(self.scales) and min(self.scales) > 0,
            "scales",
            self.scales,
            "positive numbers",
            "use (0.1, 0.2, 0.4)",
        )


@dataclass(frozen=True, kw_only=True)
class Vote(Mode):
    """The answer is a vote, cell by cell, over copies of a board with permuted digits.

    Args:
        copies: Number of copies, all different.
    """

    copies: int = 9

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive("copies", self.copies)


@dataclass(frozen=True, kw_only=True)
class OneUnknown(Mode):
    """As `Greedy`, and also on the solutions of the test boards with a single cell left open."""
