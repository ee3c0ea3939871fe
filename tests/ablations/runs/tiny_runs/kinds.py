"""Protocols and an arm for the tests, written like those of users."""

from dataclasses import dataclass
from typing import ClassVar

from ablations.specs.protocols import Protocol
from hrm.config.parts import Part


@dataclass(frozen=True, kw_only=True)
class Number(Part):
    value: int = 10


@dataclass(frozen=True, kw_only=True)
class Tiny(Protocol):
    """A protocol that runs the function with this name in `tiny_runs.doing`."""

    module: ClassVar[str] = "tiny_runs.doing"
    weights: ClassVar[bool] = True
    does: str = "add"
    after: "Tiny | None" = None
    boards: int = 0
    seconds: float = 0.0
    path: str = ""
    times: int = 0
    compiled: bool = False


@dataclass(frozen=True, kw_only=True)
class TinyAlone(Tiny):
    alone: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class TinyJoint(Tiny):
    joint: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class Edited(Protocol):
    """Its module is written by a test."""

    module: ClassVar[str] = "edited_runs.doing"
    alone: ClassVar[bool] = True
