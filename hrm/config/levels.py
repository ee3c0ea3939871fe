"""How the two levels meet, and how halting steps and segments do."""

from dataclasses import dataclass

from hrm.config.parts import Part, require


@dataclass(frozen=True, kw_only=True)
class Alternating(Part):
    """T low updates, then one high update.

    Args:
        detach_low_to_high, detach_high_to_low: Whether the gradient of one direction is cut.
        reset: Whether the low state then starts again from the high one, through the map between
            them.
    """

    detach_low_to_high: bool = False
    detach_high_to_low: bool = False
    reset: bool = False


@dataclass(frozen=True, kw_only=True)
class Accumulating(Part):
    """The high level alone, then T low updates that see `down` · z_H and add `up` · z_L to it."""

    down: float = 0.1
    up: float = 0.1


@dataclass(frozen=True, kw_only=True)
class Crossing(Part):
    """T low updates, then a high update only where positions' accumulated halting crosses."""


@dataclass(frozen=True, kw_only=True)
class LastStep(Part):
    """The high level sees the last low state: as it is, or through a map, ReLU and dropout."""

    project: bool = False
    dropout: float = 0.0


@dataclass(frozen=True, kw_only=True)
class StepAttention(Part):
    """Multi-head attention in which query, key and value are the one last low state."""

    heads: int = 8


@dataclass(frozen=True, kw_only=True)
class TraceAttention(Part):
    """Multi-head attention from the high state over all low states of the cycle."""

    heads: int = 8


@dataclass(frozen=True, kw_only=True)
class Segments(Part):
    """Refinement: the recursion `count` times a step, states detached in between or not.

    With `connection`, the previous segment's output enters the low level with that weight.
    """

    count: int = 1
    detached: bool = True
    connection: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.count >= 1, "count", self.count, "1 or more", "one segment is a single pass")
        require(
            self.connection is None or self.count >= 2,
            "connection",
            self.connection,
            "None for a single segment, which has no previous output",
            "use two segments or more, or connection=None",
        )


@dataclass(frozen=True, kw_only=True)
class Kept(Part):
    """The next halting step goes on from the last one's states, with their graph."""


@dataclass(frozen=True, kw_only=True)
class Detached(Part):
    """The next halting step goes on from the last one's states, without their graph."""


@dataclass(frozen=True, kw_only=True)
class Restarted(Part):
    """The next halting step starts from the initial states again."""
