"""The order of timing trials: one shuffled sequence for all claims, in two separate stretches.

The state of a machine changes over minutes. If each claim were measured in one go, its pairs would
be measured in the same state, and would agree better with each other than with pairs an hour later.
"""

import hashlib
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")

PAUSE = 60.0  # seconds between the stretches; other work may fill them


def stretches(trials: Iterable[T], key: Callable[[T], str]) -> tuple[list[T], list[T]]:
    """Return timing trials in the order in which to run them, cut into two stretches.

    The stretches are of like length; a single trial is in the second one. A trial's place is drawn
    from its content alone: the order is the same whatever order trials come in, and a further trial
    leaves the order of the others as it is.

    Args:
        trials: Timing trials of all claims.
        key: A text that says what a trial is: its fingerprint, or its canonical JSON.
    """
    order = sorted(trials, key=lambda trial: hashlib.sha256(key(trial).encode()).digest())
    half = len(order) // 2
    return order[:half], order[half:]
