"""Axes: an abstract class for each thing that can be chosen.

What can be chosen on an axis is a frozen, keyword-only dataclass that derives from the axis's
class, defined here or in anybody's module: `HRMConfig` takes any of them, and JSON names it by its
class. What it computes is registered where torch may be imported, by `hrm.model.registry.builds`.

Class attributes say what other parts of a configuration have to know of a choice; `fits` refuses
what it doesn't go with.
"""

from typing import TYPE_CHECKING, ClassVar

from hrm.config.parts import Part, require

if TYPE_CHECKING:
    from hrm.config import HRMConfig


class Axis(Part, abstract=True):
    """Something that can be chosen."""

    def fits(self, c: "HRMConfig", name: str) -> None:
        """Refuse a configuration whose other choices this one doesn't go with.

        Args:
            name: Of the field of `c` that holds this.

        Raises:
            UserError: As `hrm.config.parts.require`.
        """


# -- the model ------------------------------------------------------------------------------------
class Embedding(Axis, abstract=True):
    """What goes in.

    Attributes:
        reads: What is read of a task's boards: their "tokens", of which there are `vocabulary`; the
            tokens' "numbers"; or "one-hot" vectors, of `size` numbers.
    """

    reads: ClassVar[str]

    @property
    def answered(self) -> int | None:
        """Positions that are answered, the last ones of a state; None for vectors."""
        return None

    def length(self, width: int) -> int | None:
        """Return S, the positions of a level's state of this width; None for vectors."""
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
        width: D, a field.
    """

    sequences: ClassVar[bool]
    if TYPE_CHECKING:

        @property
        def width(self) -> int: ...


class Norm(Axis, abstract=True):
    """The norms of a transformer's blocks."""


class FeedForward(Axis, abstract=True):
    """The feed-forwards of a transformer's blocks."""


class Initialisation(Axis, abstract=True):
    """How the weights of linear maps are drawn."""


class Initial(Axis, abstract=True):
    """What the states start from."""


class Coupling(Axis, abstract=True):
    """How the levels meet.

    Attributes:
        summarises: Whether the high level reads a summary of the low one's states.
        accumulated: Whether updates go by what halting accumulates.
        one_level: Whether there is but one level, whose state is read as either one.
        separate: Whether each low update of a cycle has a low state of its own.
    """

    summarises: ClassVar[bool] = False
    accumulated: ClassVar[bool] = False
    one_level: ClassVar[bool] = False
    separate: ClassVar[bool] = False


class Summary(Axis, abstract=True):
    """What the high level sees of the low one."""


class Carry(Axis, abstract=True):
    """What a halting step hands to the next."""


class Controller(Axis, abstract=True):
    """What makes the logits of a halting policy."""


class Exploration(Axis, abstract=True):
    """What training does now and then instead of what Q values say."""

    @property
    def of_batch(self) -> bool:
        """Whether the whole batch draws once."""
        return False


class Halting(Axis, abstract=True):
    """Who wants to stop.

    Attributes:
        accumulates: Whether positions add up what they want, from update to update.
        max_steps: Where every sample stops, a field or a property.
    """

    accumulates: ClassVar[bool] = False
    if TYPE_CHECKING:

        @property
        def max_steps(self) -> int: ...

    @property
    def together(self) -> bool:
        """Whether the batch decides as one."""
        return False


class Execution(Axis, abstract=True):
    """What stopping costs.

    Attributes:
        as_one: Whether the batch runs as one, until all its samples want to stop.
    """

    as_one: ClassVar[bool] = False


# -- what is learned, and how ---------------------------------------------------------------------
class Answer(Axis, abstract=True):
    """What an answer costs.

    Attributes:
        ignores: Whether cells that aren't labelled cost nothing; else their class is learned, too.
    """

    ignores: ClassVar[bool] = True


class Score(Axis, abstract=True):
    """Which log-probabilities a policy's loss scores."""


class Objective(Axis, abstract=True):
    """What a system is trained for.

    Attributes:
        threshold: Above which a single number per cell answers class 1.
    """

    threshold: ClassVar[float] = 0.0

    def suits(self, model: "HRMConfig") -> None:
        """Refuse a model that can't be trained for this.

        Raises:
            UserError: As `hrm.config.parts.require`.
        """


class Optimiser(Axis, abstract=True):
    """What takes the steps."""


class Schedule(Axis, abstract=True):
    """What the learning rate does after warm-up."""

    def share(self, progress: float) -> float:
        """Return the share of its full value that the rate has, at a progress in 0 ... 1."""
        raise AssertionError(f"{type(self).__name__} doesn't say its share")
