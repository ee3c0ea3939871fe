"""The order of timing trials: one shuffled sequence for all claims, in separate stretches.

A machine has moods that last for minutes. If each claim were measured in one go, its pairs would
share one mood and agree with each other better than with the next hour.
"""

import hashlib
import itertools
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")

STRETCHES = 2
PAUSE = 60.0  # seconds between stretches where no other work lies between them


def stretches(
    trials: Iterable[T], key: Callable[[T], str], count: int = STRETCHES
) -> list[list[T]]:
    """Return timing trials in the order in which to run them, cut into stretches of like length.

    Other work, or a pause, lies between two stretches. A trial's place is drawn from its content
    alone: the order is the same whatever order trials come in, and a further trial leaves the order
    of the others as it is.

    Args:
        trials: Of all claims.
        key: A text that says what a trial is: its fingerprint, or its canonical JSON.
        count: How many stretches. Fewer trials than that make fewer, of one trial each.
    """
    assert count >= 1, count
    order = sorted(trials, key=lambda trial: hashlib.sha256(key(trial).encode()).digest())
    edges = [len(order) * i // count for i in range(count + 1)]
    return [order[a:b] for a, b in itertools.pairwise(edges) if a < b]
