"""The order of timing trials: one shuffled sequence for all claims, in two separate stretches.

The state of a machine changes over minutes. If each claim were measured in one go, all its pairs
would share one state, and would agree better with each other than with pairs an hour later.
"""

import hashlib
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")

PAUSE = 60.0  # seconds between the stretches, in which other work may be done


def stretches(trials: Iterable[T], key: Callable[[T], str]) -> tuple[list[T], list[T]]:
    """Return timing trials in the order in which to run them, cut into two stretches.

    The stretches have about equal lengths; a single trial is in the second one. The place of a
    trial is drawn from its content only: it depends neither on the order of `trials` nor on which
    other trials there are.

    Args:
        trials: Timing trials of all claims.
        key: Returns a text that identifies a trial: its fingerprint, or its canonical JSON.
    """
    order = sorted(trials, key=lambda trial: hashlib.sha256(key(trial).encode()).digest())
    half = len(order) // 2
    return order[:half], order[half:]
