"""Targets for tests: an arm is `Segments`, whose count says how much it burns."""

import os
import time
from functools import partial

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
    os.write(1, b"hanging\n")
    time.sleep(600)


def tell(parts, batch):
    raise RuntimeError(
        repr({name: value for name, value in os.environ.items() if not name.startswith("LC_")})
    )
