"""Results that are built by hand."""

from ablations.records.trials import Machine, Result, Status, Trial
from ablations.runs import sidecars

A, B, C = ("a" * 64, "b" * 64, "c" * 64)


def attempt(number):
    return f"20250101T000000.{number:06}Z-00000000"


def a_result(fingerprint=A, number=1, status=Status.OK, observations=({"loss": 0.5},), **more):
    given = {
        "fingerprint": fingerprint,
        "attempt": attempt(number),
        "trial": Trial(protocol={"kind": "P"}, arms=({"kind": "X"},), seed=4),
        "status": status,
        "observations": observations,
        "error": None,
        "deaths": 0,
        "wall_seconds": 1.5,
        "cpu_seconds": 1.0,
        "peak_memory_bytes": 1024,
        "machine": Machine(cpu="c", cores=2, threads=1, system="s", accelerator=None, load=0.1),
        "versions": {"python": "3.11"},
        "sources": "d",
        "commit": None,
        "dirty": None,
        "started": "2025-01-01T00:00:00+00:00",
    }
    return Result(**{**given, **more})


def add(store, *, fingerprint=A, number=1, observations, **more):
    """Add a result with its arrays, as an attempt does."""
    plain, arrays = sidecars.split(observations)
    path = store.path((fingerprint, attempt(number)), ".safetensors")
    result = a_result(
        fingerprint, number, observations=plain, sidecar=sidecars.save(path, arrays), **more
    )
    store.add(result)
    return result


def record(store, fingerprint=A, number=1):
    return store.path((fingerprint, attempt(number)))
