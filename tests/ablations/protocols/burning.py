"""Targets for tests: an arm is `Segments`, whose count says how much it burns."""

import os
import time
from functools import partial
from pathlib import Path

import hrm.config  # noqa: F401  (arms are its parts)


def burn(parts, batch):
    return [partial(spin, 3000 * part.count * batch) for part in parts]


def spin(steps):
    total = 0
    for i in range(steps):
        total += i
    return total


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
