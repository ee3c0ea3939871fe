"""Targets for tests: an arm is a `Segments`, whose count determines the time of a call."""

import os
import time
from functools import partial
from pathlib import Path

import hrm.config  # noqa: F401  (arms are its parts)

clock = [0]  # nanoseconds


def burn(parts, batch):
    """Return calls that advance a simulated clock by 3 ms per count and sample."""
    time.perf_counter_ns = lambda: clock[0]
    return [partial(tick, 3_000_000 * part.count * batch) for part in parts]


def tick(nanoseconds):
    clock[0] += nanoseconds


def fail(parts, batch):
    raise ValueError("boom")


def hang(parts, batch):
    """Hold a named pipe open for as long as the process lives."""
    os.write(os.open(Path(os.environ["TMPDIR"], "alive"), os.O_WRONLY), b"here")
    time.sleep(600)


def tell(parts, batch):
    raise RuntimeError(
        repr({name: value for name, value in os.environ.items() if not name.startswith("LC_")})
    )
