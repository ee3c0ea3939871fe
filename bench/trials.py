"""Trials that count to a number (0 to do nothing), and made-up results, without torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ablations.records.trials import Machine, Result, Status, Trial
from ablations.specs.protocols import Protocol
from hrm.config.parts import Part


@dataclass(frozen=True, kw_only=True)
class Nothing(Part):
    """An arm without settings."""


@dataclass(frozen=True, kw_only=True)
class Counting(Protocol):
    """Counts to a number.

    Args:
        to: The number; a million takes about 30 ms.
    """

    module: ClassVar[str] = "bench.trials"
    to: int = 0


@dataclass(frozen=True, kw_only=True)
class Left:
    """The outcome of a trial."""

    observations: list[Mapping[str, Any]]
    weights: None = None


def count(to: int) -> int:
    """Count to a number."""
    found = 0
    for _ in range(to):
        found += 1
    return found


def run(inputs: Any) -> Left:
    """Run a trial."""
    return Left(observations=[{"counted": count(inputs.protocol.to)} for _ in inputs.arms])


def trials(number: int, to: int = 0) -> list[Trial]:
    """Return a number of trials, one per seed."""
    protocol, arms = Counting(to=to).to_json(), (Nothing().to_json(),)
    return [Trial(protocol=protocol, arms=arms, seed=seed) for seed in range(number)]


def result(trial: Trial, fingerprint: str, **observed: Any) -> Result:
    """Return a finished result of a trial with one observation."""
    return Result(
        fingerprint=fingerprint,
        attempt="20260101T000000.000000Z-00000000",
        trial=trial,
        status=Status.OK,
        observations=(observed,),
        error=None,
        deaths=0,
        wall_seconds=1.0,
        cpu_seconds=1.0,
        peak_memory_bytes=1,
        machine=Machine(cpu="", cores=2, threads=1, system="", accelerator=None, load=0.0),
        versions={},
        sources="",
        commit=None,
        dirty=None,
        started="2026-01-01T00:00:00+00:00",
    )
