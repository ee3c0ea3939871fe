"""Protocols as plain data: what a trial does, and after what. `ablations.protocols` does it.

A protocol may start from the weights that another one left (`after`): an arm is trained once and
measured often. Each kind names the module that runs it; a run's fingerprint covers that module's
imports, the modules of the parts that it is given, and the settings.
"""

from abc import ABC
from dataclasses import dataclass
from typing import ClassVar

from hrm.config.learning import Training
from hrm.config.parts import Part, require


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
        module: The module with the function `run(trial, inputs)` that does it.
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

    @property
    def functions(self) -> tuple[str, ...]:
        """Functions that it calls by name, "module:function"; a run rests on their sources too."""
        return ()


@dataclass(frozen=True, kw_only=True)
class Train(Protocol):
    """Train an arm and score it on the test boards.

    Args:
        boards: What it is trained and scored on.
        training: How.
        rate_factors: Each seed multiplies the learning rates by a factor drawn log-uniformly from
            this range, the same for all arms of the seed; None for no factor.
        wrong_labels: Share of training labels that are exchanged for wrong ones (a control's plant).
        replica: Which of several independent runs with one seed; a seed's replicas share boards and
            the factor of the rate, and draw their own weights and order.
    """

    module: ClassVar[str] = "ablations.protocols.train"
    weights: ClassVar[bool] = True
    boards: Boards
    training: Training
    rate_factors: tuple[float, float] | None = (0.7, 1.4)
    wrong_labels: float = 0.0
    replica: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            0 <= self.wrong_labels <= 1,
            "wrong_labels",
            self.wrong_labels,
            "a share between 0 and 1",
            "use 0.5 for half of the labels",
        )


@dataclass(frozen=True, kw_only=True)
class Check(Protocol):
    """Run the function of an exact claim, which yields checks.

    Args:
        function: "module:function"; it is called with the arms' systems and the seed.
    """

    module: ClassVar[str] = "ablations.protocols.check"
    joint: ClassVar[bool] = True
    function: str

    @property
    def functions(self) -> tuple[str, ...]:
        return (self.function,)


@dataclass(frozen=True, kw_only=True)
class Time(Protocol):
    """Time all arms by turns in a fresh process, and with them a twin of the first.

    The twin is the baseline, built a second time. Every target is timed at every batch size, in so
    many rounds, each of which calls all arms and the twin once, in random order.

    Args:
        targets: What is timed, functions "module:function" as `bench.turns` describes them.
        batches: Batch sizes.
        rounds: How many; the median over them is what a process says.
    """

    module: ClassVar[str] = "ablations.protocols.time"
    joint: ClassVar[bool] = True
    alone: ClassVar[bool] = True
    targets: tuple[str, ...]
    batches: tuple[int, ...]
    rounds: int = 40

    def __post_init__(self) -> None:
        super().__post_init__()
        assert self.targets and self.batches, self
        require(self.rounds >= 1, "rounds", self.rounds, "1 or more", "use 40")

    @property
    def functions(self) -> tuple[str, ...]:
        return self.targets
