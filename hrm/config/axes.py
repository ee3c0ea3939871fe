"""The axes of a configuration: one abstract class for each.

A choice on an axis is a frozen, keyword-only dataclass that derives from the axis's class. It may
be defined in this package or in any other module: `HRMConfig` accepts all of them, and JSON names a
choice by its class. The code that computes it is registered with `hrm.model.registry.builds`, in a
module that may import torch.

Class attributes tell the other parts of a configuration what they need to know of a choice; `fits`
refuses combinations that are impossible.
"""

from typing import TYPE_CHECKING, ClassVar

from hrm.config.parts import Part, require

if TYPE_CHECKING:
    from hrm.config import HRMConfig


class Axis(Part, abstract=True):
    """Base class of all axes."""

    def fits(self, c: "HRMConfig", name: str) -> None:
        """Refuse a configuration that this choice is incompatible with.

        Args:
            c: The whole configuration.
            name: Name of the field of `c` that holds this choice.

        Raises:
            UserError: As `hrm.config.parts.require`.
        """


# -- the model ------------------------------------------------------------------------------------
class Embedding(Axis, abstract=True):
    """How inputs are embedded.

    Attributes:
        reads: The form in which a task's boards are read: "tokens" below `vocabulary`; the tokens
            as "numbers"; or "one-hot" vectors with `size` entries.
    """

    reads: ClassVar[str]

    @property
    def answered(self) -> int | None:
        """The number of predicted positions, the last ones of a state; None for vectors."""
        return None

    def length(self, width: int) -> int | None:
        """Return S, the number of positions of a level's state of this width; None for vectors."""
        return self.answered

    def fits(self, c: "HRMConfig", name: str) -> None:
        require(
            c.low.sequences or self.answered is None,
            "low",
            c.low,
            "a Transformer for inputs with positions",
            "use Vector input with a Gru, or a Transformer core",
        )


class Core(Axis, abstract=True):
    """How a level updates its state.

    Attributes:
        sequences: Whether states are sequences, [B, S, D], or vectors, [B, D].
        width: D, the width of a state; subclasses define it as a field.
    """

    sequences: ClassVar[bool]
    if TYPE_CHECKING:

        @property
        def width(self) -> int: ...


class Norm(Axis, abstract=True):
    """The normalisation in a transformer's blocks."""


class FeedForward(Axis, abstract=True):
    """The feed-forward network in a transformer's blocks."""


class Initialisation(Axis, abstract=True):
    """How the weights of linear maps are initialised."""


class Initial(Axis, abstract=True):
    """The initial state of a level."""


class Coupling(Axis, abstract=True):
    """In which order the levels are updated, and what each reads of the other.

    Attributes:
        summarises: Whether the high level reads a summary of the low level's states.
        accumulated: Whether updates depend on accumulated halting probabilities.
        one_level: Whether there is only one level, whose state serves as low and high state.
        separate: Whether each low update of a cycle has a low state of its own.
    """

    summarises: ClassVar[bool] = False
    accumulated: ClassVar[bool] = False
    one_level: ClassVar[bool] = False
    separate: ClassVar[bool] = False


class Summary(Axis, abstract=True):
    """What the high level reads of the low states of a cycle."""


class Carry(Axis, abstract=True):
    """Which states the next halting step starts from."""


class Controller(Axis, abstract=True):
    """The network that computes the logits of a halting policy."""


class Exploration(Axis, abstract=True):
    """How training deviates at random from the halting decisions of the Q values."""

    @property
    def of_batch(self) -> bool:
        """Whether one draw decides for the whole batch."""
        return False


class Halting(Axis, abstract=True):
    """A halting policy: after which halting step a sample stops.

    Attributes:
        accumulates: Whether each position accumulates a halting probability over the updates.
        max_steps: The largest number of halting steps; a field or a property of subclasses.
    """

    accumulates: ClassVar[bool] = False
    if TYPE_CHECKING:

        @property
        def max_steps(self) -> int: ...

    @property
    def together(self) -> bool:
        """Whether one decision holds for the whole batch."""
        return False


class Execution(Axis, abstract=True):
    """How a batch is executed once some of its samples have halted.

    Attributes:
        as_one: Whether the batch runs until all its samples want to stop in the same step.
    """

    as_one: ClassVar[bool] = False


# -- objectives and training ----------------------------------------------------------------------
class Answer(Axis, abstract=True):
    """The loss of an answer.

    Attributes:
        ignores: Whether unlabelled cells are left out of the loss; otherwise their class is
            learned, too.
    """

    ignores: ClassVar[bool] = True


class Score(Axis, abstract=True):
    """Which log-probabilities enter the loss of a policy."""


class Objective(Axis, abstract=True):
    """The training objective of a system.

    Attributes:
        threshold: Where the readout is a single number per cell, a number above this one means
            class 1.
    """

    threshold: ClassVar[float] = 0.0

    def suits(self, model: "HRMConfig") -> None:
        """Refuse a model that can't be trained with this objective.

        Raises:
            UserError: As `hrm.config.parts.require`.
        """


class Optimiser(Axis, abstract=True):
    """The optimiser."""


class Schedule(Axis, abstract=True):
    """The schedule of the learning rate after warm-up."""

    def share(self, progress: float) -> float:
        """Return the learning rate as a share of its full value, at a progress in 0 ... 1."""
        raise AssertionError(f"{type(self).__name__} doesn't say its share")
