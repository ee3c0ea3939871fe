"""What is asked of a run (Trial), and what one attempt at it found (Result)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from hrm.codec import Json, Record

SCHEMA = 2


class Status(StrEnum):
    """How an attempt ended. What a protocol came to is finished; the others are made again."""

    OK = "ok"
    DIVERGED = "diverged"  # NaN or infinite loss: a finding, counted, never made again
    TIMED_OUT = "timed_out"  # over its time limit: a finding too
    FAILED = "failed"  # our code raised: shown, makes the claim INVALID
    DIED = "died"  # the machine's doing (killed worker, out of memory): retried, and recorded

    @property
    def finished(self) -> bool:
        """Whether it is an outcome, which stands."""
        return self in (Status.OK, Status.DIVERGED, Status.TIMED_OUT)


@dataclass(frozen=True, kw_only=True)
class Trial(Record):
    """One thing to run.

    Args:
        protocol: What is done, an encoded `ablations.specs.protocols.Protocol`. The protocol whose
            weights it starts from, if any, is nested under "after".
        arms: Encoded configurations: one, or all of a claim's for a joint protocol.
        seed: What everything random is drawn from; runs with equal seeds are pairs.
        device: "cpu" or "cuda".
    """

    protocol: Json
    arms: tuple[Json, ...]
    seed: int
    device: str = "cpu"

    @property
    def parent(self) -> "Trial | None":
        """The trial whose weights this one starts from, None if it starts from nothing."""
        after = self.protocol.get("after")
        return None if after is None else replace(self, protocol=after)


@dataclass(frozen=True, kw_only=True)
class Machine(Record):
    """Where a result was computed.

    Args:
        threads: As many as the trial computed with.
        accelerator: Its name, None where the trial used none.
        load: The system's load average when the attempt ended.
        allocator: The library that served memory; None for the system's own.
        capability: The instructions that torch computed with, such as AVX2; None without torch.
    """

    cpu: str
    cores: int
    threads: int
    system: str
    accelerator: str | None
    load: float
    allocator: str | None = None
    capability: str | None = None


@dataclass(frozen=True, kw_only=True)
class Result(Record):
    """What one attempt at a trial found: immutable, with everything that is needed to judge it.

    Args:
        observations: One mapping an arm. An array is replaced by ``{"array": name}``; the store's
            `observations` returns it from the sidecar.
        sidecar: SHA-256 of ``<attempt>.safetensors``, which holds the arrays; None without any.
        weights: SHA-256 of the weights that it left, in the store's folder for weights unless they
            were removed since; None if it left none.
        start: SHA-256 of the weights that it started from.
        error: What went wrong, on one line, unless the status is OK.
        deaths: How many earlier attempts the machine killed.
        sources: Digest of the sources that it rests on.
        commit, dirty: The project's commit, and whether its tree had changes; None outside git.
        schema: The version of this format.
    """

    fingerprint: str
    attempt: str
    trial: Trial
    status: Status
    observations: tuple[Mapping[str, Any], ...]
    sidecar: str | None = None
    weights: str | None = None
    start: str | None = None
    error: str | None
    deaths: int
    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    machine: Machine
    versions: Mapping[str, str]
    sources: str
    commit: str | None
    dirty: bool | None
    started: str
    schema: int = SCHEMA
