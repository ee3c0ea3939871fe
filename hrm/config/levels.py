"""Configuration of coupling, summary, segments, and the carry between halting steps."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from hrm.config.axes import Carry, Coupling, Summary
from hrm.config.parts import Part, require

if TYPE_CHECKING:
    from hrm.config import HRMConfig


@dataclass(frozen=True, kw_only=True)
class Alternating(Coupling):
    """T low updates, then one high update.

    Args:
        detach_low_to_high: Whether the high level reads the low state without gradient.
        detach_high_to_low: Whether the low level reads the high state without gradient.
        reset: Whether the low state is replaced after each high update by a linear map of the high
            state.
    """

    detach_low_to_high: bool = False
    detach_high_to_low: bool = False
    reset: bool = False
    summarises: ClassVar[bool] = True

    def fits(self, c: "HRMConfig", name: str) -> None:
        require(
            c.low.sequences or not self.reset,
            name,
            self,
            "Alternating without reset for Gru cores",
            "use reset=False, or Transformer cores",
        )


@dataclass(frozen=True, kw_only=True)
class Accumulating(Coupling):
    """A high update, then T low updates that read `down` · z_H; each adds `up` · z_L to z_H."""

    down: float = 0.1
    up: float = 0.1

    def fits(self, c: "HRMConfig", name: str) -> None:
        require(
            c.low.sequences,
            name,
            self,
            "Alternating for Gru cores",
            "use Transformer cores with Accumulating",
        )
        require(
            c.low.width == c.high.width,
            "high.width",
            c.high.width,
            f"low.width, {c.low.width}, where one level's state is added to the other's",
            "set both widths alike, or use Alternating",
        )


@dataclass(frozen=True, kw_only=True)
class Crossing(Coupling):
    """T low updates, then a high update where a position's halting sum crosses the threshold."""

    accumulated: ClassVar[bool] = True

    def fits(self, c: "HRMConfig", name: str) -> None:
        require(
            c.low.sequences,
            "low",
            c.low,
            "a Transformer with Crossing, which looks at positions",
            "use Transformer cores, or Alternating",
        )


@dataclass(frozen=True, kw_only=True)
class Single(Coupling):
    """One level only: T updates of the low core, whose state serves as the high state as well.

    There is no high core and no initial high state; the configuration's `high` repeats `low`.
    """

    one_level: ClassVar[bool] = True

    def fits(self, c: "HRMConfig", name: str) -> None:
        require(
            c.high == c.low and not c.one_network,
            "high",
            c.high,
            "the same core as low, and one_network=False, with Single",
            "make both cores equal: there is but one",
        )


@dataclass(frozen=True, kw_only=True)
class OneLatent(Single):
    """One level only: T updates with the input, then one update without it."""

    def fits(self, c: "HRMConfig", name: str) -> None:
        super().fits(c, name)
        require(
            c.low.sequences,
            "low",
            c.low,
            "a core on sequences with OneLatent, as a Gru always reads an input",
            "use Transformer cores, or Single",
        )


@dataclass(frozen=True, kw_only=True)
class SeparateLatents(Coupling):
    """T low updates, each of which has a low state of its own, then a high update.

    Each low update starts from the sum of all low states; the high update reads that sum.
    """

    separate: ClassVar[bool] = True

    def fits(self, c: "HRMConfig", name: str) -> None:
        require(
            c.low.sequences and not c.readout.low,
            "readout.low",
            c.readout.low,
            "False, and cores on sequences, where there are several low states",
            "read the high state, or use Alternating",
        )


@dataclass(frozen=True, kw_only=True)
class LastStep(Summary):
    """The high level reads the last low state: as it is, or after a map, ReLU and dropout."""

    project: bool = False
    dropout: float = 0.0


class _Attention(Summary, abstract=True):
    """Multi-head attention over low states, which are vectors."""

    if TYPE_CHECKING:

        @property
        def heads(self) -> int: ...

    def fits(self, c: "HRMConfig", name: str) -> None:
        require(
            not c.low.sequences,
            name,
            self,
            "LastStep for Transformer cores, whose state already is a sequence",
            "use summary=LastStep()",
        )
        require(
            self.heads >= 1 and c.low.width % self.heads == 0,
            f"{name}.heads",
            self.heads,
            f"a divisor of low.width, {c.low.width}",
            "change summary.heads or low.width",
        )


@dataclass(frozen=True, kw_only=True)
class StepAttention(_Attention):
    """Multi-head attention whose query, key and value are the last low state."""

    heads: int = 8


@dataclass(frozen=True, kw_only=True)
class TraceAttention(_Attention):
    """Multi-head attention with the high state as query over all low states of the cycle."""

    heads: int = 8


@dataclass(frozen=True, kw_only=True)
class Segments(Part):
    """Refinement: `count` segments per halting step, with states detached in between or not.

    With `connection`, the output of the previous segment is added to the low level's input with
    that weight.
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
class Kept(Carry):
    """The next halting step starts from the states of the last one, with their graph."""


@dataclass(frozen=True, kw_only=True)
class Detached(Carry):
    """The next halting step starts from the states of the last one, detached from their graph."""


@dataclass(frozen=True, kw_only=True)
class Restarted(Carry):
    """The next halting step starts from the initial states."""
