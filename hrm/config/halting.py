"""Halting policies, and how a batch is executed once samples have halted."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from hrm.config.axes import Controller, Execution, Exploration, Halting
from hrm.config.levels import Restarted
from hrm.config.parts import require

if TYPE_CHECKING:
    from hrm.config import HRMConfig


@dataclass(frozen=True, kw_only=True)
class Fixed(Halting):
    """Every sample takes the same number of steps."""

    steps: int = 1

    @property
    def max_steps(self) -> int:
        """The number of steps, under the name that all halting parts share."""
        return self.steps


@dataclass(frozen=True, kw_only=True)
class LinearController(Controller):
    """One linear map from z_H to the two logits, another to the value of the baseline."""


@dataclass(frozen=True, kw_only=True)
class ConcatenatedController(Controller):
    """A policy network that reads ``[I | 1] [z_H ; c/C]`` after step c of C.

    The d × (d + 1) matrix ``[I | 1]`` is rebuilt at each call, as in document v2's original code.
    """

    dropout: float = 0.1


@dataclass(frozen=True, kw_only=True)
class DirectController(Controller):
    """A policy network whose first layer reads ``[z_H ; c/C]`` after step c of C."""

    dropout: float = 0.1


@dataclass(frozen=True, kw_only=True)
class Policy(Halting):
    """A stochastic policy decides: greedily in evaluation; the last step always stops.

    Args:
        max_steps: Largest number of halting steps.
        controller: The network that computes the logits.
        sample: Whether actions are sampled in training; otherwise they are greedy there, too.
        detach_state: Whether controller and baseline read z_H without gradient.
        detach_at_stop: Whether states and logits at the stop are copied without gradient.
        obeyed: Whether samples stop where the policy says so; otherwise they take all steps.
    """

    max_steps: int
    controller: Controller
    sample: bool = True
    detach_state: bool = False
    detach_at_stop: bool = False
    obeyed: bool = True


@dataclass(frozen=True, kw_only=True)
class Minimum(Exploration):
    """Exploration per sample and step: with this probability, a minimum number of steps.

    The sample doesn't halt before that number of steps, which is `least` or, if that is None, drawn
    uniformly from 2 ... max_steps.
    """

    probability: float
    least: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _probability(self.probability)
        require(
            self.least is None or self.least >= 2,
            "least",
            self.least,
            "2 or more steps, or None to draw it",
            "use 2",
        )


@dataclass(frozen=True, kw_only=True)
class Ahead(Exploration):
    """Exploration of the whole batch: with this probability, halting is moved to a later step.

    At step k, the new step is max(2, min(max_steps, k + U)), with U drawn uniformly from 1 ...
    `most`. With `per_sample`, each sample draws for itself.
    """

    probability: float
    most: int = 3
    per_sample: bool = False

    @property
    def of_batch(self) -> bool:
        return not self.per_sample

    def __post_init__(self) -> None:
        super().__post_init__()
        _probability(self.probability)
        require(self.most >= 1, "most", self.most, "1 or more steps", "use 3")


@dataclass(frozen=True, kw_only=True)
class QLearning(Halting):
    """A sample halts as soon as Q(halt) > Q(continue), and at the last step in any case.

    Args:
        max_steps: Largest number of halting steps.
        halt_in_evaluation: Whether samples halt in evaluation; otherwise they take all steps there.
        heads: 2 for separate heads, 1 for one linear map to both values.
        biases: Initial biases of (halt, continue); None for torch's initialisation.
        zero_weight: Whether the weights of the heads start at zero.
        against_continue: Whether Q(halt) has to exceed Q(continue); otherwise it has to exceed
            zero.
        exploration: How training deviates at random from these decisions.
        batch_mean: Whether the mean Q values over the batch decide for all its rows.
    """

    max_steps: int
    halt_in_evaluation: bool
    heads: int = 1
    biases: tuple[float, float] | None = (-5.0, -5.0)
    zero_weight: bool = True
    against_continue: bool = True
    exploration: Exploration | None = None
    batch_mean: bool = False

    @property
    def together(self) -> bool:
        return self.batch_mean

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.heads in (1, 2), "heads", self.heads, "1 or 2", "use 2 for separate heads")
        require(
            self.exploration is None or not self.exploration.of_batch or self.batch_mean,
            "exploration",
            self.exploration,
            "exploration per sample, or None, where each sample decides for itself",
            "use Minimum, Ahead(per_sample=True), or batch_mean=True",
        )


@dataclass(frozen=True, kw_only=True)
class Accumulated(Halting):
    """Each position sums its halting probabilities; a row stops when all sums reach the threshold.

    Where a position's sum crosses the threshold, the high level is updated and the sum starts again
    at zero (see `Crossing`).
    """

    accumulates: ClassVar[bool] = True
    max_steps: int
    threshold: float = 0.5

    def fits(self, c: "HRMConfig", name: str) -> None:
        require(
            not isinstance(c.carry, Restarted),
            "carry",
            c.carry,
            "Kept or Detached with Accumulated halting, whose sums go on from step to step",
            "use Kept",
        )

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            self.threshold > 0,
            "threshold",
            self.threshold,
            "a positive number",
            "use the usual 0.5",
        )


@dataclass(frozen=True, kw_only=True)
class Lockstep(Execution):
    """The batch runs until all its rows want to stop in the same step."""

    as_one: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class Masked(Execution):
    """Each sample stops on its own; all rows are computed, and stopped rows keep their state."""


@dataclass(frozen=True, kw_only=True)
class Compacted(Execution):
    """Each sample stops on its own; only rows that haven't stopped are computed."""


@dataclass(frozen=True, kw_only=True)
class Refilled(Execution):
    """Each sample stops on its own; the next one takes its place among `places` computed rows."""

    places: int

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.places >= 1, "places", self.places, "1 or more", "use the batch that fits")


def _probability(value: float) -> None:
    require(0 <= value <= 1, "exploration", value, "a probability, 0 to 1", "use 0.1")
