"""Trials, and the results of attempts at them."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from hrm.codec import Json, Record

SCHEMA = 2


class Status(StrEnum):
    """How an attempt ended. Finished attempts are final; others are repeated."""

    OK = "ok"
    DIVERGED = "diverged"  # NaN or infinite loss: a finding, counted, never made again
    TIMED_OUT = "timed_out"  # over its time limit: a finding too
    FAILED = "failed"  # our code raised: shown, makes the claim INVALID
    DIED = "died"  # the machine's doing (killed worker, out of memory): retried, and recorded

    @property
    def finished(self) -> bool:
        """Whether the status is final."""
        return self in (Status.OK, Status.DIVERGED, Status.TIMED_OUT)


@dataclass(frozen=True, kw_only=True)
class Trial(Record):
    """A unit of work: a protocol, arms, a seed and a device.

    Args:
        protocol: The encoded `ablations.specs.protocols.Protocol`. If it starts from weights, the
            protocol that trains them is nested under "after".
        arms: Encoded configurations: a single one, or all of a claim for a joint protocol.
        seed: Seed of all random draws; runs with equal seeds form pairs.
        device: "cpu" or "cuda".
    """

    protocol: Json
    arms: tuple[Json, ...]
    seed: int
    device: str = "cpu"

    @functools.cached_property
    def parent(self) -> "Trial | None":
        """The trial whose weights this one starts from, None if it starts from nothing."""
        after = self.protocol.get("after")
        return None if after is None else replace(self, protocol=after)


@dataclass(frozen=True, kw_only=True)
class Machine(Record):
    """Where a result was computed.

    Args:
        threads: Number of threads of the trial.
        accelerator: Name of the accelerator; None if the trial used none.
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
    """The result of one attempt at a trial: immutable, with everything that is needed to judge it.

    Args:
        observations: One mapping per arm. An array is replaced by ``{"array": name}``; the store's
            `observations` returns it from the sidecar.
        sidecar: SHA-256 of ``<attempt>.safetensors``, which has the arrays; None without arrays.
        weights: SHA-256 of the resulting weights, which are in the store's folder of weights unless
            they were removed; None if there are none.
        start: SHA-256 of the weights that it started from.
        error: The error, on one line, unless the status is OK.
        deaths: Number of earlier attempts that the machine killed.
        sources: Digest of the sources that the result depends on.
        commit: The project's commit; None outside of git.
        dirty: Whether the tree had changes; None outside of git.
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
