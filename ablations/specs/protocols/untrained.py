"""Protocols that train nothing."""

from dataclasses import dataclass
from typing import ClassVar

from ablations.specs.protocols.base import Protocol
from hrm.config.parts import require


@dataclass(frozen=True, kw_only=True)
class Bytes(Protocol):
    """Count the bytes that controller calls and whole forward passes allocate, in evaluation.

    No sample stops early, so that a pass takes all its cycles. The bytes depend on shapes only.

    Args:
        calls: Batches of the controller calls.
        passes: Batches of the forward passes.
    """

    module: ClassVar[str] = "ablations.protocols.bytes"
    calls: tuple[int, ...] = (1, 4, 32, 128)
    passes: tuple[int, ...] = (32,)


@dataclass(frozen=True, kw_only=True)
class Check(Protocol):
    """Run the function of an exact claim, which yields checks.

    Args:
        function: "module:function"; it is called with the arms' systems and the seed, and with
            the figures where there are any.
        figures: The printed figures, from the ledger.
    """

    module: ClassVar[str] = "ablations.protocols.check"
    joint: ClassVar[bool] = True
    function: str
    figures: tuple[str, ...] = ()

    @property
    def functions(self) -> tuple[str, ...]:
        return (self.function,)


@dataclass(frozen=True, kw_only=True)
class Time(Protocol):
    """Time all arms in turns in a fresh process, together with a twin of the baseline.

    The twin is the baseline, built a second time. Every target is timed at every batch size, in
    `rounds` rounds; each round times all arms and the twin once, in random order.

    Args:
        targets: The timed functions, "module:function", as `bench.turns` describes them.
        batches: Batch sizes.
        rounds: Number of rounds; the value of a process is the median over them.
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
